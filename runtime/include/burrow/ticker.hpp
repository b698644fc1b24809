// SPDX-License-Identifier: MIT
// ticker: a moment that comes again and again.
#pragma once

#include <burrow/detail/context_first.hpp>
#include <burrow/detail/timer_core.hpp>

#include <chrono>
#include <concepts>

namespace burrow {

/// Gives a value at each end of a period: the time at which it was due. It keeps its phase; a slow
/// receiver loses ticks, at most one is pending, and that one bears its own time. A handle, copied
/// like a pointer; default-constructed, a receive from it waits forever. It needs no stop(): a
/// ticker that is not referred to any more is gone. All functions work on any thread, at the same
/// time. Go 1.23: *time.Ticker.
class ticker {
 public:
  ticker() noexcept = default;

  /// The first tick comes once `d` has passed. Throws std::invalid_argument if d <= 0;
  /// std::bad_alloc; std::logic_error where no runtime runs. Go: time.NewTicker(d).
  template <class Rep, class Period>
  explicit ticker(std::chrono::duration<Rep, Period> d) : core_(make(detail::to_nanoseconds(d))) {}

  /// Awaited: waits for the next tick. Each goes to one receiver. A case of select. The first form
  /// puts the time into `at` and gives true; `ok`, if there is one, becomes true as well. Never
  /// early.
  /// Go: at := <-t.C.
  detail::timer_receive_into recv(std::chrono::steady_clock::time_point& at) const noexcept {
    return {core_.get(), at, nullptr};
  }
  detail::timer_receive_into recv(std::chrono::steady_clock::time_point& at,
                                  bool& ok) const noexcept {
    return {core_.get(), at, &ok};
  }
  detail::timer_receive_value recv() const noexcept {
    return detail::timer_receive_value(core_.get());
  }

  /// As recv(), but they end with an error, or give nullopt, when `ctx` ends. They test `ctx`
  /// first. Not cases of select.
  auto recv(const std::same_as<context> auto& ctx,
            std::chrono::steady_clock::time_point& at) const {
    return detail::context_first(ctx, recv(at));
  }
  auto recv(const std::same_as<context> auto& ctx) const {
    return detail::context_first(ctx, recv());
  }

  /// No further tick is received, not even one that is due. Does nothing to a ticker that is a
  /// default.
  /// Go: t.Stop().
  void stop() noexcept {
    if (core_.get() != nullptr) core_.get()->stop();
  }

  /// From now on a tick at each end of `d`. Restarts a stopped one. Throws std::invalid_argument if
  /// d <= 0; std::logic_error for a ticker that is a default. Go: t.Reset(d).
  template <class Rep, class Period>
  void reset(std::chrono::duration<Rep, Period> d) {
    const detail::nanoseconds_t period = detail::checked_interval(
        detail::to_nanoseconds(d), "non-positive interval for Ticker.Reset");
    detail::initialized(core_, "time: Reset called on uninitialized Ticker").reset(period, period);
  }

 private:
  static detail::timer_core* make(detail::nanoseconds_t period) {
    detail::checked_interval(period, "non-positive interval for NewTicker");
    return detail::timer_core::make(period, period);
  }

  detail::timer_handle core_;
};

}  // namespace burrow
