// SPDX-License-Identifier: MIT
// Durations as the scheduler counts them.
#pragma once

#include <burrow/detail/timers.hpp>

#include <chrono>
#include <limits>
#include <ratio>
#include <type_traits>

namespace burrow::detail {

/// Nanoseconds, rounded up so that no sleep is short. What does not fit saturates: durations beyond
/// 292 years are for ever, and NaN is 0.
template <class Rep, class Period>
constexpr nanoseconds_t to_nanoseconds(std::chrono::duration<Rep, Period> d) noexcept {
  constexpr nanoseconds_t least = std::numeric_limits<nanoseconds_t>::min();
  using ratio = std::ratio_divide<Period, std::nano>;
  if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
    const long double ns = static_cast<long double>(d.count()) * ratio::num / ratio::den;
    if (!(ns == ns)) return 0;
    if (ns >= static_cast<long double>(never)) return never;
    if (ns <= static_cast<long double>(least)) return least;
    const auto whole = static_cast<nanoseconds_t>(ns);
    return static_cast<long double>(whole) < ns ? whole + 1 : whole;
  } else {
    // Through 128 bits: no count of 64 bits overflows unless its period is longer than an age.
    const __int128 ns = static_cast<__int128>(d.count()) * ratio::num;
    const __int128 whole = ns / ratio::den;
    const __int128 up = whole * ratio::den < ns ? whole + 1 : whole;
    if (up >= never) return never;
    return up <= least ? least : static_cast<nanoseconds_t>(up);
  }
}

inline std::chrono::steady_clock::time_point to_time_point(nanoseconds_t t) noexcept {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::nanoseconds(t)));
}

}  // namespace burrow::detail
