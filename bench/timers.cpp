// SPDX-License-Identifier: MIT
//
// Time: a million sleepers, making and stopping timers, and how late a sleep ends.
#include "harness.hpp"

#include <random>

using namespace burrow;
using namespace std::chrono_literals;

namespace bench {
namespace {

constexpr int sleepers = 1'000'000;
constexpr int made = 2'000'000;

task<> million_sleeps() {
  std::vector<double> total;
  std::vector<double> cpu;
  for (int r = 0; r < config().reps; ++r) {
    std::mt19937_64 random(42);
    std::uniform_int_distribution<std::int64_t> up_to_a_second(0, 999'999'999);
    double cpu_before = cpu_ms();
    stopwatch watch;
    wait_group wg;
    wg.add(sleepers);
    for (int i = 0; i < sleepers; ++i) {
      std::chrono::nanoseconds d(up_to_a_second(random));
      go([&wg, d]() -> task<> {
        co_await sleep(d);
        wg.done();
      });
    }
    co_await wg.wait();
    total.push_back(watch.ms());
    cpu.push_back(cpu_ms() - cpu_before);
  }
  report("sleep_1m_random_0_1s_total", total, "ms");
  report("sleep_1m_random_0_1s_cpu", cpu, "ms");
}

task<> make_and_stop() {
  co_await repeat("timer_new_stop", "ns", []() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < made; ++i) timer(1h).stop();
    co_return watch.ns_per(made);
  });
  co_await repeat("timer_afterfunc_stop", "ns", []() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < made; ++i) after_func(1h, [] {}).stop();
    co_return watch.ns_per(made);
  });
  co_await repeat("timer_100k_pending_new_stop", "ns", []() -> task<double> {
    std::vector<timer> held;
    held.reserve(100'000);
    for (int i = 0; i < 100'000; ++i) held.emplace_back(1h + std::chrono::milliseconds(i));
    stopwatch watch;
    for (int i = 0; i < made; ++i) timer(2h).stop();
    double value = watch.ns_per(made);
    for (timer& t : held) t.stop();
    co_return value;
  });
}

task<> lateness() {
  std::vector<std::vector<double>> repetitions;
  for (int r = 0; r < config().reps; ++r) {
    std::vector<double> samples;
    for (int i = 0; i < 1000; ++i) {
      stopwatch watch;
      co_await sleep(1ms);
      samples.push_back(watch.us() - 1000);
    }
    repetitions.push_back(std::move(samples));
  }
  report_samples("sleep_1ms_lateness", std::move(repetitions), "us");
}

}  // namespace

task<> timers() {
  co_await million_sleeps();
  co_await make_and_stop();
  co_await lateness();
}

}  // namespace bench
