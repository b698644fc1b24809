// SPDX-License-Identifier: MIT
// wait_group, and the latch that is built on the same core.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

TEST_CASE("WG1, WG2: all that wait are released once, when the count is zero") {
  run_test(1, []() -> task<> {
    wait_group wg;
    co_await wg.wait();  // zero: at once
    int released = 0;
    wg.add(2);
    for (int i = 0; i < 10; ++i) {
      go([&]() -> task<> {
        co_await wg.wait();
        ++released;
      });
    }
    co_await until_quiet();
    wg.done();
    co_await until_quiet();
    CHECK(released == 0);
    wg.add(-1);
    co_await until_quiet();
    CHECK(released == 10);
    co_await wg.wait();
  });
}

TEST_CASE("WG3: a negative count throws, and changes nothing") {
  run_test(1, []() -> task<> {
    const char* text = "sync: negative WaitGroup counter";
    wait_group wg;
    CHECK_THROWS_WITH_AS(wg.done(), text, std::logic_error);
    wg.add(2);
    CHECK_THROWS_WITH_AS(wg.add(-3), text, std::logic_error);
    bool released = false;
    go([&]() -> task<> {
      co_await wg.wait();
      released = true;
    });
    co_await until_quiet();
    CHECK_THROWS_WITH_AS(wg.add(-3), text, std::logic_error);  // also where somebody waits
    wg.add(0);
    wg.done();
    co_await until_quiet();
    CHECK_FALSE(released);
    wg.done();
    co_await until_quiet();
    CHECK(released);
    CHECK_THROWS_AS(wg.done(), std::logic_error);
  });
}

TEST_CASE("WG5, WG6: it grows while it is in use, and can be used again") {
  run_test(2, []() -> task<> {
    wait_group wg;
    for (int round = 0; round < 100; ++round) {
      std::atomic<int> n{0};
      wg.add(1);
      go([&]() -> task<> {
        for (int i = 0; i < 3; ++i) {
          wg.add(1);
          go([&]() -> task<> {
            ++n;
            wg.done();
            co_return;
          });
        }
        wg.done();
        co_return;
      });
      co_await wg.wait();
      CHECK(n == 3);
    }
  });
}

TEST_CASE("WG7: go starts a task or a plain callable and counts it") {
  run_test(2, []() -> task<> {
    wait_group wg;
    std::atomic<int> n{0};
    wg.go([&n] { ++n; });
    wg.go([&n]() -> task<> {
      co_await this_goroutine::yield();
      ++n;
    });
    wg.go([&n](std::unique_ptr<int> p, int q) { n += *p + q; }, std::make_unique<int>(10), 100);
    wg.go([&]() {
      wg.go([&n] { n += 1000; });  // from within
    });
    co_await wg.wait();
    CHECK(n == 1112);
  });
  static_assert(!std::is_copy_constructible_v<wait_group>);  // WG10
  static_assert(!std::is_move_constructible_v<wait_group>);
}

TEST_CASE("WG8: an exception is reported before the wait is over") {
  options opt;
  opt.workers = 2;
  std::atomic<int> reports{0};
  opt.on_unhandled = [&reports](const unhandled_exception& u) {
    std::this_thread::yield();
    CHECK_THROWS_WITH_AS(std::rethrow_exception(u.error), "out of it", std::runtime_error);
    ++reports;
  };
  run(opt, [&reports]() -> task<> {
    for (int i = 1; i <= 20; ++i) {
      wait_group wg;
      if (i % 2 == 0) {
        wg.go([] { throw std::runtime_error("out of it"); });
      } else {
        wg.go([]() -> task<> {
          co_await this_goroutine::yield();
          throw std::runtime_error("out of it");
        });
      }
      co_await wg.wait();
      CHECK(reports == i);
    }
  });
}

TEST_CASE("WG9: this_goroutine::exit() counts as done") {
  run_test(1, []() -> task<> {
    wait_group wg;
    wg.go([] { this_goroutine::exit(); });
    wg.go([]() -> task<> {
      co_await this_goroutine::yield();
      this_goroutine::exit();
    });
    co_await wg.wait();
  });
}

TEST_CASE("HB13: what was done before done() is seen after wait()") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 200; ++round) {
      std::vector<int> parts(8, 0);
      wait_group wg;
      wg.add(8);
      for (int i = 0; i < 8; ++i) {
        go([&, i]() -> task<> {
          parts[static_cast<std::size_t>(i)] = i + 1;
          wg.done();
          co_return;
        });
      }
      co_await wg.wait();
      int sum = 0;
      for (int p : parts) sum += p;
      CHECK(sum == 36);
    }
  });
}

TEST_CASE("W24: the last done() does not touch a wait group that a wait has let go") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 3000; ++round) {
      auto wg = std::make_unique<wait_group>();
      wait_group* shared = wg.get();
      const int n = 1 + round % 4;
      wg->add(n);
      for (int i = 0; i < n; ++i) {
        go([shared]() -> task<> {
          shared->done();
          co_return;
        });
      }
      if (round % 3 == 1) {  // a select that has waited and gone leaves its mark in the word
        int chosen = co_await select(wg->wait(), otherwise);
        static_cast<void>(chosen);
      } else if (round % 3 == 2) {
        co_await this_goroutine::yield();
      }
      co_await wg->wait();
      wg.reset();
    }
  });
}

TEST_CASE("W24: from plain threads as well") {
  run_test(1, []() -> task<> {
    for (int round = 0; round < 100; ++round) {
      auto wg = std::make_unique<wait_group>();
      wg->add(2);
      std::thread a([w = wg.get()] { w->done(); });
      std::thread b([w = wg.get()] { w->done(); });
      co_await wg->wait();
      wg.reset();
      a.join();
      b.join();
    }
  });
}

TEST_CASE("wait is a case of a select, and has a form with a Context") {
  run_test(1, []() -> task<> {
    wait_group wg;
    auto c = make_chan<int>(1);
    int v = 0;
    int chosen = co_await select(c.recv(v), wg.wait());
    CHECK(chosen == 1);
    wg.add(1);
    chosen = co_await select(wg.wait(), c.recv(v), otherwise);
    CHECK(chosen == 2);
    int which = -1;
    go([&]() -> task<> { which = co_await select(c.recv(v), wg.wait()); });
    co_await until_quiet();
    wg.done();
    co_await until_quiet();
    CHECK(which == 1);

    wg.add(1);
    auto [ctx, cancel] = with_cancel(background());
    std::error_code error;
    go([&, ctx]() -> task<> { error = co_await wg.wait(ctx); });
    co_await until_quiet();
    cancel();
    co_await until_quiet();
    CHECK(error == errc::canceled);
    wg.done();
    error = co_await wg.wait(ctx);  // the Context first
    CHECK(error == errc::canceled);
    error = co_await wg.wait(background());
    CHECK_FALSE(error);
  });
}

TEST_CASE("an abandoned goroutine does not wait on") {
  run_test(1, []() -> task<> {
    wait_group wg;
    wg.add(1);
    try {
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> { co_await wg.wait(); });
        co_await until_quiet();
        throw std::runtime_error("the scope fails");
      });
    } catch (const std::runtime_error&) {
    }
    wg.done();
    co_await wg.wait();
  });
}

TEST_CASE("latch: waits until the count is zero, and stays open") {
  run_test(2, []() -> task<> {
    latch l(3);
    CHECK_FALSE(l.try_wait());
    std::atomic<int> passed{0};
    wait_group wg;
    for (int i = 0; i < 2; ++i) {
      wg.go([&]() -> task<> {
        co_await l.arrive_and_wait();
        ++passed;
      });
    }
    co_await until_quiet();
    CHECK(passed == 0);
    CHECK_THROWS_AS(l.count_down(2), std::logic_error);
    CHECK_THROWS_AS(l.count_down(-1), std::invalid_argument);
    l.count_down();
    co_await wg.wait();
    CHECK(passed == 2);
    CHECK(l.try_wait());
    co_await l.wait();
    int chosen = co_await select(l.wait(), otherwise);
    CHECK(chosen == 0);
    std::error_code error = co_await l.wait(background());
    CHECK_FALSE(error);
    CHECK_THROWS_AS(latch(-1), std::invalid_argument);
    latch open(0);
    co_await open.wait();
  });
}
