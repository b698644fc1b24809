// expect: `otherwise` is the last argument of select
// SPDX-License-Identifier: MIT
//
// The default comes last.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  auto c = burrow::make_chan<int>();
  co_await burrow::select(c.recv(), burrow::otherwise);
#else
  auto c = burrow::make_chan<int>();
  co_await burrow::select(burrow::otherwise, c.recv());
#endif
  co_return;
}
