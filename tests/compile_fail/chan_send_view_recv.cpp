// expect-clang: no member named 'recv' in 'burrow::send_chan<int>'
// expect-gcc: has no member named 'recv'
// SPDX-License-Identifier: MIT
//
// CH27: nothing is received through a view that sends.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  burrow::chan<int> c = burrow::make_chan<int>();
  co_await c.recv();
#else
  burrow::send_chan<int> c = burrow::make_chan<int>();
  co_await c.recv();
#endif
  co_return;
}
