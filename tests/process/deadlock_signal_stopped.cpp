// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// ids: DL6
// SPDX-License-Identifier: MIT
//
// DL6: the report is made again once nobody subscribes to a signal any more (Go's is not).
#include <burrow/burrow.hpp>

#include <csignal>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1});
    stop();
    co_await make_chan<>().recv();
  });
}
