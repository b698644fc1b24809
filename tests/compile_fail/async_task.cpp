// expect: async takes a callable and its arguments, not a task: write g.async(f, x)
// SPDX-License-Identifier: MIT
//
// The task would refer to what ends with the expression.
#include <burrow/burrow.hpp>

burrow::task<int> work(int n) { co_return n; }
[[maybe_unused]] int plain(int n) { return n; }

burrow::task<> body(burrow::group& g) {
#ifdef CONTROL
  auto d = g.async(work, 1);
#else
  auto d = g.async(work(1));
#endif
  co_await d;
}
