// expect-clang: no matching member function for call to 'send'
// expect-gcc: no matching function for call to
// SPDX-License-Identifier: MIT
//
// Only what converts to the element is sent.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::make_chan<int>().send(1);
#else
  co_await burrow::make_chan<int>().send("text");
#endif
  co_return;
}
