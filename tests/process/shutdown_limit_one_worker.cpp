// exit: 3
// stderr: 1 goroutine could not be unwound within the shutdown limit:
// stderr: [running]: loops
// not-stderr: older
// env: BURROW_PROCS=1
// SPDX-License-Identifier: MIT
//
// Rule 7: the limit holds where the only worker runs a goroutine that was told to end and comes to
// no await, so that main's goroutine has no turn.
#include <burrow/burrow.hpp>

#include <atomic>
#include <chrono>

using namespace burrow;
using namespace std::chrono_literals;

std::atomic<bool> never{false};

task<> loops(chan<> started) {
  this_goroutine::set_name("loops");
  co_await started.send();
  try {
    co_await make_chan<>().recv();
  } catch (const goroutine_exit&) {
    while (!never) {
    }
  }
}

task<> older(chan<> started) {
  this_goroutine::set_name("older");
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
