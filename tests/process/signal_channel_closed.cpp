// exit: 2
// stderr: fatal error: signal: send on closed channel
// ids: SG1
// SPDX-License-Identifier: MIT
//
// SG1: a channel is closed while it is subscribed, and the signal comes: as Go, which panics.
#include <burrow/burrow.hpp>

#include <csignal>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    auto c = make_chan<int>(1);
    signal::notify(c, {SIGUSR1});
    c.close();
    ::raise(SIGUSR1);
    co_await make_chan<>().recv();
  });
}
