// SPDX-License-Identifier: MIT
// Waiting for another thread, alone: the model build has a way of its own.
#include <burrow/detail/compiler.hpp>
#include <burrow/detail/context_node.hpp>

#include <ctime>
#include <sched.h>

namespace burrow::detail {

void back_off(unsigned& tries) noexcept {
  constexpr unsigned spins = 100;
  constexpr unsigned yields = 200;  // whom this waits for may have been preempted: let it run
  if (++tries <= spins) {
    cpu_relax();
  } else if (tries <= spins + yields) {
    ::sched_yield();
  } else {
    const timespec nap{0, 50'000};
    ::nanosleep(&nap, nullptr);
  }
}

}  // namespace burrow::detail
