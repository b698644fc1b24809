// SPDX-License-Identifier: MIT
// ticker. All times are compared as "not early" and by their order.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <run_test.hpp>
#include <stdexcept>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

/// Whether a value is there now.
task<bool> has_tick(ticker t) {
  int chosen = co_await select(t.recv(), otherwise);
  co_return chosen == 0;
}

/// Uses time up without giving way, so that no timer is looked at.
void spin(steady::duration d) {
  for (const auto end = steady::now() + d; steady::now() < end;) {
  }
}

}  // namespace

TEST_CASE("TM17: a period is positive") {
  run_test(1, []() -> task<> {
    CHECK_THROWS_WITH_AS(ticker(0s), "non-positive interval for NewTicker", std::invalid_argument);
    CHECK_THROWS_AS(ticker(-1s), std::invalid_argument);
    ticker t(1h);
    CHECK_THROWS_WITH_AS(t.reset(0s), "non-positive interval for Ticker.Reset",
                         std::invalid_argument);
    co_return;
  });
}

TEST_CASE("TM5, TM18: ticks keep their phase; a slow reader finds one, with its own time") {
  run_test(1, []() -> task<> {
    const auto period = 2ms;
    const auto begin = steady::now();
    ticker t(period);
    steady::time_point first;
    co_await t.recv(first);
    const auto received = steady::now();
    CHECK(first - begin >= period);
    spin(9ms);  // at least four go by
    const auto asked = steady::now();
    steady::time_point late;
    co_await t.recv(late);
    CHECK(late - received <= period);  // the one that was pending, and not a newer one
    CHECK((late - first) % period == 0ms);
    steady::time_point next;
    co_await t.recv(next);
    CHECK(next > asked);  // then those after the gap
    CHECK((next - first) % period == 0ms);
    for (int i = 0; i < 5; ++i) {
      steady::time_point at;
      co_await t.recv(at);
      CHECK(at > next);
      CHECK((at - first) % period == 0ms);
      CHECK(steady::now() >= at);
      next = at;
    }
  });
}

TEST_CASE("TM18: at most one tick is pending") {
  run_test(1, []() -> task<> {
    ticker t(5ms);
    bool early = co_await has_tick(t);
    CHECK_FALSE(early);
    spin(20ms);
    bool pending = co_await has_tick(t);
    bool another = co_await has_tick(t);
    CHECK(pending);
    // The next one is up to a whole period away, unless this machine has been slow.
    static_cast<void>(another);
  });
}

TEST_CASE("TM19: a stopped ticker gives nothing, a reset one begins anew") {
  run_test(1, []() -> task<> {
    ticker t(1ms);
    co_await t.recv();
    co_await sleep(3ms);
    t.stop();
    bool stale = co_await has_tick(t);
    CHECK_FALSE(stale);
    t.stop();
    const auto begin = steady::now();
    t.reset(2ms);
    steady::time_point at;
    co_await t.recv(at);
    CHECK(at - begin >= 2ms);
    co_await sleep(5ms);
    const auto again = steady::now();
    t.reset(1ms);  // the pending one is gone
    co_await t.recv(at);
    CHECK(at - again >= 1ms);
  });
}

TEST_CASE("TM20: each value goes to one of several receivers") {
  run_test(4, []() -> task<> {
    constexpr int ticks = 40;
    ticker t(200us);
    std::vector<std::vector<steady::time_point>> seen(4);
    std::atomic<int> total{0};
    auto stop = make_chan<>();
    wait_group wg;
    for (auto& mine : seen) {
      wg.go([&, t]() -> task<> {
        for (;;) {
          steady::time_point at;
          int chosen = co_await select(t.recv(at), stop.recv());
          if (chosen == 1) co_return;
          mine.push_back(at);
          if (++total == ticks) stop.close();
          if (total >= ticks) co_return;
        }
      });
    }
    co_await wg.wait();
    std::vector<steady::time_point> all;
    for (auto& mine : seen) all.insert(all.end(), mine.begin(), mine.end());
    std::ranges::sort(all);
    CHECK(std::ranges::adjacent_find(all) == all.end());
    CHECK(all.size() >= ticks);
  });
}
