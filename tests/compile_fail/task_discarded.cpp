// expect: a task does nothing until it is awaited: co_await it, or pass the function to go()
// SPDX-License-Identifier: MIT
//
// A task that is not awaited.
#include <burrow/burrow.hpp>

burrow::task<> work() { co_return; }

burrow::task<> body() {
#ifdef CONTROL
  co_await work();
#else
  work();
#endif
  co_return;
}
