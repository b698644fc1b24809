// SPDX-License-Identifier: MIT
// What models can tell the seam.
#pragma once

#include <burrow/detail/timers.hpp>

namespace burrow::detail {
class scheduler;
class worker;
struct goroutine;
}  // namespace burrow::detail

namespace model {

/// What steady_now() says next, and by how much it grows with each call. To be set at the start of
/// each execution that reads the clock.
void set_clock(burrow::detail::nanoseconds_t to, burrow::detail::nanoseconds_t step) noexcept;

/// What the deadlock report calls; null: the execution fails.
void on_deadlock(void (*handler)(burrow::detail::scheduler&)) noexcept;

/// By a thread that is the kernel: what `g` waits for has come to the driver of `at`, whose
/// `in_flight` counts it already.
void arrive(burrow::detail::worker& at, burrow::detail::goroutine* g) noexcept;

/// A thread of the process begins or ends. It starts with one.
void change_process_threads(int by) noexcept;

/// The first member of what makes a scheduler: sets the clock and what is static, and forgets in
/// the end what the scheduler's workers have left in static lists.
class fresh_statics {
 public:
  fresh_statics(int workers, burrow::detail::nanoseconds_t clock_step) noexcept;
  ~fresh_statics();
  fresh_statics(const fresh_statics&) = delete;
  fresh_statics& operator=(const fresh_statics&) = delete;

 private:
  int workers_;
};

}  // namespace model
