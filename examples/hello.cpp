// SPDX-License-Identifier: MIT
// The program of the README: a goroutine counts into a channel until its Context ends.
// [hello]
#include <burrow/burrow.hpp>
#include <cstdio>
using namespace burrow;

task<> count(context ctx, send_chan<int> out) {
  for (int n = 1;; ++n) {
    const int chosen = co_await select(ctx.done(), out.send(n));
    if (chosen == 0) co_return;  // the Context has ended
  }
}

task<> start() {
  auto [ctx, cancel] = with_cancel(background());
  auto numbers = make_chan<int>();
  go(count, ctx, numbers);
  for (int i = 0; i < 3; ++i) {
    auto n = co_await numbers.recv();
    std::printf("%d\n", *n);
  }
}  // `cancel` goes out of scope and cancels, as Go's `defer cancel()` does

int main() { return run(start); }
// [/hello]
