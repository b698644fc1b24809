// expect: a burrow task can await tasks and burrow's operations only
// SPDX-License-Identifier: MIT
//
// Another library's awaitable knows no Context.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::this_goroutine::yield();
#else
  co_await std::suspend_always{};
#endif
  co_return;
}
