// SPDX-License-Identifier: MIT
// The judgement that nothing can happen any more: it is not passed while a plain thread, a blocking
// call or a timer is about to wake a goroutine, and it is passed when nothing is. The threads of
// the process are counted as the kernel does: exactly, and ordering nothing.
#include "checker.hpp"
#include "jobs.hpp"

#include <burrow/detail/scheduler.hpp>

using namespace burrow::detail;
using model::expect_one_run;
using model::job;
using model::scheduler_under_test;

namespace {

/// The workers are the program's only threads but for those that the model adds.
struct judged_scheduler : scheduler_under_test {
  judged_scheduler(int workers, int jobs, burrow::deadlock_report how)
      : scheduler_under_test(options_with(workers, how), jobs) {
    own_threads().store(workers, relaxed);
    own_runtimes().store(1, relaxed);
    model::change_process_threads(workers - 1);
  }
  static burrow::options options_with(int workers, burrow::deadlock_report how) {
    burrow::options o = model::options_for(workers);
    o.deadlock = how;
    return o;
  }
};

int reports = 0;

void count_and_stop(scheduler& s) {
  ++reports;
  s.stop();
}

}  // namespace

/// A plain thread wakes a goroutine and ends: a report would be false at each instant.
MODEL(deadlock_thread_wakes_and_ends, {.executions = 8'000, .random_runs = 1'500}) {
  judged_scheduler t(1, 1, burrow::deadlock_report::automatic);
  const auto j = t.make();
  model::change_process_threads(+1);
  t.start_workers();
  model::thread("plain", [&] {
    t.inject(*j);
    model::change_process_threads(-1);
  });
  model::join();
  expect_one_run(*j);
}

/// The same with two workers, each of which may be the last to go to sleep.
MODEL(deadlock_two_workers, {.executions = 6'000, .random_runs = 2'000}) {
  judged_scheduler t(2, 2, burrow::deadlock_report::automatic);
  const auto k = t.make();
  const auto j = t.make([&] { current_worker()->ready(k.get()); });
  model::change_process_threads(+1);
  t.start_workers();
  model::thread("plain", [&] {
    t.inject(*j);
    model::change_process_threads(-1);
  });
  model::join();
  expect_one_run(*j);
  expect_one_run(*k);
}

/// Nothing is left to run, and the last thread that could wake anybody ends: it is reported, by one
/// worker at least, and by the first one that sees it.
MODEL(deadlock_is_reported, {.executions = 6'000, .random_runs = 1'000}) {
  reports = 0;
  judged_scheduler t(2, 1, burrow::deadlock_report::always);
  model::on_deadlock(&count_and_stop);
  const auto j = std::make_unique<job>(t.s.worker_at(0), [] {});
  t.start_workers();
  model::thread("plain", [&] { t.inject(*j); });
  model::join();
  model::check(reports != 0, "somebody has reported it");
}

namespace {

/// A call that wakes a goroutine.
struct waking_call : blocking_job {
  job* woken = nullptr;
  static void run_it(blocking_job& j) noexcept { wake(static_cast<waking_call&>(j).woken); }
};

}  // namespace

/// A blocking call ends and wakes its goroutine. The pool's thread belongs to burrow, so what keeps
/// the program alive is the count of the calls alone. The pool is told to stop, so that its thread
/// does what is queued and ends, instead of waiting on the condition variable.
MODEL(deadlock_blocking_call_ends, {.executions = 8'000, .random_runs = 1'500}) {
  judged_scheduler t(1, 2, burrow::deadlock_report::automatic);
  blocking_pool& pool = t.s.blocking();
  const auto j = t.make();
  waking_call call;
  call.woken = j.get();
  call.run = &waking_call::run_it;
  const auto first = t.make([&] {
    pool.idle_ = 1;  // so that submit() starts no thread of the system
    pool.submit(call);
    pool.idle_ = 0;
    pool.stopping_ = true;
    pool.threads_ = 1;
    own_threads().fetch_add(1, seq_cst);
    model::change_process_threads(+1);
    model::thread("pool", [&] { pool.loop(); });
  });
  t.inject(*first);
  t.start_workers();
  model::join();
  expect_one_run(*first);
  expect_one_run(*j);
  model::check(pool.in_flight() == 0 && pool.threads_ == 0, "the call is over");
}
