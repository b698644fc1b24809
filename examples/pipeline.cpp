// SPDX-License-Identifier: MIT
// A pipeline: a generator, two squarers that share its output, a merge, a sum; and the same
// pipeline left early by its reader, whose `cancel` ends every stage.
#include <burrow/burrow.hpp>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

using namespace burrow;

// [pipeline]
task<> generate(context ctx, int count, send_chan<int> out, wait_group& stages) {
  for (int n = 1; n <= count; ++n) {
    int chosen = co_await select(ctx.done(), out.send(n));
    if (chosen == 0) break;
  }
  out.close();
  stages.done();
}

task<> square(context ctx, recv_chan<int> in, send_chan<int> out, wait_group& stages) {
  while (auto n = co_await in.recv(ctx)) {  // nullopt: closed and drained, or the Context ended
    int chosen = co_await select(ctx.done(), out.send(*n * *n));
    if (chosen == 0) break;
  }
  out.close();
  stages.done();
}

task<> merge(context ctx, std::vector<recv_chan<int>> in, send_chan<int> out, wait_group& stages) {
  co_await scope([&](group& g) -> task<> {
    for (recv_chan<int> c : in) {
      g.go([ctx, c, out]() -> task<> {
        while (auto n = co_await c.recv(ctx)) {
          int chosen = co_await select(ctx.done(), out.send(*n));
          if (chosen == 0) co_return;
        }
      });
    }
    co_await g.wait();
  });
  out.close();
  stages.done();
}
// [/pipeline]

struct source {
  chan<int> numbers = make_chan<int>();
  std::vector<chan<int>> squares{make_chan<int>(), make_chan<int>()};
  chan<int> merged = make_chan<int>();
};

void start(context ctx, int count, source& s, wait_group& stages) {
  stages.add(4);
  go(generate, ctx, count, s.numbers, std::ref(stages));
  for (chan<int> c : s.squares) go(square, ctx, s.numbers, c, std::ref(stages));
  std::vector<recv_chan<int>> inputs(s.squares.begin(), s.squares.end());
  go(merge, ctx, inputs, s.merged, std::ref(stages));
}

task<> main_goroutine() {
  wait_group stages;
  {
    source s;
    start(background(), 100, s, stages);
    int sum = 0;
    while (auto n = co_await s.merged.recv()) sum += *n;
    co_await stages.wait();
    std::printf("the squares of 1 to 100 sum up to %d\n", sum);
  }
  {
    source s;
    auto [ctx, cancel] = with_cancel(background());
    start(ctx, 1'000'000'000, s, stages);
    co_await s.merged.recv();
    cancel();  // one value is enough
    co_await stages.wait();
    std::puts("left early: every stage has ended");
  }
}

int main() { return run(main_goroutine); }
