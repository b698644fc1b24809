// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// ids: DL6
// SPDX-License-Identifier: MIT
//
// DL6: the report is made again once no signal is left for which there is a subscription.
#include <burrow/burrow.hpp>

#include <csignal>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    auto c = make_chan<int>(1);
    signal::notify(c, {SIGUSR1, SIGUSR2});
    auto [ctx, stop] = signal::notify_context(background(), {SIGUSR2});
    signal::ignore({SIGUSR1});
    signal::reset({SIGUSR2});
    co_await c.recv();
  });
}
