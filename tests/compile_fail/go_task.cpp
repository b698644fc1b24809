// expect: go takes a callable and its arguments, not a task: write go(f, x), not go(f(x))
// SPDX-License-Identifier: MIT
//
// The task would refer to what ends with the expression.
#include <burrow/burrow.hpp>

burrow::task<> work(int) { co_return; }

burrow::task<> body() {
#ifdef CONTROL
  burrow::go(work, 1);
#else
  burrow::go(work(1));
#endif
  co_return;
}
