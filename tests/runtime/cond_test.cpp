// SPDX-License-Identifier: MIT
// cond: who is woken by what, and with the mutex held.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <run_test.hpp>
#include <stdexcept>
#include <type_traits>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

struct place {
  mutex mu;
  cond cv{mu};
  std::vector<int> woken;
};

task<> waits(place& p, int number) {
  auto held = co_await p.mu.guard();
  co_await p.cv.wait();
  CHECK_FALSE(p.mu.try_lock());
  p.woken.push_back(number);
}

task<> start_waiters(place& p, int n) {
  for (int i = 0; i < n; ++i) {
    go(waits, std::ref(p), i);
    co_await until_quiet();
  }
}

}  // namespace

TEST_CASE("CO1: wait releases the mutex, and has it again when it returns") {
  run_test(1, []() -> task<> {
    place p;
    co_await start_waiters(p, 1);
    CHECK(p.mu.try_lock());
    p.cv.signal();
    co_await until_quiet();
    CHECK(p.woken.empty());  // signalled, but we have the mutex
    p.mu.unlock();
    co_await until_quiet();
    CHECK(p.woken.size() == 1);
    CHECK(p.mu.try_lock());
    p.mu.unlock();
  });
}

TEST_CASE(
    "CO2, CO6: signal wakes the one that has waited longest, and is lost where nobody waits") {
  run_test(1, []() -> task<> {
    place p;
    p.cv.signal();
    p.cv.broadcast();
    co_await start_waiters(p, 3);
    CHECK(p.woken.empty());
    for (int n = 1; n <= 3; ++n) {
      p.cv.signal();
      go(waits, std::ref(p), 100 + n);  // a later one cannot steal it
      co_await until_quiet();
      CHECK(p.woken.size() == static_cast<std::size_t>(n));
    }
    CHECK(p.woken == std::vector<int>{0, 1, 2});
    p.cv.broadcast();
    co_await until_quiet();
    CHECK(p.woken == std::vector<int>{0, 1, 2, 101, 102, 103});
  });
}

TEST_CASE("CO3: who has released the mutex by waiting is covered by the next signal") {
  for (int workers : {1, 2, 4}) {
    run_test(workers, []() -> task<> {
      place p;
      bool posted = false;
      int seen = 0;
      wait_group wg;
      wg.go([&]() -> task<> {
        auto held = co_await p.mu.guard();
        for (int i = 0; i < 2000; ++i) {
          while (!posted) co_await p.cv.wait();
          posted = false;
          ++seen;
          p.cv.signal();
        }
      });
      wg.go([&]() -> task<> {
        auto held = co_await p.mu.guard();
        for (int i = 0; i < 2000; ++i) {
          while (posted) co_await p.cv.wait();
          posted = true;
          p.cv.signal();
        }
      });
      co_await wg.wait();
      CHECK(seen == 2000);
    });
  }
}

TEST_CASE("CO4, CO5: broadcast wakes all that wait, once each, with or without the mutex") {
  run_test(2, []() -> task<> {
    place p;
    co_await start_waiters(p, 10);
    {
      auto held = co_await p.mu.guard();
      p.cv.broadcast();
    }
    co_await until_quiet();
    CHECK(p.woken.size() == 10);
    co_await start_waiters(p, 2);
    CHECK(p.woken.size() == 10);
    p.cv.broadcast();
    co_await until_quiet();
    CHECK(p.woken.size() == 12);
  });
}

TEST_CASE("CO7: a cond cannot be copied") {
  static_assert(!std::is_copy_constructible_v<cond> && !std::is_move_constructible_v<cond>);
}

TEST_CASE("abandonment ends the wait, and leaves it with the mutex held") {
  for (bool busy : {false, true}) {
    run_test(1, [busy]() -> task<> {
      place p;
      bool had_it = false;
      try {
        co_await scope([&](group& g) -> task<> {
          g.go([&]() -> task<> {
            auto held = co_await p.mu.guard();
            struct look {
              place& p;
              bool& had_it;
              ~look() { had_it = !p.mu.try_lock(); }
            } at_the_end{p, had_it};
            co_await p.cv.wait();
            FAIL("nobody has signalled");
          });
          co_await until_quiet();
          if (busy) {  // the mutex is not free when it is abandoned
            go(
                [](place& q) -> task<> {
                  co_await q.mu.lock();
                  for (int i = 0; i < 20; ++i) co_await this_goroutine::yield();
                  q.mu.unlock();
                },
                std::ref(p));
            co_await this_goroutine::yield();
          }
          throw std::runtime_error("the scope fails");
        });
        FAIL("the scope has failed");
      } catch (const std::runtime_error&) {
      }
      CHECK(had_it);
      CHECK(p.mu.try_lock());
      p.mu.unlock();
      co_await start_waiters(p, 1);  // and it is not in the list any more
      p.cv.signal();
      co_await until_quiet();
      CHECK(p.woken.size() == 1);
    });
  }
}

TEST_CASE("what waits when main returns is unwound") {
  std::atomic<int> unwound{0};
  run_test(2, [&unwound]() -> task<> {
    static place p;  // outlives the waiters
    for (int i = 0; i < 5; ++i) {
      go([&unwound]() -> task<> {
        struct end {
          std::atomic<int>& n;
          ~end() { ++n; }
        } counted{unwound};
        auto held = co_await p.mu.guard();
        for (;;) co_await p.cv.wait();
      });
    }
    co_await until_quiet();
  });
  CHECK(unwound == 5);
}
