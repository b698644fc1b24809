// SPDX-License-Identifier: MIT
// The semaphore: never more than there is, nobody forgotten, and a request that is given up holds
// back nobody.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/select.hpp>
#include <burrow/semaphore.hpp>

#include <memory>

using namespace burrow::detail;
using model::stand_ins;

/// Two take one unit each, a third takes both, and destroys the semaphore if it was the last.
MODEL(semaphore_weights, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(3);
  auto owner = std::make_unique<burrow::semaphore>(2);
  burrow::semaphore* const units = owner.get();
  int value = 0;
  atomic<int> have_read{0};  // relaxed: orders nothing
  const auto take_one = [&](unsigned i) {
    g[i].await(units->acquire());
    model::check(value <= 1, "whoever has all units is alone");
    have_read.fetch_add(1, relaxed);
    units->release();
    g.deliver();
  };
  model::thread("one", [&] { take_one(0); });
  model::thread("another", [&] { take_one(1); });
  model::thread("all", [&] {
    g[2].await(units->acquire(2));
    ++value;
    const bool is_last = have_read.load(relaxed) == 2;
    units->release(2);
    if (is_last) owner.reset();
    g.deliver();
  });
  model::join();
  model::check(value == 1 && have_read.load(relaxed) == 2, "each has had what it asked for");
}

/// A request for two is abandoned or served; one behind it, for one unit, is served in any case.
MODEL(semaphore_abandoned, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(2);
  burrow::semaphore units(2);
  units.try_acquire(2);
  model::thread("wants two", [&] {
    if (g[0].try_await(units.acquire(2))) units.release(2);
    g.deliver();
  });
  model::thread("wants one", [&] {
    g[1].await(units.acquire());
    units.release();
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  model::thread("releases one", [&] {
    units.release();
    g.deliver();
  });
  model::join();
  model::check(units.try_acquire() && !units.try_acquire(), "no unit is lost, and none too many");
}

/// One of two units is free at each instant, so `otherwise` is never right. The looks may all be
/// old but for one.
MODEL(semaphore_otherwise, {.preemptions = 1, .stale_reads = 3, .random_runs = 1'000}) {
  stand_ins g(1);
  burrow::semaphore a(1);
  burrow::semaphore b(1);
  a.try_acquire();
  int chosen = -1;
  model::thread("select", [&] {
    chosen = g[0].await(burrow::select(a.acquire(), b.acquire(), burrow::otherwise).bind(g[0]));
  });
  model::thread("peer", [&] {
    a.release();
    b.try_acquire();
  });
  model::join();
  model::check(chosen == 0 || chosen == 1, "one was free at each instant");
}
