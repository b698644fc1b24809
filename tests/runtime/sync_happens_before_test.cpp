// SPDX-License-Identifier: MIT
// What locks, once, conditions, timers and cancellation order: HB of Go's semantics. As with
// channels, a missing edge shows in a build with ThreadSanitizer above all.
#include <burrow/burrow.hpp>

#include <chrono>
#include <doctest/doctest.h>
#include <functional>
#include <memory>
#include <run_test.hpp>

using namespace burrow;
using namespace std::chrono_literals;

TEST_CASE("HB11: an unlock comes before every later lock, and a try_lock that succeeds is one") {
  run_test(4, []() -> task<> {
    constexpr int each = 500;
    mutex mu;
    rw_mutex rw;
    int under_mutex = 0;
    int under_rw = 0;
    wait_group wg;
    for (int i = 0; i < 4; ++i) {
      wg.go([&, i]() -> task<> {
        for (int k = 0; k < each; ++k) {
          const bool at_once = (i + k) % 2 == 0 && mu.try_lock();
          if (!at_once) co_await mu.lock();
          ++under_mutex;
          mu.unlock();
          co_await rw.lock();
          ++under_rw;
          rw.unlock();
        }
      });
    }
    co_await wg.wait();
    CHECK(under_mutex == 4 * each);
    CHECK(under_rw == 4 * each);
  });
}

TEST_CASE("HB12: a reader sees what a writer did before, a writer what the readers did") {
  run_test(4, []() -> task<> {
    constexpr int each = 300;
    rw_mutex rw;
    int written = 0;
    int torn = 0;
    int noted[4] = {};  // each by one reader, all by the writers
    wait_group wg;
    for (int i = 0; i < 2; ++i) {
      wg.go([&]() -> task<> {
        for (int k = 0; k < each; ++k) {
          co_await rw.lock();
          ++written;
          for (int n : noted) torn += n > written ? 1 : 0;
          rw.unlock();
          co_await this_goroutine::yield();
        }
      });
    }
    for (int& note : noted) {
      wg.go([&]() -> task<> {
        for (int k = 0; k < each; ++k) {
          co_await rw.rlock();
          note = written;
          rw.runlock();
          co_await this_goroutine::yield();
        }
      });
    }
    co_await wg.wait();
    CHECK(written == 2 * each);
    CHECK(torn == 0);
  });
}

TEST_CASE("HB14: what the function of a once did comes before the end of every call") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 200; ++round) {
      once o;
      int made = 0;
      int unseen = 0;
      mutex mu;
      wait_group wg;
      for (int i = 0; i < 4; ++i) {
        wg.go([&]() -> task<> {
          co_await o.call([&]() -> task<> {
            co_await this_goroutine::yield();
            made = 1;
          });
          const bool seen = made == 1;
          co_await mu.lock();
          unseen += seen ? 0 : 1;
          mu.unlock();
        });
      }
      co_await wg.wait();
      CHECK(unseen == 0);
    }
  });
}

TEST_CASE("HB15: a signal and a broadcast come before the end of the wait") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 500; ++round) {
      mutex mu;
      cond cv(mu);
      int data = 0;
      wait_group wg;
      co_await mu.lock();
      wg.go([&]() -> task<> {
        // The waiter holds the mutex until it waits; from here on it is not held.
        co_await mu.lock();
        mu.unlock();
        data = 1;
        round % 2 == 0 ? cv.signal() : cv.broadcast();
      });
      co_await cv.wait();
      mu.unlock();
      CHECK(data == 1);
      co_await wg.wait();
    }
  });
}

TEST_CASE("HB16: what is done before a timer is made or reset comes before what it does") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 100; ++round) {
      auto data = std::make_shared<int>(1);
      auto seen = make_chan<int>(2);
      timer calls = after_func(0ms, [=] { seen.try_send(*data); });
      int first = 0;
      co_await seen.recv(first);
      *data = 2;
      calls.reset(0ms);
      int second = 0;
      co_await seen.recv(second);
      CHECK(first == 1);
      CHECK(second == 2);

      timer fires(1h);
      auto received = make_chan<int>();
      go([=]() -> task<> {
        co_await fires.recv();
        co_await received.send(*data);
      });
      *data = 3;
      fires.reset(0ms);
      int third = 0;
      co_await received.recv(third);
      CHECK(third == 3);
    }
  });
}

TEST_CASE("HB17: a cancel comes before done, before an error that is seen, and before after_func") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 200; ++round) {
      auto data = std::make_shared<int>(0);
      auto seen = make_chan<int>(3);
      auto [ctx, cancel] = with_cancel_cause(background());
      auto stop = after_func(ctx, [=] { seen.try_send(*data); });
      go([=, ctx = ctx]() -> task<> {
        co_await ctx.done();
        co_await seen.send(*data);
      });
      go([=, ctx = ctx]() -> task<> {
        while (!ctx.err()) co_await this_goroutine::yield();
        co_await seen.send(*data);
      });
      co_await this_goroutine::yield();
      *data = 1;
      cancel();
      int sum = 0;
      for (int i = 0; i < 3; ++i) {
        int one = 0;
        co_await seen.recv(one);
        sum += one;
      }
      CHECK(sum == 3);
    }
  });
}
