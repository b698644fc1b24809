// SPDX-License-Identifier: MIT
// What models can tell the seam.
#pragma once

#include <burrow/detail/timers.hpp>

namespace model {

/// What steady_now() says next, and by how much it grows with each call. To be set at the start of
/// each execution that reads the clock.
void set_clock(burrow::detail::nanoseconds_t to, burrow::detail::nanoseconds_t step) noexcept;

/// The first member of what makes a scheduler: sets the clock, and forgets in the end what the
/// scheduler's workers have left in static lists.
class fresh_statics {
 public:
  fresh_statics(int workers, burrow::detail::nanoseconds_t clock_step) noexcept
      : workers_(workers) {
    set_clock(1'000'000, clock_step);
  }
  ~fresh_statics() {
    for (int i = 0; i < workers_; ++i) delete &burrow::detail::timer_set::obtain();
  }
  fresh_statics(const fresh_statics&) = delete;
  fresh_statics& operator=(const fresh_statics&) = delete;

 private:
  int workers_;
};

}  // namespace model
