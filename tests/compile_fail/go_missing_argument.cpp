// expect: the callable cannot be called with these arguments
// SPDX-License-Identifier: MIT
//
// An argument is missing.
#include <burrow/burrow.hpp>

burrow::task<> work(int) { co_return; }

burrow::task<> body() {
#ifdef CONTROL
  burrow::go(work, 1);
#else
  burrow::go(work);
#endif
  co_return;
}
