// SPDX-License-Identifier: MIT
// The clock that timers, sleeps and deadlines go by.
#pragma once

#include <chrono>

namespace burrow {

/// The steady clock; in a test's bubble (see testing.hpp) that bubble's clock. Code that is to be
/// tested there asks this one instead of std::chrono::steady_clock. Go: time.Now().
struct runtime_clock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr bool is_steady = true;

  /// Any thread.
  static time_point now() noexcept;
  /// The time of day; in a bubble it begins at 2000-01-01 00:00 UTC. Any thread.
  static std::chrono::system_clock::time_point utc() noexcept;
};

}  // namespace burrow
