// SPDX-License-Identifier: MIT
// What happens when there is no memory, see exhaust.hpp: the core.
#include "exhaust.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// Waits for `count` values, or until some goroutine could not be started.
task<> receive_all(chan<tracked> c, int count, std::reference_wrapper<in_vain> failed) {
  for (int i = 0; i < count; ++i) {
    tracked t;
    const int chosen = co_await select(c.recv(t), failed.get().closed.recv());
    if (chosen == 1) throw std::bad_alloc();
  }
}

task<> send_some(chan<tracked> c, int count, tracked) {
  for (int i = 0; i < count; ++i) co_await c.send(tracked());
}

task<int> number(int n) {
  const tracked local;
  co_await this_goroutine::yield();
  co_return n;
}

}  // namespace

TEST_CASE("no memory: goroutines and channels") {
  exhaust([](in_vain& failed) -> task<> {
    for (const std::size_t capacity : {0, 1, 5}) {
      auto c = make_chan<tracked>(capacity);
      for (int i = 0; i < 3; ++i) go(send_some, c, 4, tracked());
      co_await receive_all(c, 12, failed);
    }
    // These are left to the shutdown, in every kind of wait.
    auto never = make_chan<tracked>();
    for (int i = 0; i < 3; ++i) go(send_some, never, 1, tracked());
    go([](tracked) -> task<> { co_await sleep(1h); }, tracked());
    go(
        [](tracked, chan<tracked> c) -> task<> {
          tracked t;
          co_await select(c.recv(t), after(1h));
          co_await chan<int>().recv();
        },
        tracked(), make_chan<tracked>());
    this_goroutine::set_name("a name that is too long for a small string");
  });
}

TEST_CASE("no memory: scopes, groups and deferred results") {
  exhaust([](in_vain&) -> task<> {
    const int sum = co_await scope([](group& g) -> task<int> {
      g.limit(2);
      auto c = make_chan<tracked>(2);
      for (int i = 0; i < 4; ++i) g.go(send_some, c, 3, tracked());
      auto seven = g.async(number, 7);
      for (int i = 0; i < 12; ++i) co_await c.recv();
      co_await g.slot();
      const bool started = g.try_go([](tracked) -> task<> { co_return; }, tracked());
      static_cast<void>(started);
      co_await scope([](group& inner) -> task<> {
        inner.go([](tracked) -> task<> { co_await sleep(1us); }, tracked());
        co_await inner.wait();
      });
      const int n = co_await seven;
      co_await g.wait();
      co_return n;
    });
    if (sum != 7) throw std::logic_error("sum");
  });
}

TEST_CASE("no memory: all, any, race") {
  exhaust([](in_vain&) -> task<> {
    const auto [a, b] = co_await all(number(1), number(2));
    const int first = co_await race(number(3), number(3));
    const int any_one = co_await any(number(4), number(4));
    std::vector<task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(number(i));
    const std::vector<int> each = co_await all(std::move(tasks));
    std::vector<task<int>> more;
    for (int i = 0; i < 5; ++i) more.push_back(number(9));
    const int last = co_await any(std::move(more));
    if (a + b != 3 || first != 3 || any_one != 4 || each.size() != 5 || last != 9) {
      throw std::logic_error("results");
    }
  });
}

TEST_CASE("no memory: Contexts, values, deadlines, and calls at their end") {
  static const context_key<tracked> key("tracked");
  exhaust([](in_vain& failed) -> task<> {
    auto done = make_chan<int>(4);
    auto [ctx, cancel] = with_cancel(this_goroutine::context());
    const context bound = with_value(ctx, key, tracked());
    auto [timed, stop_timed] = with_timeout(bound, 1us);
    auto [caused, fail] = with_cancel_cause(timed);
    auto stop_plain = after_func(caused, [done, t = tracked()] { done.try_send(1); });
    auto stop_task = after_func(ctx, [done, t = tracked()]() -> task<> { co_await done.send(2); });
    const context free_of_it = without_cancel(caused);
    go(
        [](context own, chan<int> c, tracked) -> task<> {
          co_await own.done();
          co_await c.send(3);
        },
        caused, done, tracked());
    co_await under(timed, number(1));
    const std::string text = to_string(caused);
    cancel();
    for (int i = 0; i < 3; ++i) {
      const int chosen = co_await select(done.recv(), failed.closed.recv());
      if (chosen == 1) throw std::bad_alloc();
    }
    if (free_of_it.err() || !caused.err() || text.empty()) throw std::logic_error("errors");
  });
}

TEST_CASE("no memory: timers, tickers, and calls after some time") {
  exhaust([](in_vain& failed) -> task<> {
    timer once(1us);
    ticker often(10us);
    co_await once.recv();
    co_await often.recv();
    once.reset(1us);
    co_await select(once.recv(), after(1h), often.recv());
    auto fired = make_chan<>(4);
    timer calling = after_func(1us, [fired, t = tracked()] { fired.try_send(); });
    timer starting = after_func(1us, [fired, t = tracked()]() -> task<> { co_await fired.send(); });
    for (int i = 0; i < 2; ++i) {
      const int chosen = co_await select(fired.recv(), failed.closed.recv());
      if (chosen == 1) throw std::bad_alloc();
    }
    co_await sleep(1us);
    timer left_armed = after_func(1h, [t = tracked()] {});
    left_armed.stop();
  });
}

TEST_CASE("no memory: a select of many cases known at run time") {
  exhaust([](in_vain&) -> task<> {
    std::vector<chan<tracked>> channels;
    for (int i = 0; i < 100; ++i) channels.push_back(make_chan<tracked>(1));
    std::vector<tracked> values(100);
    std::vector<select_case> cases;
    for (std::size_t i = 0; i < 50; ++i) cases.push_back(channels[i].recv(values[i]));
    for (std::size_t i = 50; i < 100; ++i) cases.push_back(channels[i].send(values[i]));
    const int chosen = co_await select(cases);
    if (chosen < 50) throw std::logic_error("nothing was there to receive");
  });
}

TEST_CASE("no memory: wait groups, locks, once, and blocking calls") {
  exhaust([](in_vain& failed) -> task<> {
    wait_group wg;
    auto sum = std::make_shared<std::atomic<int>>(0);
    mutex m;
    for (int i = 0; i < 3; ++i) {
      wg.go(
          [](std::shared_ptr<std::atomic<int>> s, mutex& lock, tracked) -> task<> {
            const auto held = co_await lock.guard();
            ++*s;
          },
          sum, std::ref(m), tracked());
    }
    co_await wg.wait();
    const int n = co_await blocking([t = tracked()] { return 5; });
    if (!failed.happened && (*sum != 3 || n != 5)) throw std::logic_error("sum");
  });
}

TEST_CASE("no memory: a signal that ends a Context") {
  exhaust([](in_vain&) -> task<> {
    auto [ctx, stop] = signal::notify_context(this_goroutine::context(), {SIGUSR1, SIGUSR2});
    ::raise(SIGUSR1);
    co_await ctx.done();
    stop();
    if (!ctx.err()) throw std::logic_error("the signal was lost");
  });
}

TEST_CASE("no memory: a signal that is sent to a channel") {
  exhaust([](in_vain&) -> task<> {
    auto c = make_chan<int>(1);
    signal::notify(c, {SIGUSR1, SIGUSR2});
    ::raise(SIGUSR1);
    signal::stop(c);
    if (c.size() != 1) throw std::logic_error("the signal was lost");
    co_return;
  });
}
