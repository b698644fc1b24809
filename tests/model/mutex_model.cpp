// SPDX-License-Identifier: MIT
// The mutex: one holder, nobody forgotten, handed over in order, and gone as soon as the last
// unlock() has returned. That one at a time has it is seen by the race detector, on plain fields.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/mutex.hpp>
#include <burrow/select.hpp>

#include <memory>

using namespace burrow::detail;
using model::stand_ins;

/// Each has it once; who had it last destroys it.
MODEL(mutex_destroyed_after_unlock, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(3);
  auto owner = std::make_unique<burrow::mutex>();
  burrow::mutex* const mu = owner.get();
  int entered = 0;
  const auto pass = [&](unsigned i) {
    g[i].await(mu->lock());
    const bool is_last = ++entered == 3;
    mu->unlock();
    if (is_last) owner.reset();
    g.deliver();
  };
  model::thread("first", [&] { pass(0); });
  model::thread("second", [&] { pass(1); });
  model::thread("third", [&] { pass(2); });
  model::join();
  model::check(owner == nullptr, "all have had it");
}

/// One locks again and again: the other is woken without the mutex, may be beaten, goes back to the
/// front, and gets it then.
MODEL(mutex_woken_and_beaten, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(2);
  burrow::mutex mu;
  int entered = 0;
  const auto pass = [&](unsigned i) {
    g[i].await(mu.lock());
    ++entered;
    mu.unlock();
    g.deliver();
  };
  model::thread("often", [&] {
    for (int n = 0; n < 3; ++n) pass(0);
  });
  model::thread("once", [&] { pass(1); });
  model::join();
  model::check(entered == 4, "all have had it");
  model::check(mu.try_lock(), "it is free in the end");
}

/// One of two that wait is abandoned, before it is woken or on its way: the other gets the mutex.
MODEL(mutex_abandoned, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(2);
  burrow::mutex mu;
  int entered = 0;
  mu.try_lock();
  model::thread("abandoned", [&] {
    if (!g[0].try_await(mu.lock())) return;
    ++entered;
    mu.unlock();
    g.deliver();
  });
  model::thread("waits", [&] {
    g[1].await(mu.lock());
    ++entered;
    mu.unlock();
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  model::thread("holds", [&] {
    mu.unlock();
    g.deliver();
    if (!mu.try_lock()) return;
    ++entered;
    mu.unlock();
    g.deliver();
  });
  model::join();
  model::check(mu.try_lock(), "it is free in the end");
  model::check(!mu.core_.waiters.front(), "nobody is left in the queue");
}

namespace {

/// A case of a select that is first in the queue; its goroutine is a parked thread.
struct queued_case {
  parked_thread who;
  mutex_waiter node;

  void enlist(mutex_core& core) {
    node.who = &who;
    const locked hold(core.lock);
    model::check(!core.lock_or_note(true), "the mutex is held");
    who.begin_firm_wait(wait_reason::mutex_lock);
    core.waiters.push_back(node);
  }
};

}  // namespace

/// A case of a select is handed the mutex: neither who unlocks nor who came later gets it before.
MODEL(mutex_handed_over, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(1);
  burrow::mutex mu;
  queued_case first;
  int order = 0;
  int place_of_first = 0;
  int place_of_second = 0;
  mu.try_lock();
  first.enlist(mu.core_);
  model::thread("first", [&] {
    first.who.wait_until_woken();
    model::check(first.node.owns, "it was woken with the mutex");
    place_of_first = ++order;
    mu.unlock();
    g.deliver();
  });
  model::thread("second", [&] {
    g[0].await(mu.lock());
    place_of_second = ++order;
    mu.unlock();
    g.deliver();
  });
  model::thread("holder", [&] {
    mu.unlock();
    g.deliver();
    if (!mu.try_lock()) return;
    ++order;
    mu.unlock();
    g.deliver();
  });
  model::join();
  model::check(place_of_first == 1, "whoever was first in the queue has it first");
  model::check(place_of_second != 0, "and the second has it");
  model::check(mu.try_lock(), "it is free in the end");
}

/// A select that waits for the mutex and is chosen by it, or is abandoned.
MODEL(mutex_in_select, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(2);
  burrow::mutex mu;
  burrow::mutex other;
  int entered = 0;
  mu.try_lock();
  other.try_lock();
  model::thread("select", [&] {
    if (!g[0].try_await(burrow::select(mu.lock(), other.lock()).bind(g[0]))) return;
    ++entered;
    mu.unlock();
    g.deliver();
  });
  model::thread("waits", [&] {
    g[1].await(mu.lock());
    ++entered;
    mu.unlock();
    g.deliver();
  });
  model::thread("unlocks", [&] {
    mu.unlock();
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  model::join();
  model::check(mu.try_lock(), "it is free in the end");
}

/// Abandoned as soon as it waits, and resumed by another worker while its own is still inside
/// await_suspend().
MODEL(mutex_resumed_elsewhere, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(1);
  burrow::mutex mu;
  mu.try_lock();
  auto lock = mu.lock();
  lock.who = &g[0];
  lock.prepare();
  bool went_on = false;
  const auto resume = [&] {
    try {
      lock.await_resume();
      went_on = true;
    } catch (const burrow::goroutine_exit&) {
      went_on = false;
    }
  };
  model::thread("waits", [&] {
    if (lock.await_ready()) return resume();
    if (lock.await_suspend(g[0].frame()) == g[0].frame()) resume();  // refused
  });
  model::thread("abandons", [&] {
    if (!g[0].word.abandon()) return;
    g[0].leaf.resume();
    model::check(g[0].frame_.went_on, "it goes on");
    resume();
  });
  model::join();
  model::check(!went_on, "it was abandoned");
  mu.unlock();
  model::check(mu.try_lock(), "nobody waits for it any more");
}
