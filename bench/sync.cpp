// SPDX-License-Identifier: MIT
//
// Locks and wait groups: alone, shared by four goroutines, and waking many.
#include "harness.hpp"

#include <atomic>

using namespace burrow;
using namespace std::chrono_literals;

namespace bench {
namespace {

constexpr int million = 1'000'000;

/// Starts four goroutines that run `body` and waits for them.
template <class F>
task<> in_four(F body) {
  wait_group wg;
  for (int g = 0; g < 4; ++g) {
    wg.add(1);
    go([&]() -> task<> {
      co_await body();
      wg.done();
    });
  }
  co_await wg.wait();
}

task<double> shared_mutex() {
  mutex mu;
  int x = 0;
  stopwatch watch;
  co_await in_four([&]() -> task<> {
    for (int i = 0; i < million; ++i) {
      co_await mu.lock();
      ++x;
      mu.unlock();
    }
  });
  double value = watch.ns_per(4 * million);
  check(x == 4 * million, "mutex");
  co_return value;
}

// The holder yields, so that the lock is really contended.
task<double> contended_mutex() {
  constexpr int n = 100'000;
  mutex mu;
  int x = 0;
  stopwatch watch;
  co_await in_four([&]() -> task<> {
    for (int i = 0; i < n; ++i) {
      co_await mu.lock();
      ++x;
      co_await this_goroutine::yield();
      mu.unlock();
    }
  });
  double value = watch.ns_per(4 * n);
  check(x == 4 * n, "mutex");
  co_return value;
}

task<double> uncontended_mutex() {
  constexpr int n = 50'000'000;
  mutex mu;
  stopwatch watch;
  for (int i = 0; i < n; ++i) {
    co_await mu.lock();
    mu.unlock();
  }
  co_return watch.ns_per(n);
}

task<double> shared_read_lock() {
  rw_mutex mu;
  stopwatch watch;
  co_await in_four([&]() -> task<> {
    for (int i = 0; i < million; ++i) {
      co_await mu.rlock();
      mu.runlock();
    }
  });
  co_return watch.ns_per(4 * million);
}

task<double> add_and_done() {
  constexpr int n = 20'000'000;
  wait_group wg;
  stopwatch watch;
  for (int i = 0; i < n; ++i) {
    wg.add(1);
    wg.done();
  }
  co_return watch.ns_per(n);
}

task<double> shared_add_and_done() {
  wait_group wg;
  stopwatch watch;
  co_await in_four([&]() -> task<> {
    for (int i = 0; i < million; ++i) {
      wg.add(1);
      wg.done();
    }
    co_return;
  });
  co_return watch.ns_per(4 * million);
}

task<double> wake_many() {
  constexpr int waiters = 10'000;
  wait_group gate;
  wait_group ended;
  std::atomic<int> ready = 0;
  gate.add(1);
  ended.add(waiters);
  for (int i = 0; i < waiters; ++i) {
    go([&]() -> task<> {
      ++ready;
      co_await gate.wait();
      ended.done();
    });
  }
  while (ready != waiters) co_await sleep(100us);
  co_await sleep(1ms);
  stopwatch watch;
  gate.done();
  co_await ended.wait();
  co_return watch.ns_per(waiters);
}

}  // namespace

task<> sync() {
  co_await repeat("mutex_4tasks_1m_each", "ns/lock", shared_mutex);
  co_await repeat("mutex_4tasks_yield_inside", "ns/lock", contended_mutex);
  co_await repeat("mutex_uncontended", "ns/lock", uncontended_mutex);
  co_await repeat("rwmutex_rlock_4tasks", "ns/rlock", shared_read_lock);
  co_await repeat("waitgroup_add_done", "ns", add_and_done);
  co_await repeat("waitgroup_add_done_4tasks", "ns", shared_add_and_done);
  co_await repeat("waitgroup_wake_10k_waiters", "ns/waiter", wake_many);
}

}  // namespace bench
