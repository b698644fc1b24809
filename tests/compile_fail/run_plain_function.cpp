// expect: run: main is a callable that returns a burrow::task
// SPDX-License-Identifier: MIT
//
// A plain function is no goroutine.
#include <burrow/burrow.hpp>

burrow::task<> work() { co_return; }
[[maybe_unused]] void plain() {}

burrow::task<> body() {
#ifdef CONTROL
  burrow::run(work);
#else
  burrow::run(plain);
#endif
  co_return;
}
