// expect: a case of select is an operation: a channel's send or recv
// expect: start a goroutine that sends
// SPDX-License-Identifier: MIT
//
// What is no operation at all.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::select(burrow::make_chan<int>().recv(), burrow::otherwise);
#else
  co_await burrow::select(burrow::make_chan<int>().recv(), 1);
#endif
  co_return;
}
