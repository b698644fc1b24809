// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: [sync.Once.Do]
// ids: ON3
// SPDX-License-Identifier: MIT
//
// ON3: a call from within the function that the once runs waits for itself.
#include <burrow/burrow.hpp>

int main() {
  return burrow::run([]() -> burrow::task<> {
    burrow::once o;
    co_await o.call([&o]() -> burrow::task<> { co_await o.call([] {}); });
  });
}
