// SPDX-License-Identifier: MIT
// sleep: time that passes, unless a Context ends.
//
// A sleeper waits on two sources, its worker's timers and the Context that it carries, by the
// protocol of a select: both are locked when it enlists, one of them claims it, and it leaves the
// other before it goes on. It has an awaiter of its own because there are many of them: it is half
// the size of a select.
#pragma once

#include <burrow/context.hpp>
#include <burrow/detail/carried.hpp>
#include <burrow/detail/context_first.hpp>
#include <burrow/detail/duration.hpp>
#include <burrow/detail/operation.hpp>

#include <chrono>
#include <concepts>
#include <coroutine>
#include <system_error>

namespace burrow {

namespace detail {

/// The timer, and the waiter in the Context's list.
class sleep_awaiter : private timer_node {
 public:
  /// `watched` is there as long as this is; null: nothing is watched.
  sleep_awaiter(goroutine& g, cancellable_node* watched, nanoseconds_t duration) noexcept
      : watched_(watched), duration_(duration) {
    watcher_.who = &g;
    watcher_.case_index = context_case;
  }
  sleep_awaiter(const sleep_awaiter&) = delete;
  sleep_awaiter& operator=(const sleep_awaiter&) = delete;

  bool await_ready() noexcept;
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept;
  std::error_code await_resume();

 private:
  static constexpr std::uint32_t timer_case = 0;
  static constexpr std::uint32_t context_case = 1;
  enum class course : std::uint8_t { slept, ended, refused, waited };

  static bool expire(timer_node& t, nanoseconds_t now, wake_list& wakes) noexcept;
  static const timer_type sleep_type;

  void leave() noexcept;

  cancellable_node* watched_;
  waiter watcher_;
  nanoseconds_t duration_;
  course course_ = course::slept;
};

/// Watches the Context that the goroutine carries.
class [[nodiscard("sleep() does nothing until it is awaited")]] sleep_form {
 public:
  explicit sleep_form(nanoseconds_t duration) noexcept : duration_(duration) {}
  sleep_awaiter bind(goroutine& g) && noexcept {
    const context_node* node = carried(g);
    return {g, node != nullptr ? node->source : nullptr, duration_};
  }

 private:
  nanoseconds_t duration_;
};

/// Watches the given one, and owns a reference to it until the end of the expression.
class [[nodiscard("sleep() does nothing until it is awaited")]] sleep_context_form {
 public:
  sleep_context_form(const context& ctx, nanoseconds_t duration);  // throws std::invalid_argument
  sleep_awaiter bind(goroutine& g) && noexcept { return {g, node_of(ctx_)->source, duration_}; }

 private:
  context ctx_;
  nanoseconds_t duration_;
};

}  // namespace detail

/// Awaited: lets `d` pass. Ends early, with the error, when the Context that the goroutine carries
/// ends, and at once if it has ended; the error may be ignored. Where d <= 0 it does not wait.
/// Never short. Throws goroutine_exit in a goroutine that was abandoned. No allocation. Go:
/// time.Sleep(d).
template <class Rep, class Period>
detail::sleep_form sleep(std::chrono::duration<Rep, Period> d) noexcept {
  return detail::sleep_form(detail::to_nanoseconds(d));
}

/// As sleep(d), watching `ctx` instead. Throws std::invalid_argument for a nil Context.
template <std::same_as<context> Context, class Rep, class Period>
detail::sleep_context_form sleep(const Context& ctx, std::chrono::duration<Rep, Period> d) {
  return detail::sleep_context_form(ctx, detail::to_nanoseconds(d));
}

}  // namespace burrow
