// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: [select]: nil cases
// stderr: [select (no cases)]: no cases
// ids: DL1 DL7 DL10
// env: BURROW_PROCS=1
// SPDX-License-Identifier: MIT
//
// DL10: a select whose cases are never ready has cases all the same.
#include <burrow/burrow.hpp>

#include <span>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    this_goroutine::set_name("nil cases");
    go([]() -> task<> {
      this_goroutine::set_name("no cases");
      co_await select(std::span<select_case>());
    });
    chan<int> nil;
    co_await select(nil.recv(), nil.send(1));
  });
}
