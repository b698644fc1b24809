// expect: a case of select is an operation: a channel's send or recv
// SPDX-License-Identifier: MIT
//
// A wait for a condition cannot be taken back: it has released the mutex.
#include <burrow/burrow.hpp>

burrow::task<> body() {
  burrow::mutex mu;
  burrow::cond cv(mu);
  auto c = burrow::make_chan<int>();
#ifdef CONTROL
  co_await burrow::select(c.recv(), mu.lock());
#else
  co_await burrow::select(c.recv(), cv.wait());
#endif
}
