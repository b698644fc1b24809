// SPDX-License-Identifier: MIT
//
// The program of both consumer projects here.
#include <burrow/burrow.hpp>

#include <cstdio>

burrow::task<int> answer(burrow::chan<int> numbers) {
  int sum = 0;
  while (auto n = co_await numbers.recv()) sum += *n;
  co_return sum;
}

burrow::task<int> program() {
  auto numbers = burrow::make_chan<int>();
  burrow::go(
      [](burrow::chan<int> out) -> burrow::task<> {
        for (int n = 1; n <= 10; ++n) co_await out.send(n);
        out.close();
      },
      numbers);
  int sum = co_await answer(numbers);
  std::printf("%d\n", sum);
  co_return sum == 55 ? 0 : 1;
}

int main() { return burrow::run(program); }
