// SPDX-License-Identifier: MIT
// A goroutine stopped through a stop channel: it looks at the channel, and works when nothing is
// there.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>

using namespace burrow;
using namespace std::chrono_literals;

// [stop_channel]
task<> monitor(recv_chan<> stop, send_chan<> at_work, send_chan<> stopped) {
  for (int looks = 0;; ++looks) {
    switch (co_await select(stop.recv(), otherwise)) {
      case 0:
        std::puts("monitor: told to stop, stopping");
        co_await stopped.send();
        co_return;
      default:  // `otherwise`: nobody says stop
        if (looks == 0) co_await at_work.send();
        co_await sleep(1ms);  // the work
    }
  }
}

task<> main_goroutine() {
  auto stop = make_chan<>();
  auto at_work = make_chan<>();
  auto stopped = make_chan<>();
  go(monitor, stop, at_work, stopped);

  co_await at_work.recv();
  std::puts("main: the monitor is at work");
  std::puts("main: stop, please");
  co_await stop.send();
  co_await stopped.recv();
  std::puts("main: the monitor has stopped");
}
// [/stop_channel]

int main() { return run(main_goroutine); }
