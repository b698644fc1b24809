// SPDX-License-Identifier: MIT
// Timers, tickers and sleeps: what Go's own tests assert and no other test here does. In bubbles,
// so that each time is exact. docs/go-tests.md tells which is which.
#include <doctest/doctest.h>
// behind doctest.h
#include <algorithm>
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <queue>
#include <random>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

using time_point = std::chrono::steady_clock::time_point;

template <class Timer>
task<bool> has_tick(Timer t) {
  const int chosen = co_await select(t.recv(), otherwise);
  co_return chosen == 0;
}

/// Calls itself `left` more times, each time from a goroutine of its own that then sleeps.
void call_again(int left, chan<> last) {
  after_func(0s, [left, last]() -> task<> {
    if (left == 0) {
      co_await last.send();
      co_return;
    }
    call_again(left - 1, last);
    co_await sleep(1s);
  });
}

/// Receives from `t` unless `stop` is closed first; tells which.
template <class Timer>
void receive_or_stop(Timer t, chan<> stop, chan<bool> received) {
  go([=]() -> task<> {
    const int chosen = co_await select(t.recv(), stop.recv());
    co_await received.send(chosen == 0);
  });
}

/// Of several who receive, nobody gets what was stopped or put off; the others wait on.
template <class Timer>
task<> a_tick_is_for_one_receiver(Timer t) {
  auto stop = make_chan<>();
  auto received = make_chan<bool>(2);
  t.reset(10'000s);
  receive_or_stop(t, stop, received);
  receive_or_stop(t, stop, received);
  co_await synctest::sleep(1s);
  t.reset(20'000s);
  co_await synctest::sleep(1s);
  CHECK(received.size() == 0);
  t.reset(1ms);
  co_await synctest::sleep(1ms);
  CHECK(received.size() == 1);
  t.stop();
  stop.close();
  const auto first = co_await received.recv();
  const auto second = co_await received.recv();
  CHECK(*first);
  CHECK_FALSE(*second);
}

/// What is true after each reset and stop, due or not, received or not.
template <class Timer>
task<> nothing_old_is_received(Timer t) {
  t.stop();
  bool tick = co_await has_tick(t);
  CHECK_FALSE(tick);
  t.reset(10'000s);
  tick = co_await has_tick(t);
  CHECK_FALSE(tick);
  t.reset(1ns);
  co_await sleep(10ms);
  tick = co_await has_tick(t);
  CHECK(tick);
  t.reset(1ns);
  co_await sleep(10ms);
  t.reset(10'000s);  // due, and put off
  tick = co_await has_tick(t);
  CHECK_FALSE(tick);
  t.reset(1ns);
  co_await sleep(10ms);
  t.stop();  // due, and stopped
  tick = co_await has_tick(t);
  CHECK_FALSE(tick);
}

}  // namespace

// --- functions that are called -------------------------------------------------------------------

TEST_CASE("TM14 TM24: a function that is called sets the next one, and holds up nobody") {
  const auto result = synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    auto last = make_chan<>();
    call_again(10, last);
    co_await last.recv();
    CHECK(runtime_clock::now() == begin);
    co_await sleep(1s);  // so do they
  });
  CHECK(result.elapsed == 1s);
}

TEST_CASE("TM8 TM14: a timer and a function that are stopped in time do nothing") {
  synctest::test([]() -> task<> {
    bool early = false;
    bool late = false;
    auto before = after_func(100ms, [&early] { early = true; });
    timer t(50ms);
    auto f = after_func(150ms, [&late] { late = true; });
    CHECK(t.stop());
    CHECK(f.stop());
    co_await synctest::sleep(200ms);
    const bool tick = co_await has_tick(t);
    CHECK_FALSE(tick);
    CHECK(early);
    CHECK_FALSE(late);
    CHECK_FALSE(f.stop());
    CHECK_FALSE(before.stop());
  });
}

TEST_CASE("TM14 TM26: a hundred goroutines stop a function each, at one instant") {
  synctest::test([]() -> task<> {
    int called = 0;
    int stopped = 0;
    wait_group wg;
    for (int i = 0; i < 100; ++i) {
      wg.go([&]() -> task<> {
        auto f = after_func(2s, [&called] { ++called; });
        co_await sleep(1s);
        stopped += f.stop() ? 1 : 0;
      });
    }
    co_await wg.wait();
    co_await synctest::sleep(2s);
    CHECK(stopped == 100);
    CHECK(called == 0);
  });
}

// --- one moment ----------------------------------------------------------------------------------

TEST_CASE("TM4 TM5: ten waits for a timer, one after the other, add up") {
  const auto result = synctest::test([]() -> task<> {
    for (int i = 1; i <= 10; ++i) {
      const auto due = runtime_clock::now() + 100ms;
      const time_point at = co_await after(100ms);
      CHECK(at == due);
    }
  });
  CHECK(result.elapsed == 1s);
}

TEST_CASE("TM21: thirteen timers, set in no order, are received and called in that of their time") {
  synctest::test({.runs = 20}, []() -> task<> {
    const std::vector<int> slots{5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0};
    struct arrival {
      int slot;
      std::chrono::nanoseconds at;
    };
    const auto begin = runtime_clock::now();
    auto received = make_chan<arrival>(slots.size());
    auto called = make_chan<arrival>(slots.size());
    for (int slot : slots) {
      go([=]() -> task<> {
        const time_point at = co_await after(slot * 20ms);
        co_await received.send(arrival{slot, at - begin});
      });
      after_func(slot * 20ms,
                 [=] { called.try_send(arrival{slot, runtime_clock::now() - begin}); });
    }
    for (const auto& arrivals : {received, called}) {
      std::vector<int> order;
      for (std::size_t i = 0; i < slots.size(); ++i) {
        const auto one = co_await arrivals.recv();
        CHECK(one->at == one->slot * 20ms);
        order.push_back(one->slot);
      }
      CHECK(std::ranges::is_sorted(order));
    }
  });
}

TEST_CASE("TM11: a timer that is reset is due so long after that, and not before") {
  synctest::test([]() -> task<> {
    timer t(2s);
    co_await sleep(1s);
    CHECK(t.reset(3s));
    co_await synctest::sleep(2s);
    bool tick = co_await has_tick(t);
    CHECK_FALSE(tick);
    co_await synctest::sleep(2s);
    tick = co_await has_tick(t);
    CHECK(tick);
    CHECK_FALSE(t.reset(50ms));
  });
}

TEST_CASE("TM23: a function that is put off and called at once by turns is called at once") {
  synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    for (int i = 0; i < 1000; ++i) {
      auto called = make_chan<>(16);
      auto f = after_func(1h, [called] { called.try_send(); });
      for (int n = 0; n < 10; ++n) {
        if (!f.stop()) co_await called.recv();
        f.reset(-1000h);
      }
      co_await called.recv();
    }
    CHECK(runtime_clock::now() == begin);
  });
}

TEST_CASE("TM15 TM23: many functions are set, put off, stopped and set anew in a random order") {
  synctest::test({.runs = 20}, []() -> task<> {
    struct one {
      chan<> called = make_chan<>(1);
      timer f;
      int state = 0;
    };
    std::mt19937_64 random(synctest::seed());
    const auto begin = runtime_clock::now();
    std::vector<one> left(100);
    while (!left.empty()) {
      std::swap(left[random() % left.size()], left.back());
      one& o = left.back();
      switch (o.state++) {
        case 0: o.f = after_func(0s, [called = o.called] { called.try_send(); }); break;
        case 2: CHECK_FALSE(o.f.reset(1min)); break;
        case 4: CHECK_FALSE(o.f.reset(3min)); break;
        case 6: CHECK_FALSE(o.f.reset(2min)); break;
        case 3:
        case 5:
        case 7: CHECK(o.f.stop()); break;
        case 8: CHECK_FALSE(o.f.reset(0s)); break;
        default:  // 1 and 9: it is being called
          co_await o.called.recv();
          if (o.state == 10) left.pop_back();
      }
    }
    CHECK(runtime_clock::now() == begin);
  });
}

TEST_CASE("TM8 TM10 TM11: of two timers that are due at once the second can still be called off") {
  for (bool stops : {true, false}) {
    synctest::test({.runs = 100}, [stops]() -> task<> {
      timer t[] = {timer(1ms), timer(1ms)};
      const int chosen = co_await select(t[0].recv(), t[1].recv());
      timer& received = t[chosen];
      timer& other = t[1 - chosen];
      const bool in_time = stops ? other.stop() : other.reset(1h);
      CHECK(in_time);
      bool tick = co_await has_tick(other);
      CHECK_FALSE(tick);
      CHECK_FALSE(received.stop());
    });
  }
}

// --- ticks ---------------------------------------------------------------------------------------

TEST_CASE("TM18 TM19: ticks of one period, then of another, then none") {
  const auto result = synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    ticker t(20ms);
    for (int i = 1; i <= 5; ++i) {
      const auto at = co_await t.recv();
      CHECK(*at - begin == i * 20ms);
    }
    t.reset(40ms);
    for (int i = 1; i <= 5; ++i) {
      const auto at = co_await t.recv();
      CHECK(*at - begin == 100ms + i * 40ms);
    }
    t.stop();
    co_await synctest::sleep(80ms);
    const bool tick = co_await has_tick(t);
    CHECK_FALSE(tick);
  });
  CHECK(result.elapsed == 380ms);
}

TEST_CASE("TM20: ten goroutines share the ticks of one ticker: none is lost, none is for two") {
  const auto result = synctest::test([]() -> task<> {
    ticker t(1ms);
    wait_group wg;
    for (int i = 0; i < 10; ++i) {
      wg.go([t]() -> task<> {
        for (int n = 0; n < 100; ++n) co_await t.recv();
      });
    }
    co_await wg.wait();
    t.stop();
  });
  CHECK(result.elapsed == 1s);
}

TEST_CASE("TM2 TM17: a period too long to count does not tick, nor does its end come round") {
  synctest::test([]() -> task<> {
    constexpr std::chrono::nanoseconds most(std::numeric_limits<std::int64_t>::max());
    ticker t(most);
    co_await sleep(24h * 365);
    bool tick = co_await has_tick(t);
    CHECK_FALSE(tick);
    t.reset(most);
    co_await sleep(24h * 365);
    tick = co_await has_tick(t);
    CHECK_FALSE(tick);
  });
}

TEST_CASE("TM6 TM8 TM11 TM13 TM19 TM20: a timer and a ticker through all they can be set to") {
  synctest::test([]() -> task<> {
    co_await nothing_old_is_received(timer(10'000s));
    co_await nothing_old_is_received(ticker(10'000s));
    co_await a_tick_is_for_one_receiver(timer(10'000s));
    co_await a_tick_is_for_one_receiver(ticker(10'000s));

    timer t(1ns);
    co_await sleep(10ms);
    CHECK(t.stop());
    CHECK_FALSE(t.reset(1h));
    CHECK(t.reset(1ns));
    co_await sleep(10ms);
    bool tick = co_await has_tick(t);
    CHECK(tick);
    CHECK_FALSE(t.reset(1h));
    tick = co_await has_tick(t);
    CHECK_FALSE(tick);
  });
}

TEST_CASE("TM23 TM25: limits of time that never pass do not pass, however many there were") {
  synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    wait_group wg;
    for (int i = 0; i < 5000; ++i) {
      wg.go([]() -> task<> { co_await sleep(10us); });
    }
    for (int i = 0; i < 5000; ++i) co_await sleep(1us);
    co_await wg.wait();
    CHECK(runtime_clock::now() - begin == 5ms);

    auto in = make_chan<int>();
    auto out = make_chan<int>();
    wg.go([=]() -> task<> {  // a queue without a bound
      std::queue<int> q;
      for (;;) {
        int v = 0;
        bool ok = false;
        const int next = q.empty() ? 0 : q.front();
        const int chosen =
            co_await select((q.empty() ? chan<int>() : out).send(next), in.recv(v, ok));
        if (chosen == 0) {
          q.pop();
        } else if (ok) {
          q.push(v);
        } else {
          co_return;
        }
      }
    });
    for (int i = 0; i < 500; ++i) {
      for (int n = 0; n < 20; ++n) co_await in.send(n);
      for (int n = 0; n < 20; ++n) {
        int v = -1;
        const int chosen = co_await select(out.recv(v), after(5s));
        CHECK(chosen == 0);
        CHECK(v == n);
      }
    }
    in.close();
    co_await wg.wait();
    CHECK(runtime_clock::now() - begin == 5ms);
  });
}
