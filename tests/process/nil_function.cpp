// exit: 2
// stderr: fatal error: go of nil func value
// ids: G13
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    task<> (*nil)() = nullptr;
    go(nil);
    co_return;
  });
}
