// expect: a receive does nothing until it is awaited or given to select
// SPDX-License-Identifier: MIT
//
// A receive that is not awaited.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::make_chan<int>().recv();
#else
  burrow::make_chan<int>().recv();
#endif
  co_return;
}
