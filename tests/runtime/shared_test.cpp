// SPDX-License-Identifier: MIT
// What goroutines share beyond Go's channels and locks: oneshot, watch, broadcast, singleflight,
// rate_limiter.
#include "run_test.hpp"

#include <burrow/broadcast.hpp>
#include <burrow/oneshot.hpp>
#include <burrow/rate_limiter.hpp>
#include <burrow/singleflight.hpp>
#include <burrow/testing.hpp>
#include <burrow/watch.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

// --- oneshot -------------------------------------------------------------------------------------

TEST_CASE("oneshot: the value comes once, and no second one is taken") {
  run_test(1, []() -> task<> {
    const auto answer = make_oneshot<std::string>();
    go(
        [](oneshot<std::string> to) -> task<> {
          CHECK(to.send("yes"));
          CHECK_FALSE(to.send("no"));
          CHECK_FALSE(to.close());
          co_return;
        },
        answer);
    const auto got = co_await answer.recv();
    CHECK(got == "yes");
    const auto again = co_await answer.recv();
    CHECK_FALSE(again);
  });
}

TEST_CASE("oneshot: closed, nobody waits any longer; a case of select; nil") {
  run_test(1, []() -> task<> {
    const auto answer = make_oneshot<std::unique_ptr<int>>();
    const auto never = make_oneshot<int>();
    std::optional<std::unique_ptr<int>> v;
    go(
        [](oneshot<std::unique_ptr<int>> to) -> task<> {
          to.close();
          co_return;
        },
        answer);
    const int chosen = co_await select(never.recv(), answer.recv(v));
    CHECK(chosen == 1);
    CHECK_FALSE(v);
    CHECK_FALSE(answer.send(std::make_unique<int>(1)));
    const oneshot<int> nil;
    CHECK_FALSE(nil);
    CHECK_FALSE(nil.send(1));
  });
}

// --- watch ---------------------------------------------------------------------------------------

TEST_CASE("watch: who follows it sees the latest value, and each only once") {
  run_test(1, []() -> task<> {
    const watch<int> w(1);
    auto follower = w.subscribe();
    int v = 0;
    const int at_first = co_await select(follower.changed(v), otherwise);
    CHECK(at_first == 1);
    w.set(2);
    w.set(3);
    const bool told = co_await follower.changed(v);
    CHECK(told);
    CHECK(v == 3);
    const int then = co_await select(follower.changed(v), otherwise);
    CHECK(then == 1);
    CHECK(w.get() == 3);
    w.set(4);
    w.close();
    const bool last = co_await follower.changed(v);
    CHECK(last);
    CHECK(v == 4);
    const bool over = co_await follower.changed(v);
    CHECK_FALSE(over);
    CHECK(v == 4);
  });
}

TEST_CASE("watch: set by a plain thread, it wakes all who wait") {
  run_test(2, []() -> task<> {
    const watch<std::string> w("old");
    std::atomic<int> told{0};
    std::atomic<int> waiting{0};
    std::thread setter([&] {
      while (waiting.load() < 8) std::this_thread::yield();
      w.set("new");
    });
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 8; ++i) {
        g.go([&]() -> task<> {
          auto follower = w.subscribe();
          ++waiting;
          std::string v;
          const bool changed = co_await follower.changed(v);
          if (changed && v == "new") ++told;
        });
      }
      co_return;
    });
    setter.join();
    CHECK(told == 8);
  });
}

// --- broadcast -----------------------------------------------------------------------------------

TEST_CASE("broadcast: every subscriber gets every value from its subscription on") {
  run_test(2, []() -> task<> {
    constexpr int count = 100;
    const broadcast<int> b(count);
    CHECK(b.send(-1));  // before anybody has subscribed
    std::atomic<int> total{0};
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 5; ++i) {
        g.go([&, s = b.subscribe()]() mutable -> task<> {
          int v = 0;
          int expected = 0;
          for (;;) {
            const bool is_value = co_await s.recv(v);
            if (!is_value) break;
            CHECK(v == expected++);
            total += v;
          }
          CHECK(s.missed() == 0);
        });
      }
      for (int i = 0; i < count; ++i) CHECK(b.send(i));
      b.close();
      CHECK_FALSE(b.send(0));
      co_return;
    });
    CHECK(total == 5 * count * (count - 1) / 2);
  });
}

TEST_CASE("broadcast: a slow subscriber misses the oldest, and is told how many") {
  run_test(1, []() -> task<> {
    const broadcast<std::string> b(3);
    auto slow = b.subscribe();
    for (int i = 0; i < 10; ++i) b.send(std::to_string(i));
    std::string v;
    for (const char* expected : {"7", "8", "9"}) {
      const bool is_value = co_await slow.recv(v);
      CHECK(is_value);
      CHECK(v == expected);
    }
    CHECK(slow.missed() == 7);
    CHECK(slow.missed() == 0);
    const int chosen = co_await select(slow.recv(v), otherwise);
    CHECK(chosen == 1);
  });
  CHECK_THROWS_AS(broadcast<int>(0), std::invalid_argument);
}

// --- singleflight --------------------------------------------------------------------------------

TEST_CASE("singleflight: calls at the same time share one; later ones begin anew") {
  synctest::test([]() -> task<> {
    singleflight<std::string, int> flights;
    int calls = 0;
    int sum = 0;
    const auto ask = [&]() -> task<> {
      sum += co_await flights.call("key", [&]() -> task<int> {
        co_await sleep(1s);
        co_return ++calls;
      });
    };
    for (int round = 1; round <= 2; ++round) {
      co_await scope([&](group& g) -> task<> {
        for (int i = 0; i < 10; ++i) g.go(ask);
        co_return;
      });
      CHECK(calls == round);
    }
    CHECK(sum == 10 * 1 + 10 * 2);
  });
}

TEST_CASE("singleflight: an exception goes to all; forget begins anew") {
  synctest::test([]() -> task<> {
    singleflight<int, int> flights;
    int thrown = 0;
    int calls = 0;
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 3; ++i) {
        g.go([&]() -> task<> {
          try {
            co_await flights.call(1, [&]() -> task<int> {
              ++calls;
              co_await sleep(1s);
              throw std::runtime_error("no");
            });
          } catch (const std::runtime_error&) {
            ++thrown;
          }
        });
      }
      co_await synctest::wait();
      flights.forget(1);
      const int own = co_await flights.call(1, []() -> task<int> { co_return 7; });
      CHECK(own == 7);
    });
    CHECK(calls == 1);
    CHECK(thrown == 3);
  });
}

TEST_CASE("singleflight: if who calls is abandoned, another one calls") {
  synctest::test([]() -> task<> {
    singleflight<int, int> flights;
    const auto never_ends = []() -> task<int> {
      co_await make_chan<>().recv();
      co_return 1;
    };
    const auto calls = [&]() -> task<int> { co_return co_await flights.call(1, never_ends); };
    const auto gives_up = []() -> task<int> {
      co_await sleep(1s);
      co_return 0;
    };
    int second = 0;
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> {
        const int won = co_await race(calls(), gives_up());
        CHECK(won == 0);
      });
      co_await synctest::wait();
      second = co_await flights.call(1, []() -> task<int> { co_return 2; });
    });
    CHECK(second == 2);
  });
}

// --- rate_limiter --------------------------------------------------------------------------------

TEST_CASE("rate_limiter: a burst at once, then one token after the other") {
  synctest::test([]() -> task<> {
    rate_limiter limiter(10, 3);
    const auto begin = runtime_clock::now();
    for (int i = 0; i < 3; ++i) CHECK(limiter.try_acquire());
    CHECK_FALSE(limiter.try_acquire());
    for (int i = 1; i <= 5; ++i) {
      const std::error_code error = co_await limiter.acquire();
      CHECK_FALSE(error);
      CHECK(runtime_clock::now() - begin == 100ms * i);
    }
    co_await sleep(1h);
    CHECK(limiter.tokens() == 3);
  });
}

TEST_CASE("rate_limiter: first come, first served; twenty goroutines keep the rate") {
  synctest::test([]() -> task<> {
    rate_limiter limiter(100, 1);
    const auto begin = runtime_clock::now();
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 20; ++i) {
        g.go([&]() -> task<> {
          const std::error_code error = co_await limiter.acquire();
          CHECK_FALSE(error);
        });
      }
      co_return;
    });
    CHECK(runtime_clock::now() - begin == 190ms);
  });
}

TEST_CASE(
    "rate_limiter: a Context that ends gives the tokens back; a deadline too near is refused") {
  synctest::test([]() -> task<> {
    rate_limiter limiter(1, 1);
    CHECK(limiter.try_acquire());
    auto [ctx, cancel] = with_cancel(background());
    auto stop = after_func(100ms, [&cancel = cancel] { cancel(); });
    const std::error_code cancelled = co_await limiter.acquire(ctx);
    CHECK(cancelled == errc::canceled);
    CHECK(limiter.tokens() == doctest::Approx(0.1));
    auto [soon, cancel_soon] = with_timeout(background(), 200ms);
    const auto before = runtime_clock::now();
    const std::error_code refused = co_await limiter.acquire(soon);
    CHECK(refused == errc::deadline_exceeded);
    CHECK(runtime_clock::now() == before);
  });
}

TEST_CASE("rate_limiter: what makes no sense is refused") {
  CHECK_THROWS_AS(rate_limiter(0, 1), std::invalid_argument);
  CHECK_THROWS_AS(rate_limiter(1, 0), std::invalid_argument);
  rate_limiter limiter(1, 2);
  CHECK_THROWS_AS(limiter.try_acquire(3), std::invalid_argument);
  CHECK_THROWS_AS(limiter.set_rate(-1), std::invalid_argument);
}
