// expect-clang: no member named 'close' in 'burrow::recv_chan<int>'
// expect-gcc: has no member named 'close'
// SPDX-License-Identifier: MIT
//
// CH26: a channel is not closed by those who only receive.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  burrow::chan<int> c = burrow::make_chan<int>();
  c.close();
#else
  burrow::recv_chan<int> c = burrow::make_chan<int>();
  c.close();
#endif
  co_return;
}
