// expect: a reference needs std::ref
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
  burrow::run(work, std::ref(n));
#else
  int n = 0;
  burrow::run(work, n);
#endif
  co_return;
}
