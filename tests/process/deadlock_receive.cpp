// exit: 2
// stdout: before
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: [chan receive]
// stderr: [sync.Mutex.Lock]: waiter
// stderr: deadlock_receive.cpp:23
// not-stderr: destroyed
// ids: DL1 DL2 DL7 DL10 PA4
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

#include <cstdio>

using namespace burrow;

struct loud {
  ~loud() { std::fputs("destroyed\n", stderr); }
};

task<> main_task(mutex& mu) {
  co_await mu.lock();
  go(
      [](mutex& m) -> task<> {
        this_goroutine::set_name("waiter");
        co_await m.lock();
      },
      std::ref(mu));
  const loud local;
  std::puts("before");
  co_await make_chan<int>().recv();
}

int main() {
  mutex mu;
  return run(main_task, std::ref(mu));
}
