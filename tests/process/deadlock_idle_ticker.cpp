// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// timeout: 20
// ids: DL5
// SPDX-License-Identifier: MIT
//
// DL5: a ticker that nobody waits for does not keep a program alive, and neither do stopped timers.
#include <burrow/burrow.hpp>

#include <chrono>

using namespace std::chrono_literals;

int main() {
  return burrow::run([]() -> burrow::task<> {
    burrow::ticker idle(1ms);
    burrow::timer stopped(1h);
    stopped.stop();
    burrow::timer prevented = burrow::after_func(1h, [] {});
    prevented.stop();
    auto c = burrow::make_chan<>();
    co_await c.recv();
  });
}
