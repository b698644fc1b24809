// expect-clang: no member named 'send' in 'burrow::recv_chan<int>'
// expect-gcc: has no member named 'send'
// SPDX-License-Identifier: MIT
//
// CH27: nothing is sent through a view that receives.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  burrow::chan<int> c = burrow::make_chan<int>();
  co_await c.send(1);
#else
  burrow::recv_chan<int> c = burrow::make_chan<int>();
  co_await c.send(1);
#endif
  co_return;
}
