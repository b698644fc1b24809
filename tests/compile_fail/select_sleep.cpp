// expect: a case of select is an operation: a channel's send or recv
// SPDX-License-Identifier: MIT
//
// A sleep watches a Context as well; after() is the case.
#include <burrow/burrow.hpp>

#include <chrono>

burrow::task<> body() {
  using namespace std::chrono_literals;
  auto c = burrow::make_chan<int>();
#ifdef CONTROL
  co_await burrow::select(c.recv(), burrow::after(1s));
#else
  co_await burrow::select(c.recv(), burrow::sleep(1s));
#endif
}
