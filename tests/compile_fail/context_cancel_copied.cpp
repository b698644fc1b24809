// expect-clang: call to implicitly-deleted copy constructor
// expect-gcc: use of deleted function
// SPDX-License-Identifier: MIT
//
// cancel cancels when it is destroyed, so it has one owner; trigger() is what to copy.
#include <burrow/context.hpp>

using namespace burrow;

void body() {
  auto [ctx, cancel] = with_cancel(background());
#ifdef CONTROL
  auto copy = cancel.trigger();
#else
  auto copy = cancel;
#endif
  copy();
}
