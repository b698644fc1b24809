// SPDX-License-Identifier: MIT
// The page of the web server: HTML, style and script in one text, which needs nothing else.
#pragma once

#include <string_view>

namespace web {

extern const std::string_view page;

}  // namespace web
