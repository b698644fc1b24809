// SPDX-License-Identifier: MIT
// The small grammar that requests, URLs and headers share. ASCII, whatever the locale.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace burrow::http::detail {

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// Without the spaces and tabs at both ends.
std::string_view trimmed(std::string_view s) noexcept;
/// What may be a method or the name of a field.
bool is_token(std::string_view s) noexcept;
/// Neither a line's end nor a zero.
bool is_field_value(std::string_view s) noexcept;
/// Graphic ASCII: what may be in the first line of a request or in a URL.
bool is_visible(std::string_view s) noexcept;

/// Undoes percent-encoding; nullopt: a '%' without two digits behind it.
std::optional<std::string> percent_decoded(std::string_view s);

/// The value of `name` in a query, "a=1&b=two+words", decoded; nullopt: it is not there.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace burrow::http::detail
