// expect: a case of select is an operation: a channel's send or recv
// expect: start a goroutine that sends
// SPDX-License-Identifier: MIT
//
// A task cannot be taken back once it runs.
#include <burrow/burrow.hpp>

burrow::task<int> work() { co_return 1; }

burrow::task<> body() {
#ifdef CONTROL
  auto c = burrow::make_chan<int>();
  co_await burrow::select(c.recv(), c.send(1));
#else
  auto c = burrow::make_chan<int>();
  co_await burrow::select(c.recv(), work());
#endif
  co_return;
}
