// exit: 3
// stderr: 2 goroutines could not be unwound within the shutdown limit:
// stderr: [in blocking()]: blocks
// stderr: [chan receive]: shielded
// env: BURROW_PROCS=2
// SPDX-License-Identifier: MIT
//
// Rule 7: whoever waits where abandonment does not reach is listed with what it waits for.
#include <burrow/burrow.hpp>

#include <chrono>
#include <thread>

using namespace burrow;
using namespace std::chrono_literals;

task<> blocks(chan<> started) {
  this_goroutine::set_name("blocks");
  co_await blocking([started] {
    started.send_blocking();
    std::this_thread::sleep_for(1h);
  });
}

task<> shielded(chan<> started) {
  this_goroutine::set_name("shielded");
  co_await under(without_cancel(this_goroutine::context()), [](chan<> c) -> task<> {
    co_await c.send();
    co_await make_chan<>().recv();
  }(started));
}

int main() {
  options opt;
  opt.shutdown_limit = 50ms;
  return run(opt, []() -> task<int> {
    auto started = make_chan<>();
    for (const auto f : {blocks, shielded}) {
      go(f, started);
      co_await started.recv();
    }
    co_return 3;
  });
}
