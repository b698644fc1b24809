// SPDX-License-Identifier: MIT
// Any duration as a number of nanoseconds.
#pragma once

#include <burrow/detail/timers.hpp>

#include <chrono>
#include <ratio>
#include <type_traits>

namespace burrow::detail {

/// Rounded up, and saturated to what a timer can wait for.
template <class Rep, class Period>
constexpr nanoseconds_t saturated_ns(std::chrono::duration<Rep, Period> d) noexcept {
  using in_ns = std::ratio_divide<Period, std::nano>;
  if constexpr (std::is_integral_v<Rep> && in_ns::den == 1) {
    nanoseconds_t ns = 0;
    if (!__builtin_mul_overflow(d.count(), in_ns::num, &ns)) return ns;
    return d.count() < 0 ? -never : never;
  } else {
    const long double ns = std::chrono::duration<long double, std::nano>(d).count();
    if (ns >= static_cast<long double>(never)) return never;
    if (ns <= -static_cast<long double>(never)) return -never;
    const auto whole = static_cast<nanoseconds_t>(ns);
    return static_cast<long double>(whole) < ns ? whole + 1 : whole;
  }
}

}  // namespace burrow::detail
