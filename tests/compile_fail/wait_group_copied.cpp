// expect-clang: call to deleted constructor
// expect-gcc: use of deleted function
// SPDX-License-Identifier: MIT
//
// WG10: a copy would count by itself.
#include <burrow/burrow.hpp>

void body() {
  burrow::wait_group wg;
#ifdef CONTROL
  burrow::wait_group& same = wg;
  static_cast<void>(same);
#else
  burrow::wait_group copy = wg;
#endif
}
