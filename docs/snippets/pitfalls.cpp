// SPDX-License-Identifier: MIT
// Chapter 8 of the guide: what surprises, and what to write instead.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

// [parameters_by_value]
task<> archive(std::string path) {  // by value: the task keeps what it needs
  co_await sleep(1ms);
  std::puts(path.c_str());
}
// [/parameters_by_value]

// [lambda_goroutine]
task<> starts_a_lambda() {
  std::string path = "a lambda, not a task";
  auto done = make_chan<>();
  go([path, done]() -> task<> {  // the lambda is moved into the goroutine, with its captures
    std::puts(path.c_str());
    co_await done.send();
  });
  co_await done.recv();
}
// [/lambda_goroutine]

// [await_then_test]
task<bool> both_say_yes(recv_chan<bool> a, recv_chan<bool> b) {
  auto x = co_await a.recv();  // an await initialises a name, then the name is tested
  auto y = co_await b.recv();
  co_return x.value_or(false) && y.value_or(false);
}
// [/await_then_test]

// [break_out]
task<int> last_before_close(recv_chan<int> in) {
  int last = 0;
  int v = 0;
  bool ok = true;
  while (ok) {  // a `break` inside the switch leaves the switch, as it leaves Go's select
    switch (co_await select(in.recv(v, ok))) {
      case 0:
        if (ok) last = v;
        break;
    }
  }
  co_return last;
}
// [/break_out]

// [sleep_loop]
task<> polls(context ctx) {
  while (!ctx.err()) co_await sleep(1ms);  // not `for (;;)`: that would spin once ctx has ended
}
// [/sleep_loop]

// [long_loop]
task<long> sum_up(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) {
    sum += i;
    if (i % 10'000 == 0) co_await this_goroutine::yield();  // nobody preempts a goroutine
  }
  co_return sum;
}
// [/long_loop]

// [cancel_name]
task<> names_the_child() {
  context parent = background();
  auto [ctx, cancel] = with_cancel(parent);  // not `auto [parent, cancel] = with_cancel(parent)`
  auto stop = cancel.trigger();              // a lambda that outlives `cancel` captures this
  go([stop]() -> task<> {
    stop();
    co_return;
  });
  co_await ctx.done();
}
// [/cancel_name]

task<> main_goroutine() {
  co_await archive("by value");
  co_await starts_a_lambda();
  auto yes = make_chan<bool>(2);
  co_await yes.send(true);
  co_await yes.send(true);
  bool both = co_await both_say_yes(yes, yes);
  auto in = make_chan<int>(3);
  for (int n = 1; n <= 3; ++n) co_await in.send(n);
  in.close();
  int last = co_await last_before_close(in);
  long sum = co_await sum_up(100'000);
  co_await names_the_child();
  auto [ctx, cancel] = with_timeout(background(), 3ms);
  co_await polls(ctx);
  if (!both || last != 3 || sum != 4'999'950'000) throw std::logic_error("pitfalls");
}

int main() { return run(main_goroutine); }
