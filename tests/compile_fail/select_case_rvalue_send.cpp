// expect: select_case cannot hold a send of an rvalue
// expect: send a named variable, which is copied
// SPDX-License-Identifier: MIT
//
// The rvalue is gone when the select runs.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  const int one = 1;
  burrow::select_case c(burrow::make_chan<int>().send(one));
#else
  burrow::select_case c(burrow::make_chan<int>().send(1));
#endif
  co_return;
}
