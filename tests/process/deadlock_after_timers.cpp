// exit: 2
// stdout: slept
// stdout: called
// stdout: received
// stderr: fatal error: all goroutines are asleep - deadlock!
// ids: DL4
// SPDX-License-Identifier: MIT
//
// DL4: sleepers, pending calls and goroutines that wait for a timer put the report off until they
// are through.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

int main() {
  return burrow::run([]() -> burrow::task<> {
    burrow::go([]() -> burrow::task<> {
      co_await burrow::sleep(5ms);
      std::puts("slept");
      burrow::after_func(5ms, []() -> burrow::task<> {
        std::puts("called");
        burrow::timer t(5ms);
        co_await t.recv();
        std::puts("received");
      });
    });
    auto c = burrow::make_chan<>();
    co_await c.recv();
  });
}
