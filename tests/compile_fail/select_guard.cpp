// expect: a case of select is an operation: a channel's send or recv
// SPDX-License-Identifier: MIT
//
// A select would drop the guard; lock() is the case.
#include <burrow/burrow.hpp>

burrow::task<> body() {
  burrow::mutex mu;
  auto c = burrow::make_chan<int>();
#ifdef CONTROL
  co_await burrow::select(c.recv(), mu.lock());
#else
  co_await burrow::select(c.recv(), mu.guard());
#endif
}
