// SPDX-License-Identifier: MIT
// Chapter 2 of the guide: goroutines and scopes.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

task<> say(std::string text, send_chan<> done) {
  std::puts(text.c_str());
  co_await done.send();
}

// [go_arguments]
task<> starts_goroutines() {
  auto done = make_chan<>();
  go(say, "evaluated here, moved into the goroutine", done);

  auto text = std::make_unique<std::string>("so are captures");
  go([text = std::move(text), done]() -> task<> {
    std::puts(text->c_str());
    co_await done.send();
  });

  int count = 0;
  go(
      [](int& n, chan<> done) -> task<> {
        ++n;  // main's own variable: asked for by std::ref
        co_await done.send();
      },
      std::ref(count), done);

  for (int i = 0; i < 3; ++i) co_await done.recv();
  std::printf("count is %d\n", count);
}
// [/go_arguments]

// [naming]
task<> named(send_chan<> done) {
  this_goroutine::set_name("indexer");  // reports show it
  co_await this_goroutine::yield();     // Go: runtime.Gosched()
  co_await done.send();
}
// [/naming]

task<int> fetch(int n) {
  co_await sleep(1ms);
  co_return 10 * n;
}

task<> store(int n) {
  int value = co_await fetch(n);
  (void)value;
}

// [scope_joins]
task<int> fetch_both() {
  int sum = co_await scope([](group& g) -> task<int> {
    g.go(store, 1);                // nobody needs a result
    auto two = g.async(fetch, 2);  // somebody does
    auto three = g.async(fetch, 3);
    int a = co_await two;
    int b = co_await three;
    co_return a + b;  // the value of the scope
  });                 // here every goroutine of the scope has ended
  co_return sum;
}
// [/scope_joins]

// [scope_fails]
task<> fails() {
  throw std::runtime_error("the disk is full");
  co_return;
}

task<> waits_forever(recv_chan<> never) { co_await never.recv(); }

task<> one_error_ends_all() {
  auto never = make_chan<>();
  try {
    co_await scope([&](group& g) -> task<> {
      g.go(waits_forever, never);  // abandoned when `fails` throws: it unwinds, and is joined
      g.go(fails);
      co_await g.wait();
    });
  } catch (const std::runtime_error& e) {
    std::printf("the scope failed: %s\n", e.what());
  }
}
// [/scope_fails]

// [scope_locals]
task<> locals_outlive_children() {
  std::vector<int> squares(8);  // declared before the scope: it outlives every child
  co_await scope([&](group& g) -> task<> {
    int n = 0;
    for (int& square : squares) {
      g.go([&square, n]() -> task<> {
        square = n * n;
        co_return;
      });
      ++n;
    }
    co_await g.wait();  // a local of the body may be referred to up to here
  });
}
// [/scope_locals]

// [group_limit]
task<> at_most_four() {
  co_await scope([](group& g) -> task<> {
    g.limit(4);
    for (int n = 0; n < 100; ++n) {
      co_await g.slot();  // waits until fewer than four are at work, as errgroup's Go does
      g.go(store, n);
    }
    bool started = g.try_go(store, 100);  // only if that would not exceed the limit
    std::puts(started ? "one more" : "full");
  });
}
// [/group_limit]

// [combinators]
task<> combine() {
  std::tuple<int, int> both = co_await all(fetch(1), fetch(2));
  int first_success = co_await any(fetch(3), fetch(3));
  int first_to_end = co_await race(fetch(4), fetch(4));

  std::vector<task<int>> many;
  for (int n = 0; n < 10; ++n) many.push_back(fetch(n));
  std::vector<int> values = co_await all(std::move(many));

  std::printf("%d %d %d %d %d\n", std::get<0>(both), std::get<1>(both), first_success, first_to_end,
              values.back());
}
// [/combinators]

// [blocking]
task<std::string> read_slowly() {
  std::string text = co_await blocking(
      [] { return std::string("whatever a call that blocks its thread returns"); });
  co_return text;
}
// [/blocking]

task<> main_goroutine() {
  co_await starts_goroutines();
  auto done = make_chan<>();
  go(named, done);
  co_await done.recv();
  int sum = co_await fetch_both();
  co_await one_error_ends_all();
  co_await locals_outlive_children();
  co_await at_most_four();
  co_await combine();
  std::string text = co_await read_slowly();
  if (sum != 50 || text.empty()) throw std::logic_error("goroutines");
}

int main() { return run(main_goroutine); }
