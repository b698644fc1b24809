// exit: 0
// stdout: 14
// not-stderr: deadlock
// ids: DL6
// SPDX-License-Identifier: MIT
//
// DL6: a channel that is subscribed to a signal has somebody who may send to it: the kernel.
#include <burrow/burrow.hpp>

#include <csignal>
#include <cstdio>
#include <sys/time.h>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    auto c = make_chan<int>(1);
    signal::notify(c, {SIGALRM});
    const itimerval soon = {{0, 0}, {0, 200'000}};
    ::setitimer(ITIMER_REAL, &soon, nullptr);
    const auto number = co_await c.recv();
    std::printf("%d\n", *number);
  });
}
