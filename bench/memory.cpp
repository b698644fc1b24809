// SPDX-License-Identifier: MIT
//
// What a parked goroutine takes: a million of them in a receive, or in a select with ctx.done().
// Runs in a process of its own, so that the memory of other benchmarks is not counted.
#include "harness.hpp"

using namespace burrow;
using namespace std::chrono_literals;

namespace bench {
namespace {

constexpr int parked = 1'000'000;

struct crowd {
  chan<int> ch = make_chan<int>();
  context ctx = background();
  wait_group ready;
  wait_group ended;
};

/// `start` starts one goroutine of the crowd.
template <class F>
task<> park(std::string name, crowd& c, F start) {
  c.ready.add(parked);
  c.ended.add(parked);
  std::int64_t before = rss_bytes();
  stopwatch spawning;
  for (int i = 0; i < parked; ++i) start(c);
  co_await c.ready.wait();
  co_await sleep(300ms);
  double spawn_ns = spawning.ns() - 300e6;
  emit(name, static_cast<double>(rss_bytes() - before) / parked, "bytes");
  emit(name + "_spawn_park", spawn_ns / parked, "ns/task");
  stopwatch waking;
  c.ch.close();
  co_await c.ended.wait();
  emit(name + "_wake_exit", waking.ns_per(parked), "ns/task");
}

}  // namespace

task<> memory() {
  crowd c;
  if (config().memory == "select") {
    auto [ctx, cancel] = with_cancel(background());
    c.ctx = ctx;
    co_await park("mem_per_parked_select_ctx", c, [](crowd& shared) {
      go([&shared]() -> task<> {
        shared.ready.done();
        co_await select(shared.ch.recv(), shared.ctx.done());
        shared.ended.done();
      });
    });
  } else {
    co_await park("mem_per_parked_recv", c, [](crowd& shared) {
      go([&shared]() -> task<> {
        shared.ready.done();
        co_await shared.ch.recv();
        shared.ended.done();
      });
    });
  }
}

}  // namespace bench
