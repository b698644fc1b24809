// SPDX-License-Identifier: MIT
// What models can tell the seam.
#pragma once

#include <burrow/detail/timers.hpp>

namespace burrow::detail {
class scheduler;
}

namespace model {

/// What steady_now() says next, and by how much it grows with each call. To be set at the start of
/// each execution that reads the clock.
void set_clock(burrow::detail::nanoseconds_t to, burrow::detail::nanoseconds_t step) noexcept;

/// What the deadlock report calls; null: the execution fails.
void on_deadlock(void (*handler)(burrow::detail::scheduler&)) noexcept;

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
