// SPDX-License-Identifier: MIT
// after: a case of a select that happens when some time has passed.
#pragma once

#include <burrow/detail/duration.hpp>
#include <burrow/detail/operation.hpp>
#include <burrow/detail/timers.hpp>

#include <chrono>

namespace burrow {

namespace detail {

/// The timer lives here, in the awaiting frame, and in the set of the worker that runs the
/// goroutine when it begins to wait.
class [[nodiscard("after() does nothing until it is awaited or given to select")]] after_operation
    : public operation<after_operation>,
      private timer_node {
 public:
  static constexpr wait_reason reason = wait_reason::chan_receive;  // as Go's <-time.After(d)

  explicit after_operation(nanoseconds_t duration) noexcept : duration_(duration) {}
  after_operation(after_operation&& other) noexcept : duration_(other.duration_) {}

  void prepare() noexcept { set_ = &who->home->timers(); }
  wait_source* source() const noexcept { return set_; }
  bool ready() const noexcept { return duration_ <= 0; }
  bool attempt(goroutine*&) noexcept {
    if (duration_ > 0) return false;
    timer_node::due = steady_now();
    return true;
  }
  void enlist() noexcept;
  void leave() noexcept;
  std::chrono::steady_clock::time_point result() const noexcept {
    return to_time_point(timer_node::due);
  }

 private:
  static bool expire(timer_node& t, nanoseconds_t now, wake_list& wakes) noexcept;
  static const timer_type after_type;

  timer_set* set_ = nullptr;
  nanoseconds_t duration_;
};

}  // namespace detail

/// Happens once `d` has passed since the goroutine began to wait for it; at once where d <= 0.
/// Awaited alone it gives the time at which it was due; mostly it is a case of a select. Never
/// early. Nothing has to be stopped when another case was the one. It watches no Context: see
/// sleep(). No allocation.
/// Go: time.After(d).
template <class Rep, class Period>
detail::after_operation after(std::chrono::duration<Rep, Period> d) noexcept {
  return detail::after_operation(detail::to_nanoseconds(d));
}

}  // namespace burrow
