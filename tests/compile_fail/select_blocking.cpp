// expect: a case of select is an operation: a channel's send or recv
// expect: start a goroutine that sends
// SPDX-License-Identifier: MIT
//
// A call that blocks cannot be taken back.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  auto c = burrow::make_chan<int>();
  co_await burrow::select(c.recv(), c.send(1));
#else
  auto c = burrow::make_chan<int>();
  co_await burrow::select(c.recv(), burrow::blocking([] { return 1; }));
#endif
  co_return;
}
