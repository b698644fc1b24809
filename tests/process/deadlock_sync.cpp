// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// ids: DL7
// SPDX-License-Identifier: MIT
//
// DL7: goroutines that wait for locks, conditions, semaphores and each other are a deadlock.
#include <burrow/burrow.hpp>

int main() {
  return burrow::run([]() -> burrow::task<> {
    burrow::mutex mu;
    burrow::rw_mutex rw;
    burrow::cond cv(mu);
    burrow::semaphore sem(1);
    burrow::wait_group wg;
    co_await rw.lock();
    co_await sem.acquire();
    wg.go([&]() -> burrow::task<> {
      co_await mu.lock();
      co_await cv.wait();
    });
    wg.go([&]() -> burrow::task<> { co_await rw.rlock(); });
    wg.go([&]() -> burrow::task<> { co_await rw.lock(); });
    wg.go([&]() -> burrow::task<> { co_await sem.acquire(); });
    wg.go([&]() -> burrow::task<> { co_await sem.acquire(2); });
    co_await wg.wait();
  });
}
