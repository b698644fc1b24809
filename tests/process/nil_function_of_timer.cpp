// exit: 2
// stderr: fatal error: go of nil func value
// stderr: nil_function_of_timer.cpp:21
// stderr: [chan receive]
// not-stderr: [running]
// ids: G13
// SPDX-License-Identifier: MIT
//
// G13: a timer without a function is found out when it starts one, and by no goroutine.
#include <burrow/burrow.hpp>

#include <chrono>
#include <functional>

using namespace burrow;
using namespace std::chrono_literals;

int main() {
  return run([]() -> task<> {
    const std::function<void()> nil;
    const timer later = after_func(1ms, nil);
    co_await make_chan<>().recv();
  });
}
