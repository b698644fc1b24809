// exit: 2
// stderr: fatal error: sync: unlock of unlocked mutex
// stderr: [running]: culprit
// stderr: goroutine 1 [sync.WaitGroup.Wait]: main
// stderr: [chan send (nil chan)]: waits
// stderr: [runnable]: ready
// ids: MU2 PA4 DL10
// env: BURROW_PROCS=1
// SPDX-License-Identifier: MIT
//
// PA4: the goroutine that is at fault comes first, as running; what it would have caught or
// unwound does not matter. The others follow from the oldest to the newest.
#include <burrow/burrow.hpp>

using namespace burrow;

task<> waits() {
  this_goroutine::set_name("waits");
  co_await chan<int>().send(1);
}

task<> ready() {
  this_goroutine::set_name("ready");
  for (;;) co_await this_goroutine::yield();
}

task<> culprit(mutex& mu) {
  this_goroutine::set_name("culprit");
  for (int i = 0; i < 3; ++i) co_await this_goroutine::yield();  // until the others are there
  try {
    mu.unlock();
  } catch (...) {
  }
}

int main() {
  return run([]() -> task<> {
    this_goroutine::set_name("main");
    mutex mu;
    wait_group wg;
    wg.go(waits);
    wg.go(ready);
    wg.go(culprit, std::ref(mu));
    co_await wg.wait();
  });
}
