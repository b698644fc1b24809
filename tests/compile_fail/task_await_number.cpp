// expect: a burrow task can await tasks and burrow's operations only
// SPDX-License-Identifier: MIT
//
// What is nothing to wait for.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::this_goroutine::yield();
#else
  co_await 1;
#endif
  co_return;
}
