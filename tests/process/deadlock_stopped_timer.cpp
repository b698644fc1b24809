// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: select
// ids: DL4
// SPDX-License-Identifier: MIT
//
// A timer that was stopped is no hope: who waits for it is in a deadlock, and no worker looks at it
// again and again.
#include <burrow/burrow.hpp>
#include <chrono>

using namespace burrow;

int main() {
  run([]() -> task<> {
    auto never = timer(std::chrono::hours(1));
    go([never]() mutable -> task<> {
      co_await sleep(std::chrono::milliseconds(1));
      never.stop();
    });
    co_await select(never.recv(), make_chan<int>().recv());
  });
}
