// SPDX-License-Identifier: MIT
// mutex: exclusion, order, hand-over to cases of a select, forms with a Context, and its end.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <run_test.hpp>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// Locks, notes its number, unlocks.
task<> take_turn(mutex& mu, std::vector<int>& order, int number) {
  co_await mu.lock();
  order.push_back(number);
  mu.unlock();
}

task<> count_under(mutex& mu, long& x, int n) {
  for (int i = 0; i < n; ++i) {
    co_await mu.lock();
    const long seen = x;
    if (i % 16 == 0) co_await this_goroutine::yield();
    x = seen + 1;
    mu.unlock();
  }
}

}  // namespace

TEST_CASE("MU1: a mutex is free at first, excludes all but one, and is not owned") {
  run_test(1, []() -> task<> {
    mutex mu;
    CHECK(mu.try_lock());
    CHECK_FALSE(mu.try_lock());  // not recursive
    go(
        [](mutex& m) -> task<> {
          m.unlock();  // another goroutine's lock
          co_return;
        },
        std::ref(mu));
    co_await mu.lock();
    mu.unlock();
    std::thread([&mu] { CHECK(mu.try_lock()); }).join();
    mu.unlock();
    CHECK(mu.try_lock());
    std::thread([&mu] { mu.unlock(); }).join();
    CHECK(mu.try_lock());
    mu.unlock();
  });
  static_assert(!std::is_copy_constructible_v<mutex> && !std::is_move_constructible_v<mutex>);
}

TEST_CASE("MU1: goroutines on several workers exclude each other") {
  for (int workers : {1, 2, 4}) {
    run_test(workers, []() -> task<> {
      constexpr int goroutines = 8;
      constexpr int n = 2000;
      mutex mu;
      long x = 0;
      wait_group wg;
      for (int i = 0; i < goroutines; ++i) {
        wg.go([&]() -> task<> { co_await count_under(mu, x, n); });
      }
      co_await wg.wait();
      CHECK(x == goroutines * n);
      CHECK(mu.try_lock());
      mu.unlock();
    });
  }
}

TEST_CASE("MU3: try_lock takes a free mutex and never waits, also while others queue") {
  run_test(1, []() -> task<> {
    mutex mu;
    std::vector<int> order;
    co_await mu.lock();
    go(take_turn, std::ref(mu), std::ref(order), 1);
    co_await until_quiet();
    CHECK_FALSE(mu.try_lock());
    mu.unlock();
    co_await until_quiet();
    CHECK(order.size() == 1);
    CHECK(mu.try_lock());
    mu.unlock();
  });
}

TEST_CASE("MU4: those who wait get it in the order in which they came") {
  run_test(1, []() -> task<> {
    mutex mu;
    std::vector<int> order;
    co_await mu.lock();
    for (int i = 0; i < 10; ++i) {
      go(take_turn, std::ref(mu), std::ref(order), i);
      co_await until_quiet();
    }
    mu.unlock();
    co_await until_quiet();
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  });
}

TEST_CASE("MU5: who was woken and beaten is first in the queue, and is handed the mutex") {
  run_test(1, []() -> task<> {
    mutex mu;
    std::vector<int> order;
    co_await mu.lock();
    go(take_turn, std::ref(mu), std::ref(order), 1);
    co_await until_quiet();
    go(take_turn, std::ref(mu), std::ref(order), 2);
    co_await until_quiet();
    mu.unlock();  // wakes 1, which does not run yet
    co_await mu.lock();
    CHECK(order.empty());
    co_await until_quiet();  // 1 finds it gone
    CHECK(order.empty());
    mu.unlock();  // hands it to 1
    CHECK_FALSE(mu.try_lock());
    co_await until_quiet();
    CHECK(order == std::vector<int>{1, 2});
    CHECK(mu.try_lock());
    mu.unlock();
  });
}

TEST_CASE("MU6: a goroutine that locks again and again keeps nobody out") {
  for (int workers : {1, 2}) {
    run_test(workers, []() -> task<> {
      mutex mu;
      std::atomic<bool> stop{false};
      wait_group wg;
      wg.go([&]() -> task<> {
        while (!stop) {
          co_await mu.lock();
          mu.unlock();
        }
      });
      wg.go([&]() -> task<> {  // holds it across awaits, and takes it again at once
        while (!stop) {
          co_await mu.lock();
          co_await this_goroutine::yield();
          mu.unlock();
        }
      });
      for (int i = 0; i < 10; ++i) {
        co_await this_goroutine::yield();
        co_await mu.lock();
        co_await this_goroutine::yield();
        mu.unlock();
      }
      stop = true;
      co_await wg.wait();
    });
  }
}

TEST_CASE("MU7: the end of a goroutine does not release it, a guard does") {
  run_test(1, []() -> task<> {
    mutex mu;
    go(
        [](mutex& m) -> task<> {
          co_await m.lock();
          this_goroutine::exit();
        },
        std::ref(mu));
    co_await until_quiet();
    CHECK_FALSE(mu.try_lock());
    mu.unlock();
    go(
        [](mutex& m) -> task<> {
          auto held = co_await m.guard();
          CHECK(held.owns_lock());
          this_goroutine::exit();
        },
        std::ref(mu));
    co_await until_quiet();
    {
      auto held = co_await mu.guard();
      auto other = std::move(held);
      CHECK_FALSE(held.owns_lock());
      CHECK(other.owns_lock());
      CHECK_FALSE(mu.try_lock());
      other.unlock();
      CHECK(mu.try_lock());
      mu.unlock();
    }
    CHECK(mu.try_lock());
    mu.unlock();
  });
}

TEST_CASE("a lock is a case of a select") {
  run_test(1, []() -> task<> {
    mutex a;
    mutex b;
    auto c = make_chan<int>(1);
    int v = 0;
    int chosen = co_await select(c.recv(v), a.lock());
    CHECK(chosen == 1);
    CHECK_FALSE(a.try_lock());
    chosen = co_await select(a.lock(), otherwise);
    CHECK(chosen == 1);
    chosen = co_await select(a.lock(), b.lock(), otherwise);
    CHECK(chosen == 1);
    chosen = co_await select(a.lock(), b.lock(), otherwise);
    CHECK(chosen == 2);

    // Handed over: nobody can take it in between.
    std::vector<int> got;
    go([&]() -> task<> {
      int which = co_await select(c.recv(v), a.lock(), b.lock());
      got.push_back(which);
    });
    co_await until_quiet();
    a.unlock();
    CHECK_FALSE(a.try_lock());
    co_await until_quiet();
    CHECK(got == std::vector<int>{1});
    CHECK_FALSE(a.try_lock());

    // Another case was chosen: the lock's waiter is gone.
    go([&]() -> task<> {
      int which = co_await select(c.recv(v), a.lock());
      got.push_back(which);
    });
    co_await until_quiet();
    co_await c.send(1);
    co_await until_quiet();
    CHECK(got == std::vector<int>{1, 0});
    a.unlock();
    CHECK(a.try_lock());
    a.unlock();
    b.unlock();
  });
}

TEST_CASE("lock(ctx) ends with the Context, and tests it first") {
  run_test(1, []() -> task<> {
    mutex mu;
    auto [ctx, cancel] = with_cancel(background());
    std::error_code error = co_await mu.lock(ctx);
    CHECK_FALSE(error);
    go([&mu, ctx]() -> task<> {
      std::error_code end = co_await mu.lock(ctx);
      CHECK(end == errc::canceled);
    });
    co_await until_quiet();
    cancel();
    co_await until_quiet();
    mu.unlock();
    error = co_await mu.lock(ctx);  // free, but the Context has ended
    CHECK(error == errc::canceled);
    error = co_await mu.lock(background());
    CHECK_FALSE(error);
    mu.unlock();
  });
}

TEST_CASE("an abandoned goroutine leaves the queue, and passes no wake-up by") {
  run_test(1, []() -> task<> {
    mutex mu;
    std::vector<int> order;
    co_await mu.lock();
    try {
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> {
          auto held = co_await mu.guard();
          order.push_back(1);
        });
        co_await until_quiet();
        go(take_turn, std::ref(mu), std::ref(order), 2);
        co_await until_quiet();
        throw std::runtime_error("the scope fails");
      });
      FAIL("the scope has failed");
    } catch (const std::runtime_error&) {
    }
    mu.unlock();
    co_await until_quiet();
    CHECK(order == std::vector<int>{2});

    // Abandoned after it was woken: it may still take what is free, and leaves nobody waiting.
    co_await mu.lock();
    order.clear();
    try {
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> {
          auto held = co_await mu.guard();
          order.push_back(1);
        });
        co_await until_quiet();
        go(take_turn, std::ref(mu), std::ref(order), 2);
        co_await until_quiet();
        mu.unlock();
        co_await mu.lock();
        throw std::runtime_error("the scope fails");
      });
      FAIL("the scope has failed");
    } catch (const std::runtime_error&) {
    }
    CHECK(order.empty());
    mu.unlock();
    co_await until_quiet();
    CHECK(order == std::vector<int>{2});
  });
}

TEST_CASE("whoever unlocks last may destroy the mutex") {
  struct shared {
    mutex mu;
    int references = 4;
  };
  for (int round = 0; round < 300; ++round) {
    run_test(2, []() -> task<> {
      auto* s = new shared;
      wait_group wg;
      for (int i = 0; i < 4; ++i) {
        wg.go([s]() -> task<> {
          co_await s->mu.lock();
          const bool is_last = --s->references == 0;
          s->mu.unlock();
          if (is_last) delete s;
        });
      }
      co_await wg.wait();
    });
  }
}
