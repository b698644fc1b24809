// exit: 7
// stderr: could not be unwound within the shutdown limit
// stderr: stubborn
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

#include <chrono>
#include <thread>

using namespace burrow;
using namespace std::chrono_literals;

int main() {
  options opt;
  opt.workers = 2;
  opt.shutdown_limit = 50ms;
  return run(opt, []() -> task<int> {
    auto started = make_chan<>();
    go(
        [](chan<> s) -> task<> {
          this_goroutine::set_name("stubborn");
          co_await s.send();
          co_await blocking([] { std::this_thread::sleep_for(1h); });
        },
        started);
    co_await started.recv();
    co_await this_goroutine::yield();
    co_return 7;
  });
}
