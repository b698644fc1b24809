// SPDX-License-Identifier: MIT
// The concurrent prime sieve: a chain of filters, one goroutine a prime, that grows as it runs.
#include <burrow/burrow.hpp>

#include <cstdio>

using namespace burrow;

// [prime_sieve]
task<> generate(send_chan<int> out) {
  for (int n = 2;; ++n) co_await out.send(n);
}

task<> filter(recv_chan<int> in, send_chan<int> out, int prime) {
  for (;;) {
    auto n = co_await in.recv();
    if (*n % prime != 0) co_await out.send(*n);
  }
}

task<> main_goroutine() {
  auto c = make_chan<int>();
  go(generate, c);
  for (int i = 0; i < 15; ++i) {
    auto prime = co_await c.recv();
    std::printf("%d\n", *prime);
    auto next = make_chan<int>();
    go(filter, c, next, *prime);
    c = next;
  }
}  // the generator and the filters still wait: when main returns, `run` unwinds them
// [/prime_sieve]

int main() { return run(main_goroutine); }
