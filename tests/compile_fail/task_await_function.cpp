// expect: a function is called to be awaited: co_await f()
// SPDX-License-Identifier: MIT
//
// A function that returns a task, without the call.
#include <burrow/burrow.hpp>

burrow::task<> other();

burrow::task<> body() {
#ifdef CONTROL
  co_await other();
#else
  co_await other;
#endif
}
