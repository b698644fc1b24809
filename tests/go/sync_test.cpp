// SPDX-License-Identifier: MIT
// Locks, conditions, wait groups and groups of goroutines: what Go's own tests assert and no other
// test here does. docs/go-tests.md tells which is which.
#include <doctest/doctest.h>
// behind doctest.h
#include <atomic>
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>
#include <cstddef>
#include <exception>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// The text of what a scope throws whose children end with these errors, "" for none, one after
/// the other; "" if it throws nothing. `ctx` becomes the group's Context.
task<std::string> error_of_group(std::vector<std::string> errors, context& ctx) {
  try {
    co_await scope([&](group& g) -> task<> {
      ctx = g.context();
      for (const std::string& error : errors) {
        g.go([error]() -> task<> {
          if (!error.empty()) throw std::runtime_error(error);
          co_return;
        });
        co_await synctest::wait();
      }
    });
  } catch (const std::runtime_error& e) {
    co_return e.what();
  }
  co_return "";
}

std::string cause_of(const context& ctx) {
  try {
    if (const auto cause = ctx.cause()) std::rethrow_exception(cause);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "none";
}

}  // namespace

// --- locks ---------------------------------------------------------------------------------------

TEST_CASE("RW1: all readers of a lock can be in it at the same time") {
  for (int workers : {1, 4}) {
    for (int readers : {1, 3, 4, 10}) {
      run_test(workers, [readers]() -> task<> {
        rw_mutex mu;
        auto inside = make_chan<>();
        auto leave = make_chan<>();
        auto left = make_chan<>();
        for (int i = 0; i < readers; ++i) {
          go([&mu, inside, leave, left]() -> task<> {
            {
              auto held = co_await mu.rguard();
              co_await inside.send();
              co_await leave.recv();
            }
            co_await left.send();
          });
        }
        for (int i = 0; i < readers; ++i) co_await inside.recv();
        CHECK_FALSE(mu.try_lock());
        for (int i = 0; i < readers; ++i) co_await leave.send();
        for (int i = 0; i < readers; ++i) co_await left.recv();
        CHECK(mu.try_lock());
        mu.unlock();
      });
    }
  }
}

TEST_CASE("RW1 RW7: a writer waits for both of two readers' locks, and readers for the writer's") {
  run_test(2, []() -> task<> {
    rw_mutex mu;
    auto reading = make_chan<>(1);
    auto writing = make_chan<>(1);
    constexpr int rounds = 200;
    go([&mu, reading, writing]() -> task<> {
      for (int i = 0; i < rounds; ++i) {
        co_await mu.rlock();
        co_await mu.rlock();  // nobody waits to write
        co_await reading.send();
        co_await mu.lock();
        co_await writing.send();
      }
    });
    for (int i = 0; i < rounds; ++i) {
      co_await reading.recv();
      mu.runlock();
      CHECK(writing.size() == 0);
      mu.runlock();
      co_await writing.recv();
      CHECK(reading.size() == 0);
      mu.unlock();
    }
  });
}

// --- conditions ----------------------------------------------------------------------------------

TEST_CASE("CO1 CO2: three goroutines hand a state on through signals and a broadcast") {
  for (int workers : {1, 2, 4}) {
    run_test(workers, []() -> task<> {
      for (int round = 0; round < 200; ++round) {
        mutex mu;
        cond changed(mu);
        int state = 0;
        wait_group wg;
        wg.go([&]() -> task<> {
          auto held = co_await mu.guard();
          state = 1;
          while (state != 2) co_await changed.wait();
          state = 3;
          changed.signal();
        });
        wg.go([&]() -> task<> {
          for (;;) {
            {
              auto held = co_await mu.guard();
              if (state == 1) {
                state = 2;
                changed.broadcast();
                break;
              }
            }
            co_await this_goroutine::yield();
          }
        });
        wg.go([&]() -> task<> {
          for (;;) {
            {
              auto held = co_await mu.guard();
              if (state == 2) {
                co_await changed.wait();
                CHECK(state == 3);
                break;
              }
              if (state == 3) break;
            }
            co_await this_goroutine::yield();
          }
        });
        co_await wg.wait();
        CHECK(state == 3);
      }
    });
  }
}

TEST_CASE("CO2 CO3 CO6: whoever waits after a signal does not get it") {
  synctest::test({.runs = 300}, []() -> task<> {
    mutex mu;
    cond changed(mu);
    auto first_waits = make_chan<>();
    auto woken = make_chan<int>(2);
    go([&]() -> task<> {
      auto held = co_await mu.guard();
      first_waits.close();  // who has the mutex after this finds it waiting
      co_await changed.wait();
      co_await woken.send(1);
    });
    co_await first_waits.recv();
    {
      auto held = co_await mu.guard();
    }
    changed.signal();
    go([&]() -> task<> {
      auto held = co_await mu.guard();
      co_await changed.wait();
      co_await woken.send(2);
    });
    co_await synctest::wait();
    CHECK(woken.size() == 1);
    auto who = co_await woken.recv();
    CHECK(who == 1);
    changed.signal();
    who = co_await woken.recv();
    CHECK(who == 2);
    co_await synctest::wait();
  });
}

// --- wait groups ---------------------------------------------------------------------------------

TEST_CASE("WG1 WG2: a wait does not end before the goroutines of its round, a thousand times") {
  for (int workers : {1, 4}) {
    run_test(workers, []() -> task<> {
      int spurious = 0;
      for (int i = 0; i < 1000; ++i) {
        wait_group wg;
        std::atomic<int> ended{0};
        for (int n = 0; n < 2; ++n) {
          wg.add(1);
          go([&]() -> task<> {
            ++ended;
            wg.done();
            co_return;
          });
        }
        co_await wg.wait();
        spurious += ended == 2 ? 0 : 1;
      }
      CHECK(spurious == 0);
    });
  }
}

// --- groups --------------------------------------------------------------------------------------

TEST_CASE("EG2 EG3 EG4: a group ends with the first error of its children, whichever that is") {
  struct row {
    std::vector<std::string> errors;
    std::string first;
  };
  const std::vector<row> rows{
      {{}, ""},         {{""}, ""},        {{"a"}, "a"},         {{"", "b"}, "b"},
      {{"a", ""}, "a"}, {{"a", "b"}, "a"}, {{"", "", "c"}, "c"}, {{"", "b", "c"}, "b"},
  };
  synctest::test([&rows]() -> task<> {
    for (const row& r : rows) {
      context ctx;
      const std::string error = co_await error_of_group(r.errors, ctx);
      CHECK(error == r.first);
      CHECK(ctx.err() == errc::canceled);
      CHECK(cause_of(ctx) == (r.first.empty() ? "context canceled" : r.first));
    }
  });
}
