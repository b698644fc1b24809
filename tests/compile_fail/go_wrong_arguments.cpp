// expect: the callable cannot be called with these arguments
// SPDX-License-Identifier: MIT
//
// The arguments must fit.
#include <burrow/burrow.hpp>

burrow::task<> work(int) { co_return; }

burrow::task<> body() {
#ifdef CONTROL
  burrow::go(work, 1);
#else
  burrow::go(work, "one");
#endif
  co_return;
}
