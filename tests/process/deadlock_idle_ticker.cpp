// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// ids: DL5
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

#include <chrono>

using namespace burrow;
using namespace std::chrono_literals;

int main() {
  return run([]() -> task<> {
    ticker nobody_reads(1ms);
    co_await make_chan<int>().recv();
  });
}
