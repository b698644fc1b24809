// expect: a select does nothing until it is awaited
// SPDX-License-Identifier: MIT
//
// A select that is not awaited.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  auto c = burrow::make_chan<int>();
  co_await burrow::select(c.recv(), c.send(1));
#else
  auto c = burrow::make_chan<int>();
  burrow::select(c.recv(), c.send(1));
#endif
  co_return;
}
