// exit: SIGUSR1
// stdout: 10
// ids: SG2
// SPDX-License-Identifier: MIT
//
// SG2: a signal that nobody subscribes to any more does what it does by default.
#include <burrow/burrow.hpp>

#include <csignal>
#include <cstdio>

using namespace burrow;

int main() {
  auto c = make_chan<int>(1);
  signal::notify(c, {SIGUSR1});
  ::raise(SIGUSR1);
  std::printf("%d\n", *c.recv_blocking());
  std::fflush(stdout);
  signal::stop(c);
  ::raise(SIGUSR1);
}
