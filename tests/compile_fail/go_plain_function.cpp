// expect: go takes a callable that returns a burrow::task
// SPDX-License-Identifier: MIT
//
// A plain function would run on the worker until it ends.
#include <burrow/burrow.hpp>

void plain() {}

burrow::task<> body() {
#ifdef CONTROL
  burrow::go([]() -> burrow::task<> {
    plain();
    co_return;
  });
#else
  burrow::go(plain);
#endif
  co_return;
}
