// SPDX-License-Identifier: MIT
#include <burrow/wait_group.hpp>

#include <stdexcept>
#include <utility>

namespace burrow::detail {

/// The count becomes zero, and somebody may wait for that.
BURROW_NOINLINE void wait_group_core::subtract_slowly(std::uint64_t change) {
  wake_list wakes;
  lock.lock();
  std::uint64_t s = state_.load(relaxed);
  std::uint64_t next = 0;
  do {
    if ((s & ~awaited) < change) {
      lock.unlock();
      throw std::logic_error("sync: negative WaitGroup counter");
    }
    next = s - change == awaited ? 0 : s - change;
    // acq_rel: publishes what was done here, and sees what was done elsewhere; the waiters see both
    // through their claim.
  } while (!state_.compare_exchange_weak(s, next, acq_rel, relaxed));
  if (next == 0) waiters.claim_all(wakes);
  lock.unlock();  // the last touch: from here on the wait group may be gone
  if (!wakes.empty()) wake_all(wakes);
}

void wait_group_joiner::ended(goroutine& g, std::exception_ptr error) noexcept {
  if (error && !is_goroutine_exit(error)) report_unhandled(g, std::move(error));
  group->subtract(1);
}

}  // namespace burrow::detail
