// expect: a task is awaited once, as an rvalue: co_await f(), or co_await std::move(t)
// SPDX-License-Identifier: MIT
//
// A task that stays could be awaited twice.
#include <burrow/burrow.hpp>

burrow::task<> work() { co_return; }

burrow::task<> body() {
#ifdef CONTROL
  auto t = work();
  co_await std::move(t);
#else
  auto t = work();
  co_await t;
#endif
  co_return;
}
