// expect-clang: call to implicitly-deleted copy constructor
// expect-gcc: use of deleted function
// SPDX-License-Identifier: MIT
//
// A case is used once, and not copied.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  burrow::select_case c;
  burrow::select_case d = std::move(c);
#else
  burrow::select_case c;
  burrow::select_case d = c;
#endif
  co_return;
}
