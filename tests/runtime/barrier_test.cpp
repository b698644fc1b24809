// SPDX-License-Identifier: MIT
// barrier: nobody passes before all have come.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <run_test.hpp>
#include <stdexcept>
#include <type_traits>

using namespace burrow;

TEST_CASE("nobody passes before all have arrived, phase after phase") {
  for (int workers : {1, 2, 4}) {
    run_test(workers, []() -> task<> {
      constexpr int parties = 5;
      constexpr int phases = 300;
      barrier meet(parties);
      std::array<std::atomic<int>, phases> arrived{};
      std::atomic<int> bad{0};
      wait_group wg;
      for (int i = 0; i < parties; ++i) {
        wg.go([&]() -> task<> {
          for (auto& here : arrived) {
            ++here;
            co_await meet.arrive_and_wait();
            if (here != parties) ++bad;
          }
        });
      }
      co_await wg.wait();
      CHECK(bad == 0);
    });
  }
  static_assert(!std::is_copy_constructible_v<barrier>);
}

TEST_CASE("who drops out is not expected any more") {
  run_test(1, []() -> task<> {
    barrier meet(3);
    int passed = 0;
    for (int i = 0; i < 2; ++i) {
      go([&]() -> task<> {
        co_await meet.arrive_and_wait();
        ++passed;
        co_await meet.arrive_and_wait();
        ++passed;
      });
    }
    co_await until_quiet();
    CHECK(passed == 0);
    meet.arrive_and_drop();
    co_await until_quiet();
    CHECK(passed == 4);
    meet.arrive_and_drop();
    meet.arrive_and_drop();
    CHECK_THROWS_AS(meet.arrive_and_drop(), std::logic_error);
    CHECK_THROWS_AS(barrier(0), std::invalid_argument);
  });
}

TEST_CASE("an arrival counts although its goroutine waits no more") {
  run_test(1, []() -> task<> {
    barrier meet(2);
    auto c = make_chan<>(1);
    int which = -1;
    go([&]() -> task<> { which = co_await select(meet.arrive_and_wait(), c.recv()); });
    co_await until_quiet();
    co_await c.send();
    co_await until_quiet();
    CHECK(which == 1);
    co_await meet.arrive_and_wait();  // the second arrival of this phase

    go([&]() -> task<> { which = co_await select(c.recv(), meet.arrive_and_wait()); });
    co_await until_quiet();
    co_await meet.arrive_and_wait();
    co_await until_quiet();
    CHECK(which == 1);
  });
}
