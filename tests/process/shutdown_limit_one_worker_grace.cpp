// exit: 4
// stderr: 1 goroutine could not be unwound within the shutdown limit:
// stderr: [running]: cleans up for ever
// not-stderr: waits
// env: BURROW_PROCS=1
// SPDX-License-Identifier: MIT
//
// Rule 7: both limits hold where the only worker is taken during the grace already, by a goroutine
// that was never told to end.
#include <burrow/burrow.hpp>

#include <atomic>
#include <chrono>

using namespace burrow;
using namespace std::chrono_literals;

std::atomic<bool> never{false};

task<> cleans_up(context ctx, chan<> started) {
  this_goroutine::set_name("cleans up for ever");
  co_await started.send();
  co_await ctx.done();
  while (!never) {
  }
}

task<> waits(context, chan<> started) {
  this_goroutine::set_name("waits");
  co_await started.send();
  co_await make_chan<>().recv();
}

int main() {
  options opt;
  opt.shutdown_grace = 10ms;
  opt.shutdown_limit = 50ms;
  return run(opt, []() -> task<int> {
    auto started = make_chan<>();
    for (const auto f : {cleans_up, waits}) {
      go(f, this_goroutine::context(), started);
      co_await started.recv();
    }
    co_return 4;
  });
}
