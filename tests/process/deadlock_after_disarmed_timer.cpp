// exit: 2
// timeout: 20
// stderr: fatal error: all goroutines are asleep - deadlock!
// ids: DL4
// SPDX-License-Identifier: MIT
//
// DL4: a deadline that was called off keeps no worker awake: it parks, and the deadlock is found.
#include <burrow/burrow.hpp>

#include <chrono>

int main() {
  return burrow::run([]() -> burrow::task<> {
    {
      auto [ctx, cancel] = burrow::with_timeout(burrow::background(), std::chrono::hours(1));
    }
    auto c = burrow::make_chan<>();
    co_await c.recv();
  });
}
