// SPDX-License-Identifier: MIT
// A whole runtime, on the thread that calls run(): main returns while goroutines end, wait, and are
// started by a plain thread. run() returns when none is left, and all that were started have run or
// have been unwound. A report, or a process that ends because the shutdown limit has passed, is a
// failure.
#include "checker.hpp"
#include "seam.hpp"

#include <burrow/chan.hpp>
#include <burrow/go.hpp>
#include <burrow/run.hpp>

#include <memory>

using namespace burrow;

namespace {

constexpr detail::nanoseconds_t tick = 4'000;

options one_worker() {
  options o;
  o.workers = 1;
  o.deadlock = deadlock_report::never;
  return o;
}

/// Counts those that are there.
struct counted {
  int* count;
  explicit counted(int& c) : count(&c) { ++c; }
  counted(counted&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
  counted(const counted& other) : count(other.count) { ++*count; }
  counted& operator=(const counted&) = delete;
  ~counted() {
    if (count != nullptr) --*count;
  }
};

}  // namespace

/// Main returns while a plain thread sends to one of two goroutines; the other waits for ever.
MODEL(shutdown_goroutines_end, {.executions = 1'500, .random_runs = 500}) {
  const model::fresh_statics statics(1, tick);
  int there = 0;
  int status = 0;
  {
    auto c = make_chan<int>(1);
    auto nothing = make_chan<int>();
    model::thread("run", [&] {
      status = run(one_worker(), [&]() -> task<int> {
        go([](chan<int> from, counted) -> task<> { co_await from.recv(); }, c, counted(there));
        go([](chan<int> from, counted) -> task<> { co_await from.recv(); }, nothing,
           counted(there));
        co_return 7;
      });
    });
    model::thread("plain", [&] { c.try_send(1); });
    model::join();
  }
  model::check(status == 7, "main's result");
  model::check(there == 0, "both goroutines have gone");
}

/// A plain thread starts a goroutine as main returns: it is too late, or it runs or is unwound.
MODEL(shutdown_thread_starts, {.executions = 1'500, .random_runs = 500}) {
  const model::fresh_statics statics(1, tick);
  int there = 0;
  model::thread("run", [&] { run(one_worker(), []() -> task<int> { co_return 0; }); });
  model::thread("plain", [&] {
    try {
      go([](counted) -> task<> { co_return; }, counted(there));
    } catch (const std::logic_error&) {
      return;  // no runtime runs, or it is closed
    }
  });
  model::join();
  model::check(there == 0, "nothing is left of it");
}
