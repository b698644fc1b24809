// SPDX-License-Identifier: MIT
//
// Starting goroutines, waiting for them, and taking turns.
#include "harness.hpp"

using namespace burrow;

namespace bench {

task<> spawn() {
  co_await repeat("spawn_1m_waitgroup", "ns/task", []() -> task<double> {
    constexpr int n = 1'000'000;
    wait_group wg;
    stopwatch watch;
    for (int i = 0; i < n; ++i) {
      wg.add(1);
      go([&wg]() -> task<> {
        wg.done();
        co_return;
      });
    }
    co_await wg.wait();
    co_return watch.ns_per(n);
  });
  co_await repeat("spawn_join_one", "ns/task",
                  []() -> task<double> {  // spawn, wait, spawn, wait...
                    constexpr int n = 300'000;
                    wait_group wg;
                    stopwatch watch;
                    for (int i = 0; i < n; ++i) {
                      wg.add(1);
                      go([&wg]() -> task<> {
                        wg.done();
                        co_return;
                      });
                      co_await wg.wait();
                    }
                    co_return watch.ns_per(n);
                  });
}

task<> yield() {
  constexpr int n = 5'000'000;
  co_await repeat("yield_1task", "ns", []() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < n; ++i) co_await this_goroutine::yield();
    co_return watch.ns_per(n);
  });
  co_await repeat("yield_1000tasks", "ns", []() -> task<double> {
    constexpr int goroutines = 1000;
    wait_group wg;
    stopwatch watch;
    for (int g = 0; g < goroutines; ++g) {
      wg.add(1);
      go([&wg]() -> task<> {
        for (int i = 0; i < n / goroutines; ++i) co_await this_goroutine::yield();
        wg.done();
      });
    }
    co_await wg.wait();
    co_return watch.ns_per(n);
  });
}

}  // namespace bench
