// SPDX-License-Identifier: MIT
// The wait group: who waits sees what was done, and may destroy it as soon as wait() has returned.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/wait_group.hpp>

#include <memory>

using namespace burrow::detail;
using model::stand_ins;

MODEL(wait_group_destroyed_after_wait, {.executions = 20'000}) {
  stand_ins g(1);
  auto group = std::make_unique<wait_group_core>();
  wait_group_core* const core = group.get();
  int first = 0;
  int second = 0;
  core->add(2);
  model::thread("waiter", [&] {
    g[0].await(wait_group_wait(*core));
    group.reset();
    model::check(first == 1 && second == 1, "what was done is seen");
  });
  const auto work = [&](int& done) {
    done = 1;
    core->subtract(1);
    g.deliver();
  };
  model::thread("worker 1", [&] { work(first); });
  model::thread("worker 2", [&] { work(second); });
  model::join();
}

MODEL(wait_group_two_waiters, {.executions = 20'000}) {
  stand_ins g(2);
  auto group = std::make_unique<wait_group_core>();
  wait_group_core* const core = group.get();
  atomic<int> left{2};
  int done = 0;
  core->add(1);
  const auto wait = [&](unsigned i) {
    g[i].await(wait_group_wait(*core));
    model::check(done == 1, "what was done is seen");
    if (left.fetch_sub(1, acq_rel) == 1) group.reset();
  };
  model::thread("waiter 1", [&] { wait(0); });
  model::thread("waiter 2", [&] { wait(1); });
  model::thread("worker", [&] {
    done = 1;
    core->subtract(1);
    g.deliver();
  });
  model::join();
}

/// A wait that is abandoned leaves the list; the other still ends.
MODEL(wait_group_abandoned, {.executions = 20'000}) {
  stand_ins g(1);
  auto group = std::make_unique<wait_group_core>();
  wait_group_core* const core = group.get();
  core->add(1);
  model::thread("waiter", [&] { g[0].try_await(wait_group_wait(*core)); });
  model::thread("abandons", [&] { g.abandon(0); });
  model::thread("worker", [&] {
    core->subtract(1);
    g.deliver();
  });
  model::join();
  model::check(core->is_over() && core->waiters.empty(), "nobody is left in the list");
}
