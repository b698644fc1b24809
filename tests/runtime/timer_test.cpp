// SPDX-License-Identifier: MIT
// timer and after_func. All times are compared as "not early" and by their order.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

/// Whether a value is there now.
task<bool> has_value(timer t) {
  int chosen = co_await select(t.recv(), otherwise);
  co_return chosen == 0;
}

/// Uses time up without giving way, so that no timer is looked at.
void spin(steady::duration d) {
  for (const auto end = steady::now() + d; steady::now() < end;) {
  }
}

TEST_CASE("a timer whose runtime has ended is stopped, and refuses to be reset") {
  timer t;
  run_test(1, [&]() -> task<> {
    t = timer(1h);
    co_return;
  });
  CHECK_THROWS_AS(t.reset(1ms), std::logic_error);
  run_test(1, []() -> task<> { co_return; });
  CHECK_THROWS_AS(t.reset(1ms), std::logic_error);
}

}  // namespace

TEST_CASE("TM3, TM4, TM5: a timer gives one value, the steady time at which it was due") {
  run_test(1, []() -> task<> {
    const auto begin = steady::now();
    timer t(3ms);
    steady::time_point at;
    bool ok = false;
    bool received = co_await t.recv(at);
    CHECK(received);
    CHECK(at - begin >= 3ms);
    CHECK(steady::now() >= at);
    bool again = co_await has_value(t);
    CHECK_FALSE(again);

    // Read late: the value is the time at which it was due, not of the reading.
    t.reset(1ms);
    co_await sleep(2ms);
    spin(5ms);
    received = co_await t.recv(at, ok);
    CHECK(received);
    CHECK(ok);
    CHECK(steady::now() - at >= 4ms);
    t.reset(1ms);
    std::optional<steady::time_point> value = co_await t.recv();
    REQUIRE(value);
    CHECK(*value > at);
  });
}

TEST_CASE(
    "TM7: a value that is there is taken by each kind of receive, though nobody waited for it") {
  run_test(1, []() -> task<> {
    for (int kind = 0; kind < 3; ++kind) {
      timer t(1us);
      spin(50us);
      while (kind != 0) {  // it is stamped by the worker's next look, or by who asks
        int chosen = 0;
        if (kind == 1) {
          chosen = co_await select(t.recv(), otherwise);
        } else {
          chosen = co_await select(t.recv(), after(1h));
        }
        if (chosen == 0) break;
      }
      if (kind == 0) co_await t.recv();
      bool more = co_await has_value(t);
      CHECK_FALSE(more);
    }
  });
}

TEST_CASE("TM8, TM9, TM12: stop tells whether it kept the value from being received") {
  run_test(1, []() -> task<> {
    timer t(1h);
    CHECK(t.stop());
    CHECK_FALSE(t.stop());
    t.reset(1ms);
    co_await sleep(3ms);  // its time has come, nobody has received
    CHECK(t.stop());
    bool stale = co_await has_value(t);
    CHECK_FALSE(stale);
    t.reset(1ms);
    co_await t.recv();
    CHECK_FALSE(t.stop());
    stale = co_await has_value(t);
    CHECK_FALSE(stale);
  });
}

TEST_CASE("TM10: stop and a receiver agree, whoever is first") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 500; ++round) {
      timer t(20us);
      auto give_up = make_chan<>();
      bool received = false;
      bool stopped = false;
      wait_group wg;
      wg.go([&]() -> task<> {
        int chosen = co_await select(t.recv(), give_up.recv());
        received = chosen == 0;
      });
      wg.go([&]() -> task<> {
        co_await sleep(std::chrono::microseconds(round % 40));
        stopped = t.stop();
        if (stopped) give_up.close();
      });
      co_await wg.wait();
      CHECK(received != stopped);
    }
  });
}

TEST_CASE("TM10, TM11: reset and a receiver agree, and nothing of the old setting is seen") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 300; ++round) {
      timer t(20us);
      std::atomic<int> values{0};
      wait_group wg;
      auto enough = make_chan<>();
      wg.go([&]() -> task<> {
        for (;;) {
          int chosen = co_await select(t.recv(), enough.recv());
          if (chosen == 1) co_return;
          ++values;
        }
      });
      co_await sleep(std::chrono::microseconds(round % 40));
      const bool prevented = t.reset(1h);
      co_await this_goroutine::yield();
      enough.close();
      co_await wg.wait();
      CHECK(values == (prevented ? 0 : 1));
      CHECK(t.stop());
    }
  });
}

TEST_CASE("TM11, TM23: reset counts from now, and earlier is earlier at once") {
  run_test(2, []() -> task<> {
    timer t(1h);
    const auto begin = steady::now();
    CHECK(t.reset(2ms));
    steady::time_point at;
    co_await t.recv(at);
    CHECK(at - begin >= 2ms);
    CHECK_FALSE(t.reset(1h));

    // While somebody waits for it, from another goroutine.
    wait_group wg;
    wg.go([&]() -> task<> { co_await t.recv(at); });
    co_await until_quiet();
    const auto moved = steady::now();
    CHECK(t.reset(1ms));
    co_await wg.wait();
    CHECK(at - moved >= 1ms);
    CHECK(at - moved < 1h);
    t.reset(0s);
    co_await t.recv(at);
    t.reset(-1h);
    co_await t.recv(at);
  });
}

TEST_CASE("TM13: stop leaves receivers waiting") {
  run_test(1, []() -> task<> {
    timer t(1h);
    int which = -1;
    auto c = make_chan<>();
    go([&]() -> task<> { which = co_await select(t.recv(), c.recv()); });
    co_await until_quiet();
    CHECK(t.stop());
    co_await sleep(1ms);
    CHECK(which == -1);
    t.reset(1us);  // and it can be started again under them
    while (which == -1) co_await sleep(100us);
    CHECK(which == 0);
  });
}

TEST_CASE("TM14: after_func calls in a goroutine of its own, and stop prevents that") {
  run_test(2, []() -> task<> {
    auto ran = make_chan<unsigned long long>(1);
    const auto begin = steady::now();
    timer t = after_func(2ms, [=] { ran.try_send(this_goroutine::id()); });
    unsigned long long id = 0;
    co_await ran.recv(id);
    CHECK(steady::now() - begin >= 2ms);
    CHECK(id != this_goroutine::id());
    CHECK_FALSE(t.stop());

    timer never = after_func(1h, [] { FAIL("it was stopped"); });
    CHECK(never.stop());
    CHECK_FALSE(never.stop());
    int chosen = co_await select(never.recv(), otherwise);  // no channel
    CHECK(chosen == 1);

    // A task; stop does not wait for it.
    auto gate = make_chan<>();
    timer running = after_func(0s, [=]() -> task<> {
      ran.try_send(1);
      co_await gate.recv();
      ran.try_send(2);
    });
    co_await ran.recv(id);
    CHECK_FALSE(running.stop());
    co_await gate.send();
    co_await ran.recv(id);
    CHECK(id == 2);
  });
}

TEST_CASE("TM15: an after_func that is reset calls again, also from within") {
  run_test(2, []() -> task<> {
    auto calls = make_chan<>(10);
    timer t = after_func(1ms, [=] { calls.try_send(); });
    co_await calls.recv();
    CHECK_FALSE(t.reset(1ms));
    co_await calls.recv();
    CHECK_FALSE(t.reset(1h));
    CHECK(t.reset(1ms));
    co_await calls.recv();
    CHECK_FALSE(t.stop());

    auto self = std::make_shared<timer>();
    std::atomic<int> n{0};
    *self = after_func(1h, [&n, calls, weak = std::weak_ptr<timer>(self)] {
      if (++n < 3) {
        CHECK_FALSE(weak.lock()->reset(1us));
      } else {
        calls.try_send();
      }
    });
    CHECK(self->reset(1us));
    co_await calls.recv();
    CHECK(n == 3);
  });
}

TEST_CASE("TM16: a default timer") {
  run_test(1, []() -> task<> {
    timer t;
    CHECK_THROWS_WITH_AS(t.stop(), "time: Stop called on uninitialized Timer", std::logic_error);
    CHECK_THROWS_WITH_AS(t.reset(1s), "time: Reset called on uninitialized Timer",
                         std::logic_error);
    ticker k;
    k.stop();
    CHECK_THROWS_WITH_AS(k.reset(1s), "time: Reset called on uninitialized Ticker",
                         std::logic_error);
    int chosen = co_await select(t.recv(), k.recv(), otherwise);
    CHECK(chosen == 2);
    chosen = co_await select(t.recv(), k.recv(), after(1ms));
    CHECK(chosen == 2);
  });
}

TEST_CASE("TM20: several wait for one timer, and one gets it at each reset") {
  run_test(2, []() -> task<> {
    timer t(1h);
    std::atomic<int> got{0};
    wait_group wg;
    for (int i = 0; i < 5; ++i) {
      wg.go([&, t]() -> task<> {
        co_await t.recv();
        ++got;
      });
    }
    co_await until_quiet();
    for (int i = 1; i <= 5; ++i) {
      t.reset(10us);
      while (got != i) co_await sleep(50us);
    }
    co_await wg.wait();
    CHECK_FALSE(t.stop());
  });
}

TEST_CASE("TM21: timers fire in the order of their times") {
  run_test(1, []() -> task<> {
    timer late(4ms);
    timer soon(1ms);
    timer middle(2ms);
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) {
      int chosen = co_await select(late.recv(), soon.recv(), middle.recv());
      order.push_back(chosen);
    }
    CHECK(order == std::vector<int>{1, 2, 0});
  });
}

TEST_CASE("TM23: a hundred thousand timers are reset and stopped in no time to speak of") {
  run_test(1, []() -> task<> {
    std::vector<timer> many;
    for (int i = 0; i < 100'000; ++i) many.emplace_back(1h + std::chrono::milliseconds(i));
    co_await sleep(1us);
    std::atomic<int> called{0};
    std::vector<timer> calls;
    for (int i = 0; i < 100'000; ++i) {
      // All in one slot of the wheel, in no order.
      calls.push_back(
          after_func(1h + std::chrono::nanoseconds(i * 7919L % 50'000), [&] { ++called; }));
    }
    co_await sleep(1us);
    for (timer& t : many) CHECK(t.reset(2h));
    for (timer& t : many) CHECK(t.stop());
    for (timer& t : calls) t.reset(std::chrono::nanoseconds(&t - calls.data()));
    while (called != 100'000) co_await sleep(100us);
  });
}

TEST_CASE("TM24: timers of no time fire") {
  run_test(2, []() -> task<> {
    for (int i = 0; i < 1000; ++i) {
      timer t(0s);
      co_await t.recv();
    }
    std::atomic<int> n{0};
    for (int i = 0; i < 1000; ++i) after_func(0s, [&] { ++n; });
    while (n != 1000) co_await this_goroutine::yield();
  });
}

TEST_CASE(
    "TM25: a timer without a handle is gone; one that is waited for stays, an after_func too") {
  run_test(1, []() -> task<> {
    {
      timer a(1h);
      timer b = a;
      ticker c(1h);
      timer moved = std::move(a);
      moved = timer(2h);
    }
    for (int i = 0; i < 100'000; ++i) timer(1h);  // were they kept, this would be seen
    CHECK(detail::current_worker()->timers().armed() == 0);
    steady::time_point at;
    co_await timer(1ms).recv(at);
    auto fired = make_chan<>(1);
    after_func(1ms, [=] { fired.try_send(); });
    co_await fired.recv();

    // The last handle goes while a goroutine waits.
    auto t = std::make_unique<timer>(3ms);
    bool received = false;
    go([&]() -> task<> { received = co_await t->recv(at); });
    co_await until_quiet();
    t.reset();
    while (!received) co_await sleep(1ms);
  });
}

TEST_CASE("TM26: from many goroutines at once") {
  run_test(4, []() -> task<> {
    timer t(1h);
    ticker k(30us);
    std::atomic<int> calls{0};
    timer f = after_func(1h, [&] { ++calls; });
    auto stop = make_chan<>();
    wait_group wg;
    for (int i = 0; i < 6; ++i) {
      wg.go([&, i]() -> task<> {
        for (int n = 0; n < 1000; ++n) {
          switch ((n + i) % 6) {
            case 0: t.reset(std::chrono::microseconds(n % 20)); break;
            case 1: t.stop(); break;
            case 2: f.reset(std::chrono::microseconds(n % 20)); break;
            case 3: f.stop(); break;
            case 4: k.reset(std::chrono::microseconds(20 + n % 20)); break;
            default: k.stop(); break;
          }
          if (n % 10 == 0) co_await this_goroutine::yield();
        }
      });
      wg.go([&]() -> task<> {
        for (;;) {
          int chosen = co_await select(t.recv(), k.recv(), stop.recv());
          if (chosen == 2) co_return;
        }
      });
    }
    co_await sleep(5ms);
    stop.close();
    co_await wg.wait();
    f.stop();
    co_await until_quiet();
  });
}

TEST_CASE("a timer waits on another worker than it was made on") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 200; ++round) {
      timer t(std::chrono::microseconds(50 + round % 50));
      wait_group wg;
      wg.go([t]() -> task<> {
        co_await this_goroutine::yield();
        co_await t.recv();
      });
      spin(20us);  // so that another worker takes it
      co_await wg.wait();
    }
  });
}

TEST_CASE("recv(ctx) ends with the Context, and tests it first") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_timeout(background(), 2ms);
    timer t(1h);
    ticker k(1h);
    steady::time_point at;
    std::error_code error = co_await t.recv(ctx, at);
    CHECK(error == errc::deadline_exceeded);
    std::optional<steady::time_point> value = co_await k.recv(ctx);
    CHECK_FALSE(value);
    CHECK(t.stop());
    t.reset(1us);
    value = co_await t.recv(background());
    CHECK(value);
    k.reset(1us);
    error = co_await k.recv(background(), at);
    CHECK_FALSE(error);
  });
}

TEST_CASE("timers of plain threads belong to the running runtime") {
  CHECK_THROWS_AS(timer(1s), std::logic_error);
  CHECK_THROWS_AS(ticker(1s), std::logic_error);
  CHECK_THROWS_AS(after_func(1s, [] {}), std::logic_error);
  run_test(2, []() -> task<> {
    auto made = make_chan<timer>(1);
    auto fired = make_chan<>(1);
    std::thread outside([=] {
      timer t(1ms);
      made.try_send(t);
      after_func(1ms, [=] { fired.try_send(); });
      timer stopped(1h);
      if (!stopped.stop()) std::terminate();
    });
    timer t;
    co_await made.recv(t);
    co_await t.recv();
    co_await fired.recv();
    outside.join();
  });
}

TEST_CASE("timers may outlive their runtime") {
  timer t;
  ticker k;
  timer f;
  timer unstamped;
  auto token = std::make_shared<int>(0);
  run_test(2, [&, token]() -> task<> {
    t = timer(1h);
    k = ticker(1ms);
    f = after_func(1h, [token] {});
    timer copy = f;
    after_func(1h, [token] {});
    co_await k.recv();
    unstamped = timer(1h);
  });
  CHECK(token.use_count() == 2);  // ours, and that in f, which has a handle
  CHECK_FALSE(f.stop());          // it was disarmed with its runtime
  f = timer();
  CHECK(token.use_count() == 1);
  CHECK(t.stop());
  k.stop();
  run_test(2, [&]() -> task<> {
    bool due = co_await has_value(unstamped);  // it keeps its time
    CHECK_FALSE(due);
  });
}

TEST_CASE("DL5: a timer that nobody waits for is not armed") {
  run_test(1, []() -> task<> {
    detail::timer_set& set = detail::current_worker()->timers();
    timer t(1h);
    ticker k(1h);
    CHECK(set.armed() == 0);
    CHECK(set.wants_look());
    co_await this_goroutine::yield();
    co_await sleep(1us);
    CHECK(set.armed() == 0);
    CHECK_FALSE(set.wants_look());
    auto c = make_chan<>();
    go([&]() -> task<> { co_await select(t.recv(), k.recv(), c.recv()); });
    co_await until_quiet();
    CHECK(set.armed() == 2);
    c.close();
    co_await until_quiet();
    CHECK(set.armed() == 0);
    timer f = after_func(1h, [] {});
    CHECK(set.armed() == 1);
    f.stop();
    CHECK(set.armed() == 0);
  });
}
