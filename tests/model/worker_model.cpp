// SPDX-License-Identifier: MIT
// Whole workers: run(), with its queues, searching, parking and waking, against threads that
// submit, arm timers and stop. What is submitted runs once, and nobody sleeps for ever: a wake-up
// that is lost is a deadlock of the model.
#include "checker.hpp"
#include "jobs.hpp"

using namespace burrow::detail;
using model::expect_one_run;
using model::scheduler_under_test;

MODEL(worker_inject, {.executions = 8'000, .random_runs = 500}) {
  scheduler_under_test t(1, 1);
  const auto j = t.make();
  t.start_workers();
  model::thread("submitter", [&] { t.inject(*j); });
  model::join();
  expect_one_run(*j);
}

MODEL(worker_inject_two, {.executions = 4'000, .random_runs = 1'500}) {
  scheduler_under_test t(2, 2);
  const auto j = t.make();
  const auto k = t.make();
  t.start_workers();
  model::thread("submitter 1", [&] { t.inject(*j); });
  model::thread("submitter 2", [&] { t.inject(*k); });
  model::join();
  expect_one_run(*j);
  expect_one_run(*k);
}

/// A goroutine makes two more runnable; the other worker may steal one.
MODEL(worker_ready_and_steal, {.executions = 4'000, .random_runs = 1'500}) {
  scheduler_under_test t(2, 3);
  const auto j = t.make();
  const auto k = t.make();
  const auto first = t.make([&] {
    worker& here = *current_worker();
    here.ready(j.get());
    here.ready(k.get());
  });
  t.start_workers();
  model::thread("submitter", [&] { t.inject(*first); });
  model::join();
  expect_one_run(*first);
  expect_one_run(*j);
  expect_one_run(*k);
}

/// A goroutine that stays in its turn until another worker has run what it made runnable: here the
/// wake-up of that worker must not be lost, though nothing is ever lost for good without it.
MODEL(worker_wakes_a_thief, {.executions = 8'000, .random_runs = 1'500}) {
  scheduler_under_test t(2, 3);
  atomic<int> has_run{0};
  const auto j = t.make([&] { has_run.store(1, release); });
  const auto k = t.make();
  const auto first = t.make([&] {
    worker& here = *current_worker();
    here.ready(j.get());
    here.ready(k.get());
    while (has_run.load(acquire) == 0) model::pause();
  });
  t.start_workers();
  model::thread("submitter", [&] { t.inject(*first); });
  model::join();
  expect_one_run(*first);
  expect_one_run(*j);
  expect_one_run(*k);
}

/// A goroutine that stays in its turn, on a worker that the monitor has found stuck: another one
/// runs what stands in the ring and in the LIFO slot there.
MODEL(worker_stuck, {.executions = 4'000, .random_runs = 1'500}) {
  scheduler_under_test t(2, 3);
  atomic<int> have_run{0};
  int told_j = 0;
  int told_k = 0;
  const auto note = [&](const int& told) {
    model::check(told == 1, "what came before ready() is seen");
    have_run.fetch_add(1, release);
  };
  const auto j = t.make([&] { note(told_j); });
  const auto k = t.make([&] { note(told_k); });
  const auto first = t.make([&] {
    worker& here = *current_worker();
    here.stuck.store(true, relaxed);
    t.s.stuck_workers_.store(1, relaxed);
    told_j = 1;
    here.ready(j.get());
    told_k = 1;
    here.ready(k.get());
    while (have_run.load(acquire) != 2) {
      if (worker* sleeper = t.s.idle_.take_any()) sleeper->unpark();  // as the monitor, each time
      model::pause();
    }
  });
  t.start_workers();
  model::thread("submitter", [&] { t.inject(*first); });
  model::join();
  expect_one_run(*first);
  expect_one_run(*j);
  expect_one_run(*k);
}

/// Whoever learns from live() that the others have ended sees what they have done.
MODEL(worker_end_is_seen, {.executions = 4'000, .random_runs = 1'500}) {
  scheduler_under_test t(2, 3);
  t.s.outside_started_.store(2, relaxed);
  int value = 0;
  const auto j = t.make([&] { value = 1; });
  const auto k = t.make();
  const auto first = t.make([&] {
    worker& here = *current_worker();
    here.ready(j.get());
    here.ready(k.get());  // moves j to the ring, where the other worker finds it
    while (t.s.live() > 1) model::pause();
    model::check(value == 1, "it has ended");
  });
  t.start_workers();
  model::thread("submitter", [&] { t.inject(*first); });
  model::join();
  expect_one_run(*j);
  expect_one_run(*k);
}

namespace {

/// Wakes a goroutine when its time has come.
struct alarm_timer : timer_node {
  goroutine* woken;
  explicit alarm_timer(goroutine* g) : woken(g) { type = &type_of_alarms; }
  void arm(worker& w) {
    {
      const locked hold(w.timers().lock);
      w.timers().arm_at(*this, 1);
    }
    w.unpark();
  }
  static bool expire(timer_node& t, nanoseconds_t, wake_list& wakes) noexcept {
    wakes.add(static_cast<alarm_timer&>(t).woken);
    return false;
  }
  static constexpr timer_type type_of_alarms = {&expire, nullptr};
};

}  // namespace

/// Another thread arms a timer for a worker that may be about to park, and tells it.
MODEL(worker_timer_from_outside, {.preemptions = 1, .stale_reads = 6, .executions = 60'000}) {
  scheduler_under_test t(1, 1);
  const auto j = t.make();
  alarm_timer bell(j.get());
  t.start_workers();
  model::thread("arms", [&] { bell.arm(t.s.worker_at(0)); });
  model::join();
  expect_one_run(*j);
}

/// Meanwhile somebody else wakes that worker for another reason.
MODEL(worker_timer_and_inject, {.executions = 8'000, .random_runs = 1'500}) {
  scheduler_under_test t(1, 2);
  const auto j = t.make();
  const auto k = t.make();
  alarm_timer bell(j.get());
  t.start_workers();
  model::thread("arms", [&] { bell.arm(t.s.worker_at(0)); });
  model::thread("submitter", [&] { t.inject(*k); });
  model::join();
  expect_one_run(*j);
  expect_one_run(*k);
}

namespace {

/// Worker 1 has seen all but one of the alternations, and waits for the kernel.
void about_to_leave(worker& w) {
  w.alternations_ = worker::alternations_of_partners - 1;
  w.partner_turns_ = w.owner().worker_at(0).turns() - 1;
  w.io().in_flight.store(1, relaxed);
}

}  // namespace

/// What has arrived for a goroutine is left to the partner, which something else wakes meanwhile.
MODEL(worker_leaves_to_partner, {.executions = 20'000, .random_runs = 1'500}) {
  scheduler_under_test t(2, 2);
  const auto j = t.make();
  const auto k = t.make();
  about_to_leave(t.s.worker_at(1));
  t.start_workers();
  model::thread("kernel", [&] { model::arrive(t.s.worker_at(1), j.get()); });
  model::thread("submitter", [&] { t.inject(*k); });
  model::join();
  expect_one_run(*j);
  expect_one_run(*k);
}

/// The partner is woken by the kernel as well, for a goroutine that stays in its turn until the
/// other one has run: so that must not be left in the global queue while its worker sleeps.
MODEL(worker_partner_is_busy, {.executions = 20'000, .random_runs = 1'500}) {
  scheduler_under_test t(2, 2);
  atomic<int> has_run{0};
  const auto j = t.make([&] { has_run.store(1, release); });
  const auto k = t.make([&] {
    while (has_run.load(acquire) == 0) model::pause();
  });
  about_to_leave(t.s.worker_at(1));
  t.s.worker_at(0).io().in_flight.store(1, relaxed);
  t.start_workers();
  model::thread("kernel", [&] {
    model::arrive(t.s.worker_at(0), k.get());
    model::arrive(t.s.worker_at(1), j.get());
  });
  model::join();
  expect_one_run(*j);
  expect_one_run(*k);
}
