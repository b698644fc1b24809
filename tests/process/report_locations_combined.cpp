// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: report_locations_combined.cpp:24
// stderr: report_locations_combined.cpp:24
// stderr: report_locations_combined.cpp:25
// stderr: report_locations_combined.cpp:25
// stderr: report_locations_combined.cpp:25
// stderr: report_locations_combined.cpp:26
// not-stderr: .hpp:
// not-stderr: started at :
// ids: DL1 DL10
// SPDX-License-Identifier: MIT
//
// DL1: the report names the line of the caller of all(), any() and race(); where it is not known,
// with more tasks or arguments than there are overloads for, it names none.
#include <burrow/burrow.hpp>

using namespace burrow;

task<> stay(recv_chan<> never) { co_await never.recv(); }
task<> stay_with(recv_chan<> never, int, int, int, int) { co_await never.recv(); }

task<> run_combined(recv_chan<> never) {
  const auto of_all = [never]() -> task<> { co_await all(stay(never), stay(never)); };
  const auto of_any = [never]() -> task<> { co_await any(stay(never), stay(never), stay(never)); };
  const auto of_race = [never]() -> task<> { co_await race(stay(never)); };
  const auto of_many = [never]() -> task<> {
    co_await all(stay(never), stay(never), stay(never), stay(never), stay(never));
  };
  co_await scope([&](group& g) -> task<> {
    g.go(of_all);
    g.go(of_any);
    g.go(of_race);
    g.go(of_many);
    const auto d = g.async(stay_with, never, 1, 2, 3, 4);
    co_await g.wait();
  });
}

int main() {
  options opt;
  opt.workers = 1;
  return run(opt, run_combined, make_chan<>());
}
