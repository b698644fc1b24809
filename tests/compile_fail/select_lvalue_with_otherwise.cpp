// expect: select takes operations as rvalues, made in the same expression
// SPDX-License-Identifier: MIT
//
// The same with `otherwise`.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  auto c = burrow::make_chan<int>();
  co_await burrow::select(c.recv(), burrow::otherwise);
#else
  auto c = burrow::make_chan<int>();
  auto operation = c.recv();
  co_await burrow::select(operation, burrow::otherwise);
#endif
  co_return;
}
