// SPDX-License-Identifier: MIT
// The ring of a worker: what is pushed is taken exactly once, by its owner or by a thief.
#include "checker.hpp"

#include <burrow/detail/run_queue.hpp>

#include <array>

using namespace burrow::detail;

namespace {

/// Goroutines, and how often each was taken. `budget` stands for all plain fields of one.
struct goroutines {
  std::array<goroutine, 5> all;
  std::array<int, 5> taken{};  // each by the thread that has the goroutine

  goroutine* make(unsigned i) {
    all[i].budget = 100 + i;
    return &all[i];
  }
  void take(goroutine* g) {
    if (g == nullptr) return;
    const auto i = static_cast<unsigned>(g - all.data());
    model::check(g->budget == 100 + i, "what its maker wrote is seen");
    model::check(++taken[i] == 1, "it was taken once");
  }
  void expect(unsigned count) const {
    for (unsigned i = 0; i < count; ++i) model::check(taken[i] == 1, "each was taken once");
  }
};

void drain(run_queue& q, goroutines& all) {
  while (goroutine* g = q.pop()) all.take(g);
}

}  // namespace

MODEL(run_queue_push_pop_steal, {}) {
  run_queue own;
  run_queue other;
  goroutines all;
  own.push(all.make(0));
  model::thread("owner", [&] {
    own.push(all.make(1));
    own.push_quietly(all.make(2));
    all.take(own.pop());
    all.take(own.pop());
  });
  model::thread("thief", [&] {
    all.take(own.steal_into(other));
    drain(other, all);
  });
  model::join();
  drain(own, all);
  all.expect(3);
}

MODEL(run_queue_two_thieves, {.executions = 60'000}) {
  run_queue own;
  run_queue first;
  run_queue second;
  goroutines all;
  own.push(all.make(0));
  own.push(all.make(1));
  model::thread("owner", [&] {
    own.push(all.make(2));
    all.take(own.pop());
  });
  model::thread("thief 1", [&] {
    all.take(own.steal_into(first));
    drain(first, all);
  });
  model::thread("thief 2", [&] {
    all.take(own.steal_into(second));
    drain(second, all);
  });
  model::join();
  drain(own, all);
  all.expect(3);
}

/// A thief of the thief: what was stolen is published again.
MODEL(run_queue_stolen_twice, {}) {
  run_queue own;
  run_queue first;
  run_queue second;
  goroutines all;
  model::thread("owner", [&] {
    for (unsigned i = 0; i < 3; ++i) own.push_quietly(all.make(i));
  });
  model::thread("thief 1", [&] {
    all.take(own.steal_into(first));
    all.take(first.pop());
  });
  model::thread("thief 2", [&] {
    all.take(first.steal_into(second));
    drain(second, all);
  });
  model::join();
  drain(own, all);
  drain(first, all);
  all.expect(3);
}

/// The ring is full: the owner moves half of it elsewhere while a thief takes half, and fills the
/// slots again.
MODEL(run_queue_full, {}) {
  run_queue own;
  run_queue other;
  goroutines all;
  for (unsigned i = 0; i < run_queue::capacity; ++i) own.push(all.make(i));
  goroutine* last_one = all.make(run_queue::capacity);
  model::thread("owner", [&] {
    if (own.push(last_one)) return;
    goroutine_list half = own.take_half();
    for (goroutine* g = half.first; half.length != 0; --half.length) {
      goroutine* next = g->next;
      all.take(g);
      g = next;
    }
    model::check(own.push(last_one), "there is room now");
  });
  model::thread("thief", [&] {
    all.take(own.steal_into(other));
    drain(other, all);
  });
  model::join();
  drain(own, all);
  all.expect(run_queue::capacity + 1);
}

MODEL(global_queue_push_pop, {}) {
  global_queue queue;
  goroutines all;
  model::thread("pusher", [&] {
    goroutine_list two;
    two.add(all.make(0));
    two.add(all.make(1));
    queue.push(two);
  });
  model::thread("other", [&] {
    goroutine_list one;
    one.add(all.make(2));
    queue.push(one);
  });
  model::thread("worker", [&] {
    goroutine* g = queue.pop(false);
    while (g != nullptr) {
      goroutine* next = g->next;
      all.take(g);
      g = next;
    }
  });
  model::join();
  while (goroutine* g = queue.pop(true)) all.take(g);
  all.expect(3);
}
