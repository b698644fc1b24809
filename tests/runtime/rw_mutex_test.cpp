// SPDX-License-Identifier: MIT
// rw_mutex: readers together, writers alone, and who goes first.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// Takes it, notes it in `log`, waits for the gate, gives it back.
task<> reads(rw_mutex& mu, std::string& log, chan<> gate) {
  co_await mu.rlock();
  log += 'r';
  co_await gate.recv();
  mu.runlock();
}
task<> writes(rw_mutex& mu, std::string& log, chan<> gate) {
  co_await mu.lock();
  log += 'w';
  co_await gate.recv();
  mu.unlock();
}

}  // namespace

TEST_CASE("RW1: many readers or one writer") {
  for (int workers : {1, 2, 4}) {
    run_test(workers, []() -> task<> {
      rw_mutex mu;
      std::atomic<int> readers{0};
      std::atomic<int> writers{0};
      std::atomic<int> bad{0};
      wait_group wg;
      for (int i = 0; i < 8; ++i) {
        wg.go([&, i]() -> task<> {
          for (int n = 0; n < 1000; ++n) {
            if ((n + i) % 5 == 0) {
              co_await mu.lock();
              if (++writers != 1 || readers != 0) ++bad;
              if (n % 16 == 0) co_await this_goroutine::yield();
              --writers;
              mu.unlock();
            } else {
              co_await mu.rlock();
              ++readers;
              if (writers != 0) ++bad;
              if (n % 16 == 0) co_await this_goroutine::yield();
              --readers;
              mu.runlock();
            }
          }
        });
      }
      co_await wg.wait();
      CHECK(bad == 0);
      CHECK(mu.try_lock());
      mu.unlock();
    });
  }
  static_assert(!std::is_copy_constructible_v<rw_mutex> && !std::is_move_constructible_v<rw_mutex>);
}

TEST_CASE(
    "RW2, RW4: a writer that waits holds back new readers, and waits for the old ones alone") {
  run_test(1, []() -> task<> {
    rw_mutex mu;
    std::string log;
    auto first = make_chan<>();
    auto gate = make_chan<>();
    go(reads, std::ref(mu), std::ref(log), first);
    co_await until_quiet();
    go(writes, std::ref(mu), std::ref(log), gate);
    co_await until_quiet();
    go(reads, std::ref(mu), std::ref(log), gate);
    co_await until_quiet();
    CHECK(log == "r");
    CHECK_FALSE(mu.try_rlock());
    co_await first.send();
    co_await until_quiet();
    CHECK(log == "rw");
    gate.close();
    co_await until_quiet();
    CHECK(log == "rwr");
  });
}

TEST_CASE("RW3: after a writer come all readers that queued, then the next writer") {
  run_test(1, []() -> task<> {
    rw_mutex mu;
    std::string log;
    auto gate = make_chan<>();
    co_await mu.lock();
    go(writes, std::ref(mu), std::ref(log), gate);
    co_await until_quiet();
    for (int i = 0; i < 3; ++i) go(reads, std::ref(mu), std::ref(log), gate);
    co_await until_quiet();
    mu.unlock();
    co_await until_quiet();
    CHECK(log == "rrr");
    for (int i = 0; i < 3; ++i) co_await gate.send();
    co_await until_quiet();
    CHECK(log == "rrrw");
    gate.close();
    co_await until_quiet();
  });
}

TEST_CASE("RW5: what try_lock and try_rlock take") {
  run_test(1, []() -> task<> {
    rw_mutex mu;
    CHECK(mu.try_rlock());
    CHECK(mu.try_rlock());
    CHECK_FALSE(mu.try_lock());
    mu.runlock();
    CHECK_FALSE(mu.try_lock());
    mu.runlock();
    CHECK(mu.try_lock());
    CHECK_FALSE(mu.try_lock());
    CHECK_FALSE(mu.try_rlock());

    // Somebody has queued and gone: the word remembers it, and it does not matter.
    int chosen = co_await select(mu.rlock(), mu.lock(), otherwise);
    CHECK(chosen == 2);
    mu.unlock();
    CHECK(mu.try_rlock());
    chosen = co_await select(mu.lock(), otherwise);
    CHECK(chosen == 1);
    CHECK(mu.try_rlock());
    mu.runlock();
    mu.runlock();
    CHECK(mu.try_lock());
    mu.unlock();
  });
}

TEST_CASE("RW7: it is not owned") {
  run_test(1, []() -> task<> {
    rw_mutex mu;
    co_await mu.rlock();
    std::thread([&mu] { mu.runlock(); }).join();
    co_await mu.lock();
    std::thread([&mu] { mu.unlock(); }).join();
    {
      auto a = co_await mu.rguard();
      auto b = co_await mu.rguard();
      CHECK_FALSE(mu.try_lock());
    }
    {
      auto held = co_await mu.guard();
      CHECK_FALSE(mu.try_rlock());
    }
    CHECK(mu.try_lock());
    mu.unlock();
  });
}

TEST_CASE("both locks are cases of a select, and are handed over") {
  run_test(1, []() -> task<> {
    rw_mutex mu;
    auto c = make_chan<int>(1);
    std::string log;
    int v = 0;
    int chosen = co_await select(c.recv(v), mu.rlock());
    CHECK(chosen == 1);
    go([&]() -> task<> {
      int which = co_await select(c.recv(v), mu.lock());
      log += which == 1 ? 'w' : 'c';
    });
    co_await until_quiet();
    mu.runlock();
    CHECK_FALSE(mu.try_rlock());
    co_await until_quiet();
    CHECK(log == "w");
    for (int i = 0; i < 2; ++i) {
      go([&]() -> task<> {
        int which = co_await select(c.recv(v), mu.rlock());
        log += which == 1 ? 'r' : 'c';
      });
    }
    co_await until_quiet();
    mu.unlock();
    CHECK_FALSE(mu.try_lock());
    co_await until_quiet();
    CHECK(log == "wrr");
    mu.runlock();
    mu.runlock();
    CHECK(mu.try_lock());
    mu.unlock();
  });
}

TEST_CASE("a waiting writer that gives up lets the readers in that it held back") {
  run_test(1, []() -> task<> {
    rw_mutex mu;
    std::string log;
    auto gate = make_chan<>();
    auto [ctx, cancel] = with_cancel(background());
    co_await mu.rlock();
    go([&mu, &log, ctx]() -> task<> {
      std::error_code error = co_await mu.lock(ctx);
      log += error == errc::canceled ? 'e' : 'w';
    });
    co_await until_quiet();
    go(reads, std::ref(mu), std::ref(log), gate);
    co_await until_quiet();
    CHECK(log.empty());
    cancel();
    co_await until_quiet();
    CHECK(log == "er");
    std::error_code error = co_await mu.rlock(ctx);
    CHECK(error == errc::canceled);
    error = co_await mu.rlock(background());
    CHECK_FALSE(error);
    mu.runlock();
    mu.runlock();
    gate.close();
    co_await until_quiet();
    CHECK(mu.try_lock());

    // The same by abandonment, behind a writer that holds it.
    log.clear();
    auto open = make_chan<>();
    open.close();
    try {
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> { co_await mu.lock(); });
        co_await until_quiet();
        throw std::runtime_error("the scope fails");
      });
    } catch (const std::runtime_error&) {
    }
    go(reads, std::ref(mu), std::ref(log), open);
    co_await until_quiet();
    CHECK(log.empty());
    mu.unlock();
    co_await until_quiet();
    CHECK(log == "r");
    CHECK(mu.try_lock());
    mu.unlock();
  });
}

TEST_CASE("a goroutine that locks for writing again and again keeps nobody out") {
  for (int workers : {1, 2}) {
    run_test(workers, []() -> task<> {
      rw_mutex mu;
      std::atomic<bool> stop{false};
      wait_group wg;
      wg.go([&]() -> task<> {
        while (!stop) {
          co_await mu.lock();
          mu.unlock();
        }
      });
      wg.go([&]() -> task<> {
        while (!stop) {
          co_await mu.rlock();
          co_await this_goroutine::yield();
          mu.runlock();
        }
      });
      for (int i = 0; i < 10; ++i) {
        co_await mu.rlock();
        mu.runlock();
        co_await mu.lock();
        mu.unlock();
      }
      stop = true;
      co_await wg.wait();
    });
  }
}
