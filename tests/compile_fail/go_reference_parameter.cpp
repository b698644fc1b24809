// expect: so a reference parameter needs std::ref
// SPDX-License-Identifier: MIT
//
// Arguments are copied into the goroutine.
#include <burrow/burrow.hpp>

burrow::task<> work(int& n) {
  ++n;
  co_return;
}

burrow::task<> body() {
#ifdef CONTROL
  int n = 0;
  burrow::go(work, std::ref(n));
#else
  int n = 0;
  burrow::go(work, n);
#endif
  co_return;
}
