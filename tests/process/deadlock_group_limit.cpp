// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: [group slot]: body
// stderr: [chan receive]: active
// stderr: [group slot]:
// ids: DL1 DL7 DL10 EG7
// env: BURROW_PROCS=1
// SPDX-License-Identifier: MIT
//
// DL10: a child that the group keeps for later is not runnable: it waits for a slot, as who asks
// for one does.
#include <burrow/burrow.hpp>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    co_await scope([](group& g) -> task<> {
      this_goroutine::set_name("body");
      g.limit(1);
      g.go([]() -> task<> {
        this_goroutine::set_name("active");
        co_await make_chan<>().recv();
      });
      g.go([]() -> task<> { co_return; });
      co_await g.slot();
    });
  });
}
