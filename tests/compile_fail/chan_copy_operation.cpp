// expect-clang: call to implicitly-deleted copy constructor
// expect-gcc: use of deleted function
// SPDX-License-Identifier: MIT
//
// An operation is never copied.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  auto operation = burrow::make_chan<int>().recv();
  auto moved = std::move(operation);
#else
  auto operation = burrow::make_chan<int>().recv();
  auto moved = operation;
#endif
  static_cast<void>(moved);
  co_return;
}
