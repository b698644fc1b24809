// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 4 [chan receive]: left behind
// not-stderr: goroutine 1
// ids: G11 DL8
// env: BURROW_PROCS=1
// SPDX-License-Identifier: MIT
//
// DL8: what main has left behind is a deadlock like any other; main itself is gone.
#include <burrow/burrow.hpp>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    go([]() -> task<> {
      this_goroutine::set_name("left behind");
      co_await make_chan<>().recv();
    });
    this_goroutine::exit();
    co_return;
  });
}
