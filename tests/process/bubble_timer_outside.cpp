// exit: 2
// stderr: fatal error: a channel, timer or Context of a test's bubble was used from outside of it
// ids: ST13
// SPDX-License-Identifier: MIT
//
// ST13: a timer that was made in a bubble is reset by a goroutine of a runtime.
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>

#include <thread>

using namespace burrow;
using namespace std::chrono_literals;

int main() {
  synctest::test([]() -> task<> {
    timer inside(1h);
    std::thread([&inside] {
      run([&inside]() -> task<> {
        inside.reset(1s);
        co_return;
      });
    }).join();
    co_return;
  });
}
