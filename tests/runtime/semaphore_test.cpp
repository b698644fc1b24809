// SPDX-License-Identifier: MIT
// semaphore: units, the queue, and what fails.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

task<> takes(semaphore& s, std::string& log, char name, int n) {
  co_await s.acquire(n);
  log += name;
}

}  // namespace

TEST_CASE("SM1: never more units are out than there are") {
  for (int workers : {1, 2, 4}) {
    run_test(workers, []() -> task<> {
      constexpr int size = 10;
      semaphore s(size);
      std::atomic<int> out{0};
      std::atomic<int> bad{0};
      wait_group wg;
      for (int i = 0; i < 16; ++i) {
        wg.go([&, i]() -> task<> {
          for (int r = 0; r < 500; ++r) {
            const int n = (r + i) % (size + 1);
            co_await s.acquire(n);
            if ((out += n) > size) ++bad;
            if (r % 8 == 0) co_await this_goroutine::yield();
            out -= n;
            s.release(n);
          }
        });
      }
      co_await wg.wait();
      CHECK(bad == 0);
      CHECK(s.try_acquire(size));
    });
  }
  static_assert(!std::is_copy_constructible_v<semaphore>);
}

TEST_CASE("SM2, SM4: a Context that has ended always fails, and takes nothing") {
  run_test(1, []() -> task<> {
    semaphore s(2);
    auto [ctx, cancel] = with_cancel(background());
    std::error_code error = co_await s.acquire(ctx, 1);
    CHECK_FALSE(error);
    cancel();
    for (int i = 0; i < 20; ++i) {  // never by chance
      error = co_await s.acquire(ctx, 1);
      CHECK(error == errc::canceled);
    }
    CHECK(s.try_acquire(1));
    CHECK_FALSE(s.try_acquire(1));
  });
}

TEST_CASE("SM3: an acquire either has its units or its error, when both come together") {
  for (int round = 0; round < 200; ++round) {
    run_test(2, []() -> task<> {
      semaphore s(1);
      co_await s.acquire();
      auto [ctx, cancel] = with_cancel(background());
      auto trigger = cancel.trigger();
      bool has_it = false;
      wait_group wg;
      wg.go([&, ctx]() -> task<> {
        std::error_code error = co_await s.acquire(ctx);
        has_it = !error;
      });
      wg.go([trigger] { trigger(); });
      co_await this_goroutine::yield();
      s.release();
      co_await wg.wait();
      CHECK(s.try_acquire() == !has_it);
    });
  }
}

TEST_CASE(
    "SM5: a request for more than there is waits for its Context alone, and in nobody's way") {
  run_test(1, []() -> task<> {
    semaphore s(2);
    auto [ctx, cancel] = with_cancel(background());
    bool ended = false;
    go([&, ctx]() -> task<> {
      std::error_code error = co_await s.acquire(ctx, 3);
      ended = error == errc::canceled;
    });
    co_await until_quiet();
    co_await s.acquire(2);
    s.release(2);
    CHECK(s.try_acquire(2));
    s.release(2);
    CHECK_FALSE(s.try_acquire(3));
    CHECK_FALSE(ended);
    cancel();
    co_await until_quiet();
    CHECK(ended);
    int chosen = co_await select(s.acquire(3), otherwise);
    CHECK(chosen == 1);
  });
}

TEST_CASE("SM6, SM8, SM9, SM11: nobody overtakes, not even with a request for nothing") {
  run_test(1, []() -> task<> {
    semaphore s(5);
    std::string log;
    co_await s.acquire(5);
    go(takes, std::ref(s), std::ref(log), 'a', 4);
    co_await until_quiet();
    go(takes, std::ref(s), std::ref(log), 'b', 1);
    co_await until_quiet();
    go(takes, std::ref(s), std::ref(log), 'c', 0);
    co_await until_quiet();
    s.release(3);
    co_await until_quiet();
    CHECK(log.empty());
    CHECK_FALSE(s.try_acquire(1));
    CHECK_FALSE(s.try_acquire(0));
    s.release(1);
    co_await until_quiet();
    CHECK(log == "a");
    s.release(1);
    co_await until_quiet();
    CHECK(log == "abc");  // as many as fit
    s.release(5);
    CHECK(s.try_acquire(5));
  });
}

TEST_CASE("SM7: those behind a head that gives up are served at once") {
  run_test(1, []() -> task<> {
    semaphore s(5);
    std::string log;
    auto [ctx, cancel] = with_cancel(background());
    co_await s.acquire(3);
    go([&, ctx]() -> task<> {
      std::error_code error = co_await s.acquire(ctx, 4);
      log += error == errc::canceled ? 'e' : 'x';
    });
    co_await until_quiet();
    go(takes, std::ref(s), std::ref(log), 'a', 1);
    co_await until_quiet();
    go(takes, std::ref(s), std::ref(log), 'b', 1);
    co_await until_quiet();
    CHECK(log.empty());
    cancel();
    co_await until_quiet();
    CHECK(log.size() == 3);
    CHECK(log.find('e') != std::string::npos);
    CHECK(log.find('a') < log.find('b'));
    CHECK_FALSE(s.try_acquire());
  });
}

TEST_CASE("SM10: more than is held cannot be released") {
  run_test(1, []() -> task<> {
    semaphore s(3);
    co_await s.acquire(2);
    CHECK_THROWS_WITH_AS(s.release(3), "semaphore: released more than held", std::logic_error);
    s.release(2);
    CHECK_THROWS_AS(s.release(), std::logic_error);
    CHECK_THROWS_AS(s.release(-1), std::invalid_argument);
    CHECK_THROWS_AS(static_cast<void>(s.acquire(-1)), std::invalid_argument);
    CHECK_THROWS_AS(s.try_acquire(-1), std::invalid_argument);
    CHECK_THROWS_AS(semaphore(-1), std::invalid_argument);
    s.release(0);
    CHECK(s.try_acquire(3));
  });
}

TEST_CASE("acquire is a case of a select, and its units are handed over") {
  run_test(1, []() -> task<> {
    semaphore s(2);
    auto c = make_chan<int>(1);
    int v = 0;
    std::string log;
    int chosen = co_await select(c.recv(v), s.acquire(2));
    CHECK(chosen == 1);
    go([&]() -> task<> {
      int which = co_await select(c.recv(v), s.acquire(2));
      log += which == 1 ? 's' : 'c';
    });
    co_await until_quiet();
    s.release(2);
    CHECK_FALSE(s.try_acquire(1));
    co_await until_quiet();
    CHECK(log == "s");
    go([&]() -> task<> {
      int which = co_await select(c.recv(v), s.acquire(1));
      log += which == 1 ? 's' : 'c';
    });
    co_await until_quiet();
    co_await c.send(1);
    co_await until_quiet();
    CHECK(log == "sc");
    s.release(2);
    CHECK(s.try_acquire(2));
  });
}
