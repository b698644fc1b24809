// SPDX-License-Identifier: MIT
// timer: one moment that can be moved; after_func: a function that is called then.
#pragma once

#include <burrow/after.hpp>
#include <burrow/detail/context_first.hpp>
#include <burrow/detail/timer_function.hpp>

#include <chrono>
#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

namespace burrow {

class timer;

/// Calls `f()` in a goroutine of its own once `d` has passed. `f` is a plain callable or one that
/// returns a task; it is moved or copied into the timer, and may run several times, also at the
/// same time, if the timer is reset. The goroutine carries the runtime's root Context; an exception
/// that leaves it ends the program as with go(). The handle has no channel: recv() waits forever.
/// The timer still fires when the handle is destroyed; stop() it if it should not. Any thread.
/// Throws std::bad_alloc; std::logic_error where no runtime runs. Go: time.AfterFunc(d, f).
template <class Rep, class Period, class F>
timer after_func(std::chrono::duration<Rep, Period> d, F&& f,
                 std::source_location where = std::source_location::current());

/// Gives one value when its time has come: the time at which it was due. A handle, copied like a
/// pointer; default-constructed, a receive from it waits forever. After stop() and reset() nothing
/// of an old setting is ever received, so nothing has to be drained. Nothing has to be stopped
/// either: a timer that is not referred to any more is gone. All functions work on any thread, at
/// the same time. Go 1.23: *time.Timer.
class timer {
 public:
  timer() noexcept = default;

  /// Fires once `d` has passed; at once where d <= 0. Throws std::bad_alloc; std::logic_error where
  /// no runtime runs. Go: time.NewTimer(d).
  template <class Rep, class Period>
  explicit timer(std::chrono::duration<Rep, Period> d)
      : core_(detail::timer_core::make(detail::to_nanoseconds(d), 0)) {}

  /// Awaited: waits for the value. Each value goes to one receiver. A case of select. The first
  /// form puts the time into `at` and gives true; `ok`, if there is one, becomes true as well.
  /// Never early.
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

  /// True: this prevented the value from being received, whether its time had come or not; of an
  /// after_func(): the function from being started. False: it was received, or started, or the
  /// timer was stopped before. Never waits. Throws std::logic_error for a timer that is a default.
  /// Go: t.Stop().
  bool stop() {
    return detail::initialized(core_, "time: Stop called on uninitialized Timer").stop();
  }

  /// Sets it anew: it fires once `d` has passed from now. Tells what stop() would have told. Throws
  /// as stop(); std::logic_error if the runtime in which it was made has ended. Go: t.Reset(d).
  template <class Rep, class Period>
  bool reset(std::chrono::duration<Rep, Period> d) {
    return detail::initialized(core_, "time: Reset called on uninitialized Timer")
        .reset(detail::to_nanoseconds(d), 0);
  }

 private:
  template <class Rep, class Period, class F>
  friend timer after_func(std::chrono::duration<Rep, Period>, F&&, std::source_location);

  explicit timer(detail::timer_core* core) noexcept : core_(core) {}

  detail::timer_handle core_;
};

template <class Rep, class Period, class F>
timer after_func(std::chrono::duration<Rep, Period> d, F&& f, std::source_location where) {
  using callable = std::decay_t<F>;
  static_assert(std::is_invocable_v<callable&>, "after_func takes a callable without parameters");
  return timer(detail::timer_function<callable>::make(detail::to_nanoseconds(d),
                                                      callable(std::forward<F>(f)), where));
}

}  // namespace burrow
