// SPDX-License-Identifier: MIT
// Goroutines without coroutines, and a scheduler whose workers are threads of the model: for models
// of what happens below the first frame.
#pragma once

#include "checker.hpp"
#include "seam.hpp"

#include <burrow/detail/scheduler.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace model {

using namespace burrow::detail;

/// `body` runs in its only turn.
struct job : goroutine {
  std::function<void()> body;
  int runs = 0;

  job(worker& home_of_it, std::function<void()> what) : body(std::move(what)) {
    home = &home_of_it;
    type = &type_of_jobs;
  }
  static std::coroutine_handle<> start(goroutine& g) noexcept {
    auto& self = static_cast<job&>(g);
    ++self.runs;
    self.body();
    return {};
  }
  static void finish(goroutine&) noexcept {}
  static constexpr goroutine_type type_of_jobs = {&start, &finish};
};

inline burrow::options options_for(int workers) {
  burrow::options o;
  o.workers = workers;
  return o;
}

struct scheduler_under_test {
  static constexpr nanoseconds_t tick = 4'000;  // longer than a thief watches its victim

  const fresh_statics statics;
  scheduler s;
  atomic<int> left;  // jobs that are still to run; the last one stops the scheduler

  scheduler_under_test(int workers, int jobs) : scheduler_under_test(options_for(workers), jobs) {}
  scheduler_under_test(const burrow::options& o, int jobs)
      : statics(o.workers, tick), s(o), left(jobs) {}
  void count_down() {
    if (left.fetch_sub(1, acq_rel) == 1) s.stop();
  }
  std::unique_ptr<job> make(std::function<void()> also = {}) {
    return std::make_unique<job>(s.worker_at(0), [this, also = std::move(also)] {
      if (also) also();
      count_down();
    });
  }
  void start_workers() {
    constexpr const char* names[] = {"worker 0", "worker 1"};
    for (std::size_t i = 0; i < s.worker_count(); ++i) {
      thread(names[i], [this, i] { s.worker_at(i).run(); });
    }
  }
  void inject(job& j) { s.inject(&j); }
};

inline void expect_one_run(const job& j) { check(j.runs == 1, "it ran once"); }

}  // namespace model
