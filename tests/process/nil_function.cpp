// exit: 2
// stderr: fatal error: go of nil func value
// stderr: nil_function.cpp:28
// stderr: goroutine 1 [running]: main
// stderr: nil_function.cpp:32
// stderr: goroutine 4 [chan receive]: other
// not-stderr: :0
// not-stderr: goroutine 6
// ids: G13 PA4
// env: BURROW_PROCS=1
// SPDX-License-Identifier: MIT
//
// G13, PA4: the report names the place of the go(), and lists no goroutine that was not started.
#include <burrow/burrow.hpp>

using namespace burrow;

int main() {
  const auto body = []() -> task<> {
    this_goroutine::set_name("main");
    go([]() -> task<> {
      this_goroutine::set_name("other");
      co_await make_chan<>().recv();
    });
    co_await this_goroutine::yield();
    task<> (*const nil)() = nullptr;
    try {
      go(nil);
    } catch (...) {  // nothing to catch
    }
  };
  return run(body);
}
