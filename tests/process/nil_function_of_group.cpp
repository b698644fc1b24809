// exit: 2
// stderr: fatal error: go of nil func value
// stderr: nil_function_of_group.cpp:18
// not-stderr: :0
// ids: G13
// SPDX-License-Identifier: MIT
//
// G13: what is said of go() holds for what a group starts, and for an empty std::function.
#include <burrow/burrow.hpp>

#include <functional>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    co_await scope([](group& g) -> task<> {
      const auto d = g.async(std::function<task<int>()>());
      co_return;
    });
  });
}
