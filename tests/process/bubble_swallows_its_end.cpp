// exit: 2
// stderr: has failed; BURROW_SEED=
// stderr: fatal error: a goroutine of a test's bubble was told to end, and catches that again
// SPDX-License-Identifier: MIT
//
// Nobody else has a turn, not even the one who would end the process at the shutdown limit.
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>

using namespace burrow;

int main() {
  synctest::test([]() -> task<> {
    go([]() -> task<> {
      auto never = make_chan<int>();
      for (;;) {
        try {
          co_await never.recv();
        } catch (...) {  // goroutine_exit
        }
      }
    });
    co_return;
  });
}
