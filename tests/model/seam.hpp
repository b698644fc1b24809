// SPDX-License-Identifier: MIT
// What models can tell the seam.
#pragma once

#include <burrow/detail/timers.hpp>

namespace model {

/// What steady_now() says from now on. To be set at the start of each execution.
void set_clock(burrow::detail::nanoseconds_t to) noexcept;

}  // namespace model
