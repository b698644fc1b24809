// exit: 2
// stderr: fatal error: a channel, timer or Context of a test's bubble was used from outside of it
// ids: ST13
// SPDX-License-Identifier: MIT
//
// ST13: a channel of one bubble is closed in another.
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>

using namespace burrow;

int main() {
  chan<int> kept;
  synctest::test([&kept]() -> task<> {
    kept = make_chan<int>(1);
    co_return;
  });
  synctest::test([&kept]() -> task<> {
    kept.close();
    co_return;
  });
}
