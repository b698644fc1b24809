// SPDX-License-Identifier: MIT
#include <burrow/detail/compiler.hpp>
#include <burrow/detail/lock.hpp>

#include <ctime>
#include <sched.h>

namespace burrow::detail {

BURROW_NOINLINE void wait_lock::lock_contended() noexcept {
  constexpr int spins = 60;    // a few hundred ns: longer than any critical section that runs
  constexpr int yields = 200;  // the holder was preempted: let it run
  for (int tries = 0;; ++tries) {
    if (held_.load(relaxed) == 0 && held_.exchange(1, acquire) == 0) return;
    if (tries < spins) {
      cpu_relax();
    } else if (tries < spins + yields) {
      ::sched_yield();
    } else {
      const timespec nap{0, 50'000};
      ::nanosleep(&nap, nullptr);
    }
  }
}

}  // namespace burrow::detail
