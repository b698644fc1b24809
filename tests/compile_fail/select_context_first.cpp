// expect: a case of select is an operation: a channel's send or recv
// expect: start a goroutine that sends
// SPDX-License-Identifier: MIT
//
// A form with a Context first is a select of its own.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  auto c = burrow::make_chan<int>();
  burrow::context ctx = burrow::background();
  co_await burrow::select(c.recv(), ctx.done());
#else
  auto c = burrow::make_chan<int>();
  burrow::context ctx = burrow::background();
  co_await burrow::select(c.recv(), c.recv(ctx));
#endif
  co_return;
}
