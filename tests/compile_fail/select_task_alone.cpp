// expect: a case of select is an operation: a channel's send or recv
// expect: start a goroutine that sends
// SPDX-License-Identifier: MIT
//
// Also as the only case.
#include <burrow/burrow.hpp>

burrow::task<int> work() { co_return 1; }

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::select(burrow::make_chan<int>().recv());
#else
  co_await burrow::select(work());
#endif
  co_return;
}
