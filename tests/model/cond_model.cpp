// SPDX-License-Identifier: MIT
// The condition: no signal is lost, whoever is abandoned while it waits, and whoever leaves wait()
// has the mutex.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/cond.hpp>
#include <burrow/mutex.hpp>

using namespace burrow::detail;
using model::stand_in;
using model::stand_ins;

namespace {

/// What is guarded: units that are there, and who waits for them.
struct guarded_units {
  burrow::mutex mu;
  burrow::cond changed{mu};
  int units = 0;

  /// False: abandoned.
  bool take(stand_in& g) {
    if (!g.try_await(mu.lock())) return false;
    bool has_it = true;
    while (has_it && units == 0) has_it = g.try_await(changed.wait().bind(g));
    if (has_it) --units;
    mu.unlock();
    return has_it;
  }
  /// Also by one that was abandoned after it had taken a unit.
  void give() {
    while (!mu.try_lock()) model::pause();
    ++units;
    mu.unlock();
    changed.signal();
  }
};

}  // namespace

MODEL(cond_signal, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(2);
  guarded_units all;
  model::thread("waits", [&] {
    model::check(all.take(g[0]), "it goes on");
    g.deliver();
  });
  model::thread("signals", [&] {
    all.give();
    g.deliver();
  });
  model::join();
  model::check(all.units == 0 && all.mu.try_lock(), "the unit was taken, and the mutex is free");
}

/// One unit, two that wait for it, one of which is abandoned or gives the unit back: the other gets
/// it in any case, so no signal has gone to one that was abandoned.
MODEL(cond_abandoned, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(3);
  guarded_units all;
  model::thread("abandoned", [&] {
    const bool has_it = all.take(g[0]);
    g.deliver();  // the mutex may have been handed over to who waits, and would never be free
    if (has_it) all.give();
    g.deliver();
  });
  model::thread("waits", [&] {
    model::check(all.take(g[1]), "it goes on");
    g.deliver();
  });
  model::thread("signals", [&] {
    all.give();
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  model::join();
  model::check(all.units == 0 && all.mu.try_lock(), "the unit was taken, and the mutex is free");
}

MODEL(cond_broadcast, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(3);
  guarded_units all;
  const auto wait = [&](unsigned i) {
    all.take(g[i]);
    g.deliver();
  };
  model::thread("waits 1", [&] { wait(0); });
  model::thread("waits 2", [&] { wait(1); });
  model::thread("broadcasts", [&] {
    g[2].await(all.mu.lock());
    all.units = 2;
    all.changed.broadcast();
    all.mu.unlock();
    g.deliver();
  });
  model::join();
  model::check(all.units == 0 && all.mu.try_lock(), "both have gone on");
}
