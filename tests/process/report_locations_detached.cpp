// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: report_locations_detached.cpp:25
// stderr: report_locations_detached.cpp:29
// stderr: report_locations_detached.cpp:30
// stderr: report_locations_detached.cpp:31
// stderr: report_locations_detached.cpp:33
// stderr: report_locations_detached.cpp:35
// not-stderr: .hpp:
// not-stderr: plain_call
// ids: DL1 DL10
// SPDX-License-Identifier: MIT
//
// DL1: the report names the line of the caller: of run(), go(), wait_group::go() and after_func().
#include <burrow/burrow.hpp>

#include <chrono>

using namespace burrow;
using namespace std::chrono_literals;

task<> stay(recv_chan<> never) { co_await never.recv(); }

int main() {
  return run([]() -> task<> {
    auto never = make_chan<>();
    auto fired = make_chan<>();
    wait_group wg;
    go(stay, never);
    go(background(), stay, never);
    wg.go(stay, never);
    auto [ctx, cancel] = with_cancel(background());
    const auto stop = after_func(ctx, [=] { return stay(never); });
    cancel();
    const timer later = after_func(0ms, [=]() -> task<> {
      co_await fired.send();
      co_await stay(never);
    });
    co_await fired.recv();
    co_await wg.wait();
  });
}
