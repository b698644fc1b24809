// exit: 3
// stderr: 1 goroutine could not be unwound within the shutdown limit:
// stderr: [running]: loops
// not-stderr: older
// env: BURROW_PROCS=2
// SPDX-License-Identifier: MIT
//
// Rule 7: a goroutine that is older than one that cannot be unwound is not to blame, and keeps its
// locals, which the newer one may use, to the end of the process.
#include <burrow/burrow.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>

using namespace burrow;
using namespace std::chrono_literals;

std::atomic<bool> never{false};

task<> loops(chan<> started) {
  this_goroutine::set_name("loops");
  co_await started.send();
  while (!never) {
  }
}

task<> older(chan<> started) {
  this_goroutine::set_name("older");
  struct loud {
    ~loud() { std::fputs("the older one was unwound\n", stderr); }
  } const local;
  co_await started.send();
  co_await make_chan<>().recv();
}

int main() {
  options opt;
  opt.shutdown_limit = 50ms;
  return run(opt, []() -> task<int> {
    auto started = make_chan<>();
    for (const auto f : {older, loops}) {
      go(f, started);
      co_await started.recv();
    }
    co_return 3;
  });
}
