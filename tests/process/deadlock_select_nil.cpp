// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: [select (no cases)]
// ids: DL1 DL7 DL10
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    chan<int> nil;
    co_await select(nil.recv(), nil.send(1));
  });
}
