// expect-clang: ignoring return value
// expect-gcc: ignoring return
// SPDX-License-Identifier: MIT
//
// Waiting for the end of a Context without co_await.
#include <burrow/burrow.hpp>

burrow::task<> body(burrow::context ctx) {
#ifdef CONTROL
  co_await ctx.done();
#else
  ctx.done();
#endif
  co_return;
}
