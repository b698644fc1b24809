// SPDX-License-Identifier: MIT
// Chapter 4 of the guide: select.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

// [select_loop]
task<> serve(context ctx, recv_chan<int> in, send_chan<int> out) {
  int v = 0;
  for (;;) {
    switch (co_await select(ctx.done(), in.recv(v), after(50ms))) {
      case 0: co_return;  // the Context has ended
      case 1: {           // a value came, or `in` is closed and v is 0
        co_await out.send(v + 1);
        break;
      }
      case 2: std::puts("50 ms without a value"); break;
    }
  }
}
// [/select_loop]

// [select_otherwise]
task<bool> offer(send_chan<int> out, int v) {
  switch (co_await select(out.send(v), otherwise)) {
    case 0: co_return true;
    default: co_return false;  // nobody takes it now; `otherwise` is Go's default
  }
}
// [/select_otherwise]

// [select_ok]
task<int> sum_of_two(recv_chan<int> a, recv_chan<int> b) {
  const recv_chan<int> nil;
  int sum = 0;
  int v = 0;
  bool ok = false;
  while (a != nil || b != nil) {
    int chosen = co_await select(a.recv(v, ok), b.recv(v, ok));  // Go: case v, ok := <-a
    if (ok) {
      sum += v;
    } else {
      (chosen == 0 ? a : b) = nil;  // closed: a nil channel is never ready, the case is off
    }
  }
  co_return sum;
}
// [/select_ok]

// [select_keeps]
task<> keeps_its_value() {
  auto out = make_chan<std::unique_ptr<int>>();  // nobody receives
  auto p = std::make_unique<int>(7);
  int chosen = co_await select(out.send(std::move(p)), otherwise);
  if (chosen == 1) std::printf("still mine: %d\n", *p);
}
// [/select_keeps]

// [select_locks]
task<> lock_or_give_up(mutex& mu) {
  switch (co_await select(mu.lock(), after(1ms))) {
    case 0:
      std::puts("locked");
      mu.unlock();
      break;
    case 1: std::puts("somebody holds it"); break;
  }
}
// [/select_locks]

// [select_dynamic]
task<int> first_of(std::vector<chan<int>> inputs) {
  int v = 0;
  std::vector<select_case> cases;
  for (chan<int>& in : inputs) cases.emplace_back(in.recv(v));
  co_await select(std::span(cases));  // the index of the case that ran
  co_return v;
}
// [/select_dynamic]

// [select_priority]
task<bool> stop_first(recv_chan<> stop, recv_chan<int> work, int& v) {
  int stopped = co_await select(stop.recv(), otherwise);
  if (stopped == 0) co_return false;
  int chosen = co_await select(stop.recv(), work.recv(v));
  co_return chosen == 1;
}
// [/select_priority]

task<> feed(send_chan<int> in) {
  for (int n = 1; n <= 3; ++n) co_await in.send(n);
  in.close();
}

task<> main_goroutine() {
  auto [ctx, cancel] = with_cancel(background());
  auto in = make_chan<int>();
  auto out = make_chan<int>();
  go(serve, ctx, in, out);
  co_await in.send(1);
  auto two = co_await out.recv();
  cancel();
  bool taken = co_await offer(out, 5);

  auto a = make_chan<int>();
  auto b = make_chan<int>();
  go(feed, a);
  go(feed, b);
  int sum = co_await sum_of_two(a, b);

  co_await keeps_its_value();
  mutex mu;
  co_await mu.lock();
  co_await lock_or_give_up(mu);
  mu.unlock();
  co_await lock_or_give_up(mu);

  auto ready = make_chan<int>(1);
  co_await ready.send(3);
  std::vector<chan<int>> inputs{make_chan<int>(), ready};
  int v = co_await first_of(inputs);

  auto stop = make_chan<>();
  auto work = make_chan<int>(1);
  co_await work.send(4);
  int w = 0;
  bool worked = co_await stop_first(stop, work, w);
  stop.close();
  bool again = co_await stop_first(stop, work, w);
  if (*two != 2 || taken || sum != 12 || v != 3 || !worked || w != 4 || again) {
    throw std::logic_error("select");
  }
}

int main() { return run(main_goroutine); }
