// expect: a case of select is an operation: a channel's send or recv
// expect: start a goroutine that sends
// SPDX-License-Identifier: MIT
//
// A task is no case, known at run time or not.
#include <burrow/burrow.hpp>

burrow::task<int> work() { co_return 1; }

burrow::task<> body() {
#ifdef CONTROL
  burrow::select_case c(burrow::make_chan<int>().recv());
#else
  burrow::select_case c(work());
#endif
  co_return;
}
