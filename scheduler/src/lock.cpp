// SPDX-License-Identifier: MIT
// Waiting for a lock. Two threads that take one lock in turn, at every few instructions, spend
// their time on moving its cache line to and fro. So a thread that meets the same lock again after
// only a few critical sections stays away from it for longer each time: meanwhile the other does
// many of them in a row, and then the roles change.
#include <burrow/detail/compiler.hpp>
#include <burrow/detail/lock.hpp>

#include <algorithm>
#include <ctime>
#include <sched.h>

namespace burrow::detail {

namespace {

constexpr unsigned most_pauses = 128;        // a few microseconds
constexpr std::uint32_t few_sections = 128;  // between two meetings

/// The lock that this thread has waited for last.
struct meeting {
  const wait_lock* lock = nullptr;
  std::uint32_t version = 0;  // of the lock then
  unsigned pauses = 1;        // before the first look
};

thread_local meeting last_meeting;

/// How long to stay away at first.
unsigned first_pauses(const wait_lock& lock, std::uint32_t version) noexcept {
  meeting& last = last_meeting;
  if (last.lock != &lock) {
    last.pauses = 1;
  } else if (version - last.version < few_sections) {
    last.pauses = std::min(2 * last.pauses, most_pauses);
  } else {
    last.pauses = std::max(last.pauses / 2, 1u);
  }
  last.lock = &lock;
  return last.pauses;
}

}  // namespace

BURROW_NOINLINE void wait_lock::lock_contended() noexcept {
  constexpr int looks = 60;    // longer than any critical section that runs
  constexpr int yields = 200;  // the holder was preempted: let it run
  for (unsigned left = first_pauses(*this, version_.load(relaxed)); left != 0; --left) cpu_relax();
  for (int tries = 0;; ++tries) {
    if (held_.load(relaxed) == 0 && held_.exchange(1, acquire) == 0) break;
    if (tries < looks) {
      cpu_relax();
    } else if (tries < looks + yields) {
      ::sched_yield();
    } else {
      const timespec nap{0, 50'000};
      ::nanosleep(&nap, nullptr);
    }
  }
  last_meeting.version = version_.load(relaxed);
}

}  // namespace burrow::detail
