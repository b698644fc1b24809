// exit: 2
// stdout: the other ran on
// stderr: no goroutines (main called this_goroutine::exit) - deadlock!
// not-stderr: goroutine 1
// ids: G11 DL8
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

#include <cstdio>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    go([]() -> task<> {
      for (int i = 0; i < 100; ++i) co_await this_goroutine::yield();
      std::puts("the other ran on");
    });
    this_goroutine::exit();
    co_return;
  });
}
