// expect-clang: no matching member function for call to 'send'
// expect-gcc: no matching function for call to
// SPDX-License-Identifier: MIT
//
// send() is for channels of unit.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::make_chan<>().send();
#else
  co_await burrow::make_chan<int>().send();
#endif
  co_return;
}
