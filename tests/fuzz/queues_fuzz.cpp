// SPDX-License-Identifier: MIT
// The structures of the scheduler, by one thread: two run queues that steal from each other and
// spill into the global queue, and a wait list.
#include "input.hpp"

#include <burrow/detail/run_queue.hpp>
#include <burrow/detail/wait.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace {

using namespace burrow::detail;
using fuzz::expect;

// --- queues of runnable goroutines ---------------------------------------------------------------

class queues {
 public:
  queues() : slots_(700) {
    for (goroutine& g : slots_) free_.push_back(&g);
  }

  void step(fuzz::input& in) {
    const unsigned i = in.below(2);
    switch (in.below(6)) {
      case 0:
      case 1:
        for (unsigned n = in.below(200); n > 0; --n) push(i);
        break;
      case 2:
        for (unsigned n = in.below(100); n > 0; --n) pop(i);
        break;
      case 3: steal(1 - i, i); break;
      case 4: push_list(1 + in.below(goroutine_list::most)); break;
      default: pop_global(in.below(2) == 0);
    }
    for (unsigned k = 0; k < 2; ++k) {
      expect(ring_[k]->size() == model_[k].size(), "a ring has as many as its model");
      expect(ring_[k]->empty() == model_[k].empty(), "a ring is empty as its model is");
    }
    expect(global_.size() == spilled(), "the global queue has as many as its model");
    expect(global_.empty() == lists_.empty(), "the global queue is empty as its model is");
  }

 private:
  goroutine* take_free() {
    if (free_.empty()) return nullptr;
    goroutine* g = free_.front();
    free_.pop_front();
    return g;
  }

  void push(unsigned i) {
    goroutine* g = take_free();
    if (g == nullptr) return;
    const bool fits = model_[i].size() < run_queue::capacity;
    const bool pushed =
        fits && model_[i].size() % 2 == 0 ? ring_[i]->push_quietly(g) : ring_[i]->push(g);
    expect(pushed == fits, "a ring takes what fits");
    if (pushed) {
      model_[i].push_back(g);
      return;
    }
    goroutine_list half = ring_[i]->take_half();
    half.add(g);
    std::deque<goroutine*> taken(model_[i].begin(), model_[i].begin() + (half.length - 1));
    model_[i].erase(model_[i].begin(), model_[i].begin() + (half.length - 1));
    taken.push_back(g);
    push_global(half, taken);
  }

  void pop(unsigned i) {
    goroutine* g = ring_[i]->pop();
    if (model_[i].empty()) return expect(g == nullptr, "an empty ring gives nothing");
    expect(g == model_[i].front(), "a ring gives the oldest");
    model_[i].pop_front();
    free_.push_back(g);
  }

  void steal(unsigned from, unsigned into) {
    if (!model_[into].empty()) return;
    goroutine* g = ring_[from]->steal_into(*ring_[into]);
    std::deque<goroutine*>& rest = model_[from];
    const auto count = static_cast<std::ptrdiff_t>(rest.size() - rest.size() / 2);
    if (count == 0) return expect(g == nullptr, "there is nothing to steal");
    expect(g == rest[static_cast<std::size_t>(count - 1)], "a thief returns the last it took");
    model_[into].assign(rest.begin(), rest.begin() + count - 1);
    rest.erase(rest.begin(), rest.begin() + count);
    free_.push_back(g);
  }

  void push_list(unsigned count) {
    goroutine_list list;
    std::deque<goroutine*> added;
    for (; count > 0; --count) {
      goroutine* g = take_free();
      if (g == nullptr) break;
      list.add(g);
      added.push_back(g);
    }
    if (!list.empty()) push_global(list, added);
  }

  void push_global(const goroutine_list& list, const std::deque<goroutine*>& added) {
    global_.push(list);
    if (!lists_.empty() && lists_.back().size() + added.size() <= goroutine_list::most) {
      lists_.back().insert(lists_.back().end(), added.begin(), added.end());
    } else {
      lists_.push_back(added);
    }
  }

  void pop_global(bool only_one) {
    goroutine* g = global_.pop(only_one);
    if (lists_.empty()) return expect(g == nullptr, "an empty global queue gives nothing");
    std::deque<goroutine*>& first = lists_.front();
    const std::size_t count = only_one ? 1 : first.size();
    for (std::size_t i = 0; i < count; ++i) {
      expect(g == first.front(), "the global queue gives the oldest, in order");
      g = g->next;
      free_.push_back(first.front());
      first.pop_front();
    }
    expect(g == nullptr, "the global queue gives no more than those");
    if (first.empty()) lists_.pop_front();
  }

  std::size_t spilled() const {
    std::size_t count = 0;
    for (const auto& list : lists_) count += list.size();
    return count;
  }

  std::vector<goroutine> slots_;
  std::deque<goroutine*> free_;
  std::array<std::unique_ptr<run_queue>, 2> ring_{std::make_unique<run_queue>(),
                                                  std::make_unique<run_queue>()};
  std::array<std::deque<goroutine*>, 2> model_;
  global_queue global_;
  std::deque<std::deque<goroutine*>> lists_;
};

// --- a wait list ---------------------------------------------------------------------------------

class waiters {
 public:
  void step(fuzz::input& in) {
    place& p = places_[in.below(places_.size())];
    switch (in.below(6)) {
      case 0:
      case 1: enlist(p, in.below(4) == 0); break;
      case 2: leave(p); break;
      case 3:
        // As another source would: the waiter stays in this list.
        if (p.node.linked) expect(p.g.word.claim(9) == p.waits, "whoever waits is claimed once");
        if (p.node.linked) p.waits = false;
        break;
      case 4: pop(); break;
      default:
        if (in.below(4) == 0) claim_all();
    }
    expect(list_.empty() == model_.empty(), "a list is empty as its model is");
    expect(list_.front() == (model_.empty() ? nullptr : &model_.front()->node),
           "the front is the model's");
    for (const place& each : places_) {
      const bool is_in = std::find(model_.begin(), model_.end(), &each) != model_.end();
      expect(each.node.linked == is_in, "who is linked is in the list");
    }
  }

 private:
  struct place {
    goroutine g;
    waiter node;
    bool waits = false;
  };

  void enlist(place& p, bool at_front) {
    if (p.node.linked) return;
    p.g.word.reset();
    expect(p.g.word.begin_wait(false), "one that is not abandoned may wait");
    p.waits = true;
    p.node.who = &p.g;
    if (at_front) {
      list_.push_front(p.node);
      model_.push_front(&p);
    } else {
      list_.push_back(p.node);
      model_.push_back(&p);
    }
  }

  void leave(place& p) {
    if (!p.node.linked) return;
    list_.remove(p.node);
    std::erase(model_, &p);
  }

  /// The first in the model that can be claimed; those before it leave the list with it.
  place* pop_expected() {
    while (!model_.empty()) {
      place* p = model_.front();
      model_.pop_front();
      if (std::exchange(p->waits, false)) return p;
    }
    return nullptr;
  }

  void pop() {
    waiter* w = list_.pop_claimed();
    place* p = pop_expected();
    expect(w == (p == nullptr ? nullptr : &p->node), "the first that still waits is claimed");
  }

  void claim_all() {
    wake_list wakes;
    list_.claim_all(wakes);
    while (place* p = pop_expected()) {
      expect(wakes.pop() == &p->g, "all that wait are claimed, in order");
    }
    expect(wakes.empty() && wakes.size() == 0, "nobody else is claimed");
  }

  wait_list list_;
  std::array<place, 8> places_;
  std::deque<place*> model_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  if (in.below(2) == 0) {
    queues q;
    for (int i = 0; i < 500 && !in.empty(); ++i) q.step(in);
  } else {
    waiters w;
    while (!in.empty()) w.step(in);
  }
  return 0;
}
