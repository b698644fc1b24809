// SPDX-License-Identifier: MIT
// Goroutines by the million: memory stays flat, and none is lost.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <resident.hpp>
#include <run_test.hpp>

using namespace burrow;

namespace {

#if BURROW_ASAN || BURROW_TSAN
constexpr int million = 30'000;
constexpr bool keeps_freed_memory = true;  // a sanitizer's quarantine grows
#else
constexpr int million = 1'000'000;
constexpr bool keeps_freed_memory = false;
#endif

constexpr std::size_t some_memory = std::size_t{8} << 20;

}  // namespace

TEST_CASE("a million goroutines of a scope, one after the other: memory stays flat") {
  for (const int workers : {1, 2}) {
    CAPTURE(workers);
    long sum = 0;
    run_test(workers, [&sum]() -> task<> {
      co_await scope([&sum](group& g) -> task<> {
        std::size_t before = 0;
        for (int i = 0; i < million; ++i) {
          if (i == million / 10) before = resident_bytes();
          g.go(
              [](long& s, int n) -> task<> {
                s += n;
                co_return;
              },
              std::ref(sum), i);
          co_await g.wait();
        }
        if (!keeps_freed_memory) CHECK(resident_bytes() < before + some_memory);
      });
    });
    CHECK(sum == long{million} * (million - 1) / 2);
  }
}

TEST_CASE("goroutines in bursts: each runs once, and the burst's memory serves the next") {
  constexpr int burst = 5'000;
  std::atomic<long> ran{0};
  run_test(2, [&ran]() -> task<> {
    std::size_t before = 0;
    for (int round = 0; round < million / burst; ++round) {
      if (round == million / burst / 10 + 1) before = resident_bytes();
      co_await scope([&ran](group& g) -> task<> {
        for (int i = 0; i < burst; ++i) {
          g.go(
              [](std::atomic<long>& n) -> task<> {
                co_await this_goroutine::yield();
                ++n;
              },
              std::ref(ran));
        }
        co_return;
      });
    }
    if (!keeps_freed_memory) CHECK(resident_bytes() < before + some_memory);
  });
  CHECK(ran.load() == million / burst * long{burst});
}
