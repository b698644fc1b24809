// SPDX-License-Identifier: MIT
// A goroutine stopped through its Context: stop_channel.cpp, with `cancel` in place of the channel.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>

using namespace burrow;
using namespace std::chrono_literals;

// [stop_context]
task<> monitor(context ctx, send_chan<> at_work, send_chan<> stopped) {
  for (int looks = 0;; ++looks) {
    switch (co_await select(ctx.done(), otherwise)) {
      case 0:
        std::printf("monitor: %s, stopping\n", ctx.err().message().c_str());
        co_await stopped.send();
        co_return;
      default:  // the Context lives
        if (looks == 0) co_await at_work.send();
        co_await sleep(1ms);  // the work; the end of the Context cuts it short
    }
  }
}

task<> main_goroutine() {
  auto [ctx, cancel] = with_cancel(background());
  auto at_work = make_chan<>();
  auto stopped = make_chan<>();
  go(monitor, ctx, at_work, stopped);

  co_await at_work.recv();
  std::puts("main: the monitor is at work");
  std::puts("main: stop, please");
  cancel();
  co_await stopped.recv();
  std::puts("main: the monitor has stopped");
}
// [/stop_context]

int main() { return run(main_goroutine); }
