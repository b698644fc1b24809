// SPDX-License-Identifier: MIT
// once: runs one function, once, however it ends.
#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <run_test.hpp>
#include <stdexcept>
#include <type_traits>
#include <utility>

using namespace burrow;

TEST_CASE("ON1: the first call runs its function, the others none, even if theirs is another") {
  run_test(1, []() -> task<> {
    once o;
    int n = 0;
    co_await o.call([&n] { n += 1; });
    co_await o.call([&n] { n += 10; });
    co_await o.call([&n]() -> task<> {
      n += 100;
      co_return;
    });
    CHECK(n == 1);
    auto named = [&n] { n += 1000; };
    once other;
    co_await other.call(named);
    CHECK(n == 1001);
    once third;
    auto owned = std::make_unique<int>(5);
    co_await third.call([p = std::move(owned), &n]() -> task<> {
      co_await this_goroutine::yield();
      n = *p;
    });
    CHECK(n == 5);
  });
  static_assert(!std::is_copy_constructible_v<once> && !std::is_move_constructible_v<once>);
}

TEST_CASE("ON1: calls that come meanwhile wait until the run has ended") {
  run_test(1, []() -> task<> {
    once o;
    auto gate = make_chan<>();
    bool done = false;
    int passed = 0;
    go([&]() -> task<> {
      co_await o.call([&]() -> task<> {
        co_await gate.recv();
        done = true;
      });
    });
    co_await until_quiet();
    for (int i = 0; i < 5; ++i) {
      go([&]() -> task<> {
        co_await o.call([] { FAIL("it runs already"); });
        CHECK(done);
        ++passed;
      });
    }
    co_await until_quiet();
    CHECK(passed == 0);
    co_await gate.send();
    co_await until_quiet();
    CHECK(passed == 5);
  });
}

TEST_CASE("ON1: many at the same time") {
  for (int round = 0; round < 50; ++round) {
    run_test(4, []() -> task<> {
      once o;
      std::atomic<int> runs{0};
      int value = 0;
      wait_group wg;
      for (int i = 0; i < 16; ++i) {
        wg.go([&]() -> task<> {
          co_await o.call([&] {
            ++runs;
            value = 7;
          });
          CHECK(value == 7);
        });
      }
      co_await wg.wait();
      CHECK(runs == 1);
    });
  }
}

TEST_CASE("ON2: a function that throws counts as done, and its caller sees the exception") {
  run_test(1, []() -> task<> {
    for (bool plain : {true, false}) {
      once o;
      int runs = 0;
      bool caught = false;
      try {
        if (plain) {
          co_await o.call([&] {
            ++runs;
            throw std::runtime_error("no");
          });
        } else {
          co_await o.call([&]() -> task<> {
            ++runs;
            co_await this_goroutine::yield();
            throw std::runtime_error("no");
          });
        }
      } catch (const std::runtime_error&) {
        caught = true;
      }
      CHECK(caught);
      co_await o.call([&] { ++runs; });
      CHECK(runs == 1);
    }
  });
}

TEST_CASE("ON5: a function whose goroutine is unwound counts as done") {
  run_test(1, []() -> task<> {
    once o;
    int passed = 0;
    try {
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> {
          co_await o.call([]() -> task<> {
            chan<> nil;
            co_await nil.recv();
          });
        });
        co_await until_quiet();
        go([&]() -> task<> {
          co_await o.call([] { FAIL("it ran before"); });
          ++passed;
        });
        co_await until_quiet();
        throw std::runtime_error("the scope fails");
      });
    } catch (const std::runtime_error&) {
    }
    co_await until_quiet();
    CHECK(passed == 1);
  });
}

TEST_CASE("an abandoned caller does not wait for the one that runs it") {
  run_test(1, []() -> task<> {
    once o;
    auto gate = make_chan<>();
    go([&]() -> task<> { co_await o.call([&]() -> task<> { co_await gate.recv(); }); });
    co_await until_quiet();
    bool unwound = false;
    try {
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> {
          struct end {
            bool& flag;
            ~end() { flag = true; }
          } at_the_end{unwound};
          co_await o.call([] {});
        });
        co_await until_quiet();
        throw std::runtime_error("the scope fails");
      });
    } catch (const std::runtime_error&) {
    }
    CHECK(unwound);
    co_await gate.send();
    co_await until_quiet();
  });
}
