// SPDX-License-Identifier: MIT
// Ends of runtimes under load: whatever goroutines wait for, they are unwound, and nothing is left.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

#if BURROW_ASAN || BURROW_TSAN
constexpr int factor = 1;
#else
constexpr int factor = 10;
#endif

std::atomic<int> alive{0};

/// A local of every goroutine here.
struct counted {
  counted() noexcept { ++alive; }
  counted(const counted&) noexcept { ++alive; }
  ~counted() { --alive; }
};

/// What all waits of one runtime are made of.
struct things {
  chan<int> never = make_chan<int>();
  chan<int> full = make_chan<int>(1);
  mutex locked_mutex;
  rw_mutex locked_rw;
  wait_group never_done;
  mutex cond_mutex;
  cond never_signalled{cond_mutex};
  semaphore taken{1};
  latch closed_latch{1};
  barrier lonely{2};
  timer far{1h};
  ticker slow{1h};
};

constexpr int kinds = 20;

task<> wait_for_ever(int kind, std::shared_ptr<things> t, counted local) {
  const counted other = local;
  const context ctx = this_goroutine::context();
  int v = 0;
  switch (kind) {
    case 0: co_await t->never.recv(v); break;
    case 1: co_await t->full.send(1); break;
    case 2: co_await chan<int>().recv(); break;
    case 3: co_await select(t->never.recv(v), t->full.send(1), after(1h)); break;
    case 4: co_await sleep(1h); break;
    case 5: co_await t->locked_mutex.lock(); break;
    case 6: co_await t->locked_rw.rlock(); break;
    case 7: co_await t->locked_rw.lock(); break;
    case 8: co_await t->never_done.wait(); break;
    case 9: {
      // The wait takes the mutex again also when it is abandoned: a guard gives it back.
      const auto held = co_await t->cond_mutex.guard();
      co_await t->never_signalled.wait();
      break;
    }
    case 10: co_await t->taken.acquire(); break;
    case 11: co_await t->closed_latch.wait(); break;
    case 12: {
      auto [own, cancel] = with_cancel(background());
      co_await own.done();
      break;
    }
    case 13: co_await t->far.recv(); break;
    case 14: co_await t->slow.recv(); break;
    case 15:
      co_await scope([t, local](group& g) -> task<> {
        for (int i = 0; i < 3; ++i) g.go(wait_for_ever, i, t, local);
        co_await g.wait();
      });
      break;
    case 16: co_await race(wait_for_ever(0, t, local), wait_for_ever(4, t, local)); break;
    case 17: co_await select(); break;
    case 18: {
      auto [own, cancel] = with_timeout(background(), 1h);
      co_await t->never.recv(own, v);
      break;
    }
    default:
      for (;;) co_await this_goroutine::yield();
  }
}

}  // namespace

TEST_CASE("short runtimes, one after the other, with goroutines in every kind of wait at the end") {
  for (int i = 0; i < 20 * factor; ++i) {
    const int status = run_test(1 + i % 3, [i]() -> task<int> {
      auto t = std::make_shared<things>();
      co_await t->full.send(1);
      co_await t->locked_mutex.lock();
      co_await t->locked_rw.lock();
      t->never_done.add(1);
      co_await t->taken.acquire();
      for (int n = 0; n < 3 * kinds; ++n) go(wait_for_ever, n % kinds, t, counted());
      for (int n = 0; n < i % 7; ++n) co_await this_goroutine::yield();
      co_return i;
    });
    REQUIRE(status == i);
    REQUIRE(alive.load() == 0);
  }
}

TEST_CASE("each kind of wait by itself, when it has surely begun") {
  for (int kind = 0; kind + 1 < kinds; ++kind) {
    CAPTURE(kind);
    run_test(2, [kind]() -> task<> {
      auto t = std::make_shared<things>();
      co_await t->full.send(1);
      co_await t->locked_mutex.lock();
      co_await t->locked_rw.lock();
      t->never_done.add(1);
      co_await t->taken.acquire();
      for (int n = 0; n < 10; ++n) go(wait_for_ever, kind, t, counted());
      co_await until_quiet();
    });
    CHECK(alive.load() == 0);
  }
}

// Both workers once spun on one lock that nobody held any more.
TEST_CASE("ten thousand goroutines are cancelled by one of two workers, again and again") {
  constexpr int count = 10'000;
  for (int round = 0; round < 3 * factor; ++round) {
    std::atomic<int> ended{0};
    run_test(2, [&ended, round]() -> task<> {
      auto [ctx, cancel] = with_cancel(background());
      wait_group wg;
      for (int i = 0; i < count; ++i) {
        wg.go(
            [](context own, std::atomic<int>& n, chan<int> never) -> task<> {
              co_await select(own.done(), never.recv());
              ++n;
            },
            ctx, std::ref(ended), chan<int>());
      }
      if (round % 2 == 0) co_await until_quiet();
      cancel();
      co_await wg.wait();
    });
    REQUIRE(ended.load() == count);
  }
}
