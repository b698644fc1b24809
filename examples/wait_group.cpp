// SPDX-License-Identifier: MIT
// The wait group that waits for all: five goroutines compute a square each, main waits for them.
#include <burrow/burrow.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <functional>

using namespace burrow;
using namespace std::chrono_literals;

// [wait_group]
task<> square(int n, int& result, wait_group& wg) {
  co_await sleep(1ms);  // hard work
  result = n * n;
  wg.done();
}

task<> main_goroutine() {
  wait_group wg;
  std::array<int, 5> squares{};
  int n = 0;
  for (int& result : squares) {
    wg.add(1);
    go(square, ++n, std::ref(result), std::ref(wg));
  }
  co_await wg.wait();
  for (int result : squares) std::printf("%d\n", result);
  std::puts("all five are done");
}
// [/wait_group]

int main() { return run(main_goroutine); }
