// expect: an operation is awaited, or given to select, in the expression that makes it
// SPDX-License-Identifier: MIT
//
// An operation that is kept may outlive what it refers to.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::make_chan<int>().recv();
#else
  auto operation = burrow::make_chan<int>().recv();
  co_await operation;
#endif
  co_return;
}
