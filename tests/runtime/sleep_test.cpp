// SPDX-License-Identifier: MIT
// sleep and after: never early, in order, and ended by a Context.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <ratio>
#include <run_test.hpp>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

TEST_CASE("TM1: a sleep is not short, and one of nothing returns at once, without giving way") {
  run_test(1, []() -> task<> {
    for (auto d : {1ns, 1000ns, 1'000'000ns, 3'000'000ns}) {
      const auto begin = steady::now();
      std::error_code error = co_await sleep(d);
      CHECK(steady::now() - begin >= d);
      CHECK_FALSE(error);
    }
    bool other_ran = false;
    go([&]() -> task<> {
      other_ran = true;
      co_return;
    });
    co_await sleep(0s);
    co_await sleep(-1h);
    CHECK_FALSE(other_ran);
    co_await until_quiet();
    CHECK(other_ran);
  });
}

TEST_CASE("TM1: sleeps of nothing starve nobody") {
  run_test(1, []() -> task<> {
    bool stop = false;
    go([&]() -> task<> {
      stop = true;
      co_return;
    });
    while (!stop) co_await sleep(0s);

    auto [ctx, cancel] = with_cancel(background());
    cancel();
    stop = false;
    go([&]() -> task<> {
      stop = true;
      co_return;
    });
    while (!stop) co_await sleep(ctx, 1h);  // nor do those that a Context ends at once
  });
}

TEST_CASE("TM2: what is too long to count is for ever, and what is too short is now") {
  using years = std::chrono::duration<std::int64_t, std::ratio<31'556'952>>;
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  CHECK(detail::to_nanoseconds(years(most)) == detail::never);
  CHECK(detail::to_nanoseconds(std::chrono::hours(most / 3600)) == detail::never);
  CHECK(detail::to_nanoseconds(std::chrono::nanoseconds(most)) == most);
  CHECK(detail::to_nanoseconds(years(least)) == least);
  CHECK(detail::to_nanoseconds(std::chrono::duration<double>(1e300)) == detail::never);
  CHECK(detail::to_nanoseconds(std::chrono::duration<double>(-1e300)) == least);
  CHECK(detail::to_nanoseconds(
            std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())) == 0);
  // Rounded up, so that no sleep is short.
  CHECK(detail::to_nanoseconds(std::chrono::duration<double>(1.5e-9)) == 2);
  CHECK(detail::to_nanoseconds(std::chrono::duration<std::int64_t, std::pico>(1)) == 1);
  CHECK(detail::to_nanoseconds(std::chrono::duration<std::int64_t, std::pico>(-1999)) == -1);
  run_test(1, [=]() -> task<> {
    int ended = 0;
    auto [ctx, cancel] = with_cancel(background());
    for (auto d : {years(most), years(1), years(290)}) {
      go(
          [&, d](context own) -> task<> {
            std::error_code error = co_await sleep(d);
            CHECK(error == errc::canceled);
            static_cast<void>(own);
            ++ended;
          },
          ctx);
    }
    co_await sleep(years(least));
    co_await sleep(2ms);
    CHECK(ended == 0);
    cancel();
    co_await until_quiet();
    CHECK(ended == 3);
  });
}

TEST_CASE("TM21: sleeps end in the order of their times") {
  for (int workers : {1, 2}) {
    run_test(workers, []() -> task<> {
      std::vector<int> order;
      mutex mu;
      wait_group wg;
      const auto begin = steady::now();
      for (int ms : {9, 1, 5, 3, 7}) {
        wg.go([&, ms]() -> task<> {
          co_await sleep(std::chrono::milliseconds(ms));
          CHECK(steady::now() - begin >= std::chrono::milliseconds(ms));
          auto held = co_await mu.guard();
          order.push_back(ms);
        });
      }
      co_await wg.wait();
      CHECK(order.size() == 5);
      // On one worker the order is theirs; two may take each other over on their way to the mutex.
      if (detail::current_worker()->owner().worker_count() == 1)
        CHECK(std::ranges::is_sorted(order));
    });
  }
}

TEST_CASE("TM21: many at once, near and far, none early") {
  run_test(2, []() -> task<> {
    std::atomic<int> early{0};
    wait_group wg;
    for (int i = 0; i < 20'000; ++i) {
      const auto d = std::chrono::microseconds(i * 7919 % 30'000);
      wg.go([&, d]() -> task<> {
        const auto begin = steady::now();
        co_await sleep(d);
        if (steady::now() - begin < d) ++early;
      });
    }
    co_await wg.wait();
    CHECK(early == 0);
  });
}

TEST_CASE("TM22: sleeps end although there is always something to run") {
  for (int workers : {1, 2}) {
    run_test(workers, []() -> task<> {
      std::atomic<bool> stop{false};
      wait_group wg;
      for (int i = 0; i < 4; ++i) {
        wg.go([&]() -> task<> {
          while (!stop) co_await this_goroutine::yield();
        });
      }
      for (int i = 0; i < 5; ++i) co_await sleep(1ms);
      stop = true;
      co_await wg.wait();
    });
  }
}

TEST_CASE("rule 2: a sleep ends with the Context that the goroutine carries") {
  run_test(2, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    std::atomic<int> ended{0};
    wait_group wg;
    for (int i = 0; i < 10; ++i) {
      wg.go(
          [&](context own) -> task<> {
            std::error_code error = co_await sleep(1h);
            CHECK(error == errc::canceled);
            CHECK(own.err() == error);
            error = co_await sleep(1h);  // at once: it has ended
            CHECK(error == errc::canceled);
            error = co_await sleep(0s);
            CHECK(error == errc::canceled);
            ++ended;
          },
          ctx);
    }
    co_await until_quiet();
    CHECK(ended == 0);
    cancel();
    co_await wg.wait();
    CHECK(ended == 10);

    auto [brief, stop] = with_timeout(background(), 2ms);
    co_await under(brief, []() -> task<> {
      std::error_code error = co_await sleep(1h);
      CHECK(error == errc::deadline_exceeded);
    }());
  });
}

TEST_CASE("sleep(ctx, d) watches that Context instead") {
  run_test(1, []() -> task<> {
    auto [outer, cancel_outer] = with_cancel(background());
    auto [ctx, cancel] = with_cancel(background());
    std::error_code from_other;
    std::error_code from_named;
    go(
        [&, other = ctx](context own) -> task<> {
          static_cast<void>(own);
          from_named = co_await sleep(other, 1h);
          from_other = co_await sleep(background(), 1ms);  // the carried one is not looked at
        },
        outer);
    co_await until_quiet();
    cancel_outer();
    co_await until_quiet();
    CHECK_FALSE(from_named);
    cancel();
    co_await sleep(5ms);
    while (parked_goroutines() != 0) co_await sleep(1ms);
    CHECK(from_named == errc::canceled);
    CHECK_FALSE(from_other);
    CHECK_THROWS_AS(static_cast<void>(sleep(context(), 1ms)), std::invalid_argument);
  });
}

TEST_CASE("a sleep that a timer and a Context end at the same time ends once") {
  run_test(2, []() -> task<> {
    for (int round = 0; round < 300; ++round) {
      auto [ctx, cancel] = with_cancel(background());
      auto trigger = cancel.trigger();
      wait_group wg;
      wg.go(
          [](context own) -> task<> {
            static_cast<void>(own);
            for (int i = 0; i < 5; ++i) co_await sleep(20us);
          },
          ctx);
      wg.go([trigger]() -> task<> {
        co_await sleep(50us);
        trigger();
      });
      co_await wg.wait();
    }
  });
}

TEST_CASE("an abandoned sleeper is unwound") {
  run_test(1, []() -> task<> {
    bool unwound = false;
    try {
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> {
          struct end {
            bool& flag;
            ~end() { flag = true; }
          } at_the_end{unwound};
          for (;;) co_await sleep(without_cancel(this_goroutine::context()), 1h);
        });
        co_await until_quiet();
        throw std::runtime_error("the scope fails");
      });
    } catch (const std::runtime_error&) {
    }
    CHECK(unwound);
  });
}

TEST_CASE("TM4, TM24: after is a case that happens once its time has passed") {
  run_test(1, []() -> task<> {
    chan<int> nil;
    const auto begin = steady::now();
    int chosen = co_await select(nil.recv(), after(3ms));
    CHECK(chosen == 1);
    CHECK(steady::now() - begin >= 3ms);
    chosen = co_await select(after(1h), after(1ms), after(2h));
    CHECK(chosen == 1);
    chosen = co_await select(after(1h), otherwise);
    CHECK(chosen == 1);
    chosen = co_await select(after(0s), otherwise);
    CHECK(chosen == 0);
    chosen = co_await select(after(-1s), nil.recv());
    CHECK(chosen == 0);
    const steady::time_point due = co_await after(1ms);
    CHECK(due <= steady::now());
    CHECK(due - begin >= 4ms);

    auto c = make_chan<int>(1);
    for (int i = 0; i < 1000; ++i) {  // losers leave nothing behind
      c.try_send(i);
      chosen = co_await select(c.recv(), after(1h));
      CHECK(chosen == 0);
    }
    std::vector<select_case> cases;
    cases.emplace_back(after(1h));
    cases.emplace_back(after(1ms));
    chosen = co_await select(std::span(cases));
    CHECK(chosen == 1);
  });
}

TEST_CASE("after, when another case comes while it waits") {
  run_test(2, []() -> task<> {
    auto c = make_chan<int>();
    wait_group wg;
    wg.go([c]() -> task<> {
      for (int i = 0; i < 500; ++i) {
        if (i % 50 == 0) co_await sleep(100us);
        co_await c.send(i);
      }
      c.close();
    });
    int got = 0;
    for (bool open = true; open;) {
      int v = 0;
      bool ok = false;
      int chosen = co_await select(c.recv(v, ok), after(50us));
      if (chosen != 0) continue;
      open = ok;
      got += ok ? 1 : 0;
    }
    CHECK(got == 500);
    co_await wg.wait();
  });
}
