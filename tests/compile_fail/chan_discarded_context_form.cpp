// expect: this does nothing until it is awaited
// SPDX-License-Identifier: MIT
//
// A receive with a Context first that is not awaited.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::make_chan<int>().recv(burrow::background());
#else
  burrow::make_chan<int>().recv(burrow::background());
#endif
  co_return;
}
