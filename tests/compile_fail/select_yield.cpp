// expect: a case of select is an operation: a channel's send or recv
// expect: start a goroutine that sends
// SPDX-License-Identifier: MIT
//
// To yield is no operation that could become ready.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::select(burrow::make_chan<int>().recv(), burrow::otherwise);
#else
  co_await burrow::select(burrow::make_chan<int>().recv(), burrow::this_goroutine::yield());
#endif
  co_return;
}
