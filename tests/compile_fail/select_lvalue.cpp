// expect: select takes operations as rvalues, made in the same expression
// SPDX-License-Identifier: MIT
//
// An operation that is kept may outlive what it refers to.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  auto c = burrow::make_chan<int>();
  co_await burrow::select(c.recv(), c.send(1));
#else
  auto c = burrow::make_chan<int>();
  auto operation = c.recv();
  co_await burrow::select(operation, c.send(1));
#endif
  co_return;
}
