// exit: SIGUSR1
// ids: SG2
// SPDX-License-Identifier: MIT
//
// SG2: the program saves burrow's handler and puts it back when nobody subscribes any more. The
// signal is not swallowed, nor raised for ever.
#include <burrow/burrow.hpp>

#include <csignal>

using namespace burrow;

int main() {
  auto c = make_chan<int>(1);
  signal::notify(c, {SIGUSR1});
  const auto saved = std::signal(SIGUSR1, SIG_IGN);
  signal::stop(c);
  std::signal(SIGUSR1, saved);
  ::raise(SIGUSR1);
}
