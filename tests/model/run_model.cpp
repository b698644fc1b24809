// SPDX-License-Identifier: MIT
// The end of scheduler::run() against calls from outside: while one is in progress the scheduler is
// there, and whoever got a slot is waited for. One worker, the thread that calls run().
#include "checker.hpp"
#include "jobs.hpp"

#include <burrow/detail/scheduler.hpp>

#include <memory>

using namespace burrow::detail;
using model::job;

namespace {

constexpr nanoseconds_t tick = 4'000;

/// One worker, and no report: see deadlock_model.cpp.
std::unique_ptr<scheduler> make_scheduler() {
  burrow::options o = model::options_for(1);
  o.deadlock = burrow::deadlock_report::never;
  return std::make_unique<scheduler>(o);
}

}  // namespace

/// A plain thread wakes the last goroutine, which ends the runtime while that call is on its way
/// out.
MODEL(run_ends_under_inject, {.executions = 3'000, .random_runs = 700}) {
  const model::fresh_statics statics(1, tick);
  auto s = make_scheduler();
  scheduler* const sched = s.get();
  atomic<int> left{2};
  const auto end = [&] {
    if (left.fetch_sub(1, acq_rel) == 1) sched->stop();
  };
  job main(s->worker_at(0), end);
  job last(s->worker_at(0), end);
  model::thread("run", [&] {
    sched->run(&main);
    s.reset();
  });
  model::thread("plain", [&] { sched->inject(&last); });
  model::join();
  model::check(main.runs == 1 && last.runs == 1, "each ran once");
  model::check(s == nullptr && own_runtimes().load(relaxed) == 0, "it has ended");
  model::check(own_threads().load(relaxed) == 0, "no thread is counted any more");
}

/// A plain thread looks for a runtime, finds this one or none, and tells its timers: the list's
/// lock keeps it.
MODEL(run_ends_under_for_each, {.executions = 3'000, .random_runs = 700}) {
  const model::fresh_statics statics(1, tick);
  auto s = make_scheduler();
  scheduler* const sched = s.get();
  timer_set& set = s->outside_timers();
  job main(s->worker_at(0), [&] { sched->stop(); });
  model::thread("run", [&] {
    sched->run(&main);
    s.reset();
  });
  model::thread("plain", [&] { set.tell_owner(); });
  model::join();
  model::check(main.runs == 1, "it ran once");
}

namespace {

/// What a goroutine from outside does, kept beside its slot.
struct outside_goroutine {
  static void begin(goroutine& g) {
    g.type = &type;
    started = true;
  }
  static std::coroutine_handle<> start(goroutine&) noexcept {
    ran = true;
    return {};
  }
  static void finish(goroutine&) noexcept {}
  static constexpr goroutine_type type = {&start, &finish};
  static inline bool started = false;
  static inline bool ran = false;
};

/// As conclude(): stops the runtime when only this goroutine is left, and looks again with each
/// turn. Each turn is a goroutine of its own, since a slot ends with its first turn.
std::coroutine_handle<> look(goroutine& g) noexcept {
  worker& here = *current_worker();
  scheduler& s = here.owner();
  if (s.live() <= 1) {
    s.close_to_outside();
    if (s.live() <= 1) {
      s.stop();
      return {};
    }
  }
  goroutine* const next = here.new_goroutine();
  next->type = g.type;
  here.yield(next);
  return {};
}

constexpr goroutine_type looks_again = {&look, [](goroutine&) noexcept {}};

}  // namespace

/// Main closes the runtime to others, and ends it when none is left but itself; a plain thread
/// starts a goroutine meanwhile. Whoever got a slot runs; who comes too late gets none.
MODEL(run_closes_to_outside, {.executions = 3'000, .random_runs = 700}) {
  const model::fresh_statics statics(1, tick);
  outside_goroutine::started = false;
  outside_goroutine::ran = false;
  auto s = make_scheduler();
  scheduler* const sched = s.get();
  goroutine* const main = sched->new_goroutine_outside();
  main->type = &looks_again;
  model::thread("run", [&] {
    sched->run(main);
    s.reset();
  });
  model::thread("plain", [&] {
    goroutine* g = scheduler::new_goroutine_in_latest();
    if (g == nullptr) return;
    outside_goroutine::begin(*g);
    g->home->owner().inject(g);
  });
  model::join();
  model::check(outside_goroutine::ran == outside_goroutine::started, "whoever got a slot ran");
}
