// expect: a send does nothing until it is awaited or given to select
// SPDX-License-Identifier: MIT
//
// A send that is not awaited.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::make_chan<int>().send(1);
#else
  burrow::make_chan<int>().send(1);
#endif
  co_return;
}
