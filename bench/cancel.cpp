// SPDX-License-Identifier: MIT
//
// How fast a cancellation reaches what it should stop: n goroutines are parked in a select of
// ctx.done() and a channel; from cancel() to the first of them resumed, and to the last.
#include "harness.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>

using namespace burrow;

namespace bench {
namespace {

struct latency {
  double first_us;
  double last_us;
};

/// What the goroutines of one trial share.
struct trial {
  context ctx;
  std::int64_t n;
  chan<int> never = make_chan<int>();
  chan<> done = make_chan<>();
  std::atomic<std::int64_t> ready = 0;
  std::atomic<std::int64_t> resumed = 0;
  std::atomic<bool> first_known = false;
  steady::time_point first{};
  steady::time_point last{};

  void count_resumed() {
    std::int64_t k = ++resumed;
    if (k == 1) {
      first = steady::now();
      first_known = true;
    }
    if (k == n) {
      last = steady::now();
      chan<> end = done;  // the trial may be gone as soon as this is closed
      end.close();
    }
  }
};

void start_waiters(trial& t, bool own) {
  for (std::int64_t i = 0; i < t.n; ++i) {
    if (own) {
      go([&t]() -> task<> {
        auto [ctx, cancel] = with_cancel(t.ctx);
        ++t.ready;
        co_await select(ctx.done(), t.never.recv());
        t.count_resumed();
      });
    } else {
      go([&t]() -> task<> {
        ++t.ready;
        co_await select(t.ctx.done(), t.never.recv());
        t.count_resumed();
      });
    }
  }
}

/// own: every goroutine has its own child of the cancelled Context; otherwise all share one.
task<latency> cancel_trial(int n, bool own) {
  auto [ctx, cancel] = with_cancel(background());
  trial t{.ctx = ctx, .n = n};
  start_waiters(t, own);
  while (t.ready != n) co_await sleep(std::chrono::microseconds(100));
  co_await sleep(std::chrono::microseconds(200 + n / 50));  // let the last ones park
  auto start = steady::now();
  cancel();
  co_await t.done.recv();
  while (!t.first_known) co_await this_goroutine::yield();  // who came first may write it late
  auto since = [start](steady::time_point end) {
    return std::chrono::duration<double, std::micro>(end - start).count();
  };
  co_return latency{since(t.first), since(t.last)};
}

const char* name_of(bool own) { return own ? "own" : "shared"; }

task<> measure(bool own, int n, int trials) {
  std::vector<double> first50, first99, last50, last99;
  for (int r = 0; r < config().reps; ++r) {
    std::vector<double> firsts, lasts;
    for (int i = 0; i < trials; ++i) {
      latency measured = co_await cancel_trial(n, own);
      firsts.push_back(measured.first_us);
      lasts.push_back(measured.last_us);
    }
    std::ranges::sort(firsts);
    std::ranges::sort(lasts);
    first50.push_back(percentile(firsts, 0.50));
    first99.push_back(percentile(firsts, 0.99));
    last50.push_back(percentile(lasts, 0.50));
    last99.push_back(percentile(lasts, 0.99));
  }
  std::string name = std::string("cancel_") + name_of(own) + "_" + std::to_string(n) + "_";
  report(name + "first.p50", first50, "us");
  report(name + "first.p99", first99, "us");
  report(name + "last.p50", last50, "us");
  report(name + "last.p99", last99, "us");
}

/// Lines "shared|own n first_us last_us", one a trial, for the picture of the distributions. The
/// trials of a size end with their number or after two seconds, so that a demo stays short.
task<> write_samples(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  check(file != nullptr, "the file for the samples can be written");
  struct size {
    int n;
    int trials;
  };
  for (bool own : {false, true}) {
    for (size s :
         {size{1, 300}, {10, 300}, {100, 200}, {1'000, 100}, {10'000, 50}, {100'000, 12}}) {
      stopwatch watch;
      for (int i = 0; i < s.trials && (i < 3 || watch.ms() < 2000); ++i) {
        latency measured = co_await cancel_trial(s.n, own);
        std::fprintf(file, "%s %d %.3f %.3f\n", name_of(own), s.n, measured.first_us,
                     measured.last_us);
      }
    }
  }
  std::fclose(file);
}

}  // namespace

task<> cancellation() {
  if (!config().samples.empty()) {
    co_await write_samples(config().samples);
    co_return;
  }
  for (bool own : {false, true}) {
    co_await measure(own, 1, 500);
    co_await measure(own, 100, 200);
    co_await measure(own, 10'000, 100);
    co_await measure(own, 100'000, 20);
  }
}

}  // namespace bench
