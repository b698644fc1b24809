// expect: a guard that is not kept releases its lock at once
// SPDX-License-Identifier: MIT
//
// The guard is what holds the lock.
#include <burrow/burrow.hpp>

burrow::task<> body() {
  burrow::mutex mu;
#ifdef CONTROL
  auto held = co_await mu.guard();
#else
  co_await mu.guard();
#endif
}
