// exit: 2
// stderr: fatal error: a channel, timer or Context of a test's bubble was used from outside of it
// ids: ST13
// SPDX-License-Identifier: MIT
//
// ST13: a channel that was made in a bubble is used by a plain thread.
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>

#include <thread>

using namespace burrow;

int main() {
  synctest::test([]() -> task<> {
    auto inside = make_chan<int>(1);
    std::thread([inside]() mutable { inside.try_send(1); }).join();
    co_return;
  });
}
