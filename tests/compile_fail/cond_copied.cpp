// expect-clang: call to deleted constructor
// expect-gcc: use of deleted function
// SPDX-License-Identifier: MIT
//
// CO7: a cond is where its waiters are.
#include <burrow/burrow.hpp>

void body() {
  burrow::mutex mu;
  burrow::cond cv(mu);
#ifdef CONTROL
  burrow::cond& same = cv;
  static_cast<void>(same);
#else
  burrow::cond copy = cv;
#endif
}
