// exit: 0
// stdout: woken
// not-stderr: deadlock
// ids: DL3 DL4
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>

using namespace burrow;
using namespace std::chrono_literals;

int main() {
  return run([]() -> task<> {
    auto c = make_chan<>();
    timer later = after_func(50ms, [c] { c.close(); });
    co_await c.recv();
    std::puts("woken");
  });
}
