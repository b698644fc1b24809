// expect-clang: call to deleted constructor of 'burrow::task<>'
// expect-gcc: use of deleted function
// SPDX-License-Identifier: MIT
//
// A task has one owner.
#include <burrow/burrow.hpp>

burrow::task<> work() { co_return; }

burrow::task<> body() {
#ifdef CONTROL
  auto t = work();
  auto u = std::move(t);
  co_await std::move(u);
#else
  auto t = work();
  auto u = t;
  co_await std::move(u);
#endif
  co_return;
}
