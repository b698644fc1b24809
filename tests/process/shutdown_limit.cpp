// exit: 7
// stderr: 1 goroutine could not be unwound within the shutdown limit:
// stderr: [in blocking()]: stubborn
// stderr: shutdown_limit.cpp:33
// not-stderr: main's own
// not-stderr: [join]
// not-stderr: group slot
// env: BURROW_PROCS=2
// SPDX-License-Identifier: MIT
//
// Rule 7: the report lists who holds up the end: not main, which has ended, and not who waits for
// it to end.
#include <burrow/burrow.hpp>

#include <chrono>
#include <thread>

using namespace burrow;
using namespace std::chrono_literals;

task<> stubborn(chan<> started) {
  this_goroutine::set_name("stubborn");
  co_await blocking([started] {
    started.send_blocking();
    std::this_thread::sleep_for(1h);
  });
}

task<> joins(chan<> started) {
  this_goroutine::set_name("joins");
  co_await scope([=](group& g) -> task<> {
    g.limit(1);
    g.go(stubborn, started);
    g.go(stubborn, started);  // kept for later; does not begin
    co_return;
  });
}

int main() {
  options opt;
  opt.shutdown_limit = 50ms;
  return run(opt, []() -> task<int> {
    this_goroutine::set_name("main's own");
    auto started = make_chan<>();
    go(joins, started);
    co_await started.recv();
    co_return 7;
  });
}
