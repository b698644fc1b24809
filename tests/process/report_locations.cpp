// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: report_locations.cpp:34
// stderr: report_locations.cpp:22
// stderr: report_locations.cpp:23
// stderr: report_locations.cpp:24
// stderr: report_locations.cpp:25
// stderr: report_locations.cpp:26
// not-stderr: .hpp:
// ids: DL1 DL10
// SPDX-License-Identifier: MIT
//
// DL1: the report names the line of the caller: of run(), of scope(), and of what a group starts.
#include <burrow/burrow.hpp>

using namespace burrow;

task<> stay(recv_chan<> never) { co_await never.recv(); }

task<> start_all(int) {
  auto never = make_chan<>();
  co_await scope([&](group& g) -> task<> {
    const auto first = g.async([never] { return stay(never); });
    const auto second = g.async(stay, never);
    g.go(stay, never);
    g.try_go(stay, never);
    co_await g.wait();
  });
}

int main() {
  options opt;
  opt.workers = 1;
  return run(opt, start_all, 1);
}
