// expect: async: the callable cannot be called with these arguments
// SPDX-License-Identifier: MIT
//
// The arguments must fit.
#include <burrow/burrow.hpp>

burrow::task<int> work(int n) { co_return n; }
[[maybe_unused]] int plain(int n) { return n; }

burrow::task<> body(burrow::group& g) {
#ifdef CONTROL
  auto d = g.async(work, 1);
#else
  auto d = g.async(work, "one");
#endif
  co_await d;
}
