// expect: co_await this_goroutine::yield()
// SPDX-License-Identifier: MIT
//
// A yield that is not awaited.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::this_goroutine::yield();
#else
  burrow::this_goroutine::yield();
#endif
  co_return;
}
