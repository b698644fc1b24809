// expect: sleep() does nothing until it is awaited
// SPDX-License-Identifier: MIT
//
// A sleep that is not awaited.
#include <burrow/burrow.hpp>

#include <chrono>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::sleep(std::chrono::seconds(1));
#else
  burrow::sleep(std::chrono::seconds(1));
#endif
  co_return;
}
