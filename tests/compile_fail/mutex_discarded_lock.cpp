// expect: lock() does nothing until it is awaited
// SPDX-License-Identifier: MIT
//
// A lock that is not awaited is not taken.
#include <burrow/burrow.hpp>

burrow::task<> body() {
  burrow::mutex mu;
#ifdef CONTROL
  co_await mu.lock();
#else
  mu.lock();
#endif
  co_return;
}
