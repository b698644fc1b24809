// expect: async takes a callable that returns a burrow::task
// SPDX-License-Identifier: MIT
//
// A plain function would run on the worker until it ends.
#include <burrow/burrow.hpp>

burrow::task<int> work(int n) { co_return n; }
[[maybe_unused]] int plain(int n) { return n; }

burrow::task<> body(burrow::group& g) {
#ifdef CONTROL
  auto d = g.async(work, 1);
#else
  auto d = g.async(plain, 1);
#endif
  co_await d;
}
