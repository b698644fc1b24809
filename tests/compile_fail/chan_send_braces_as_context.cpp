// expect-clang: no matching member function for call to 'send'
// expect-gcc: no matching function for call to
// SPDX-License-Identifier: MIT
//
// {} is no Context: it never selects the form with a Context first.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  co_await burrow::make_chan<int>().send(burrow::background(), 1);
#else
  co_await burrow::make_chan<int>().send({}, 1);
#endif
  co_return;
}
