// expect: select takes operations as rvalues, made in the same expression
// SPDX-License-Identifier: MIT
//
// A case owns its operation.
#include <burrow/burrow.hpp>

burrow::task<> body() {
#ifdef CONTROL
  burrow::select_case c(burrow::make_chan<int>().recv());
#else
  auto operation = burrow::make_chan<int>().recv();
  burrow::select_case c(operation);
#endif
  co_return;
}
