// SPDX-License-Identifier: MIT
// Broken on purpose: the checker has to find what is wrong with each of these. Those with `right`
// in their name are their sound counterparts, and have to pass.
#include "checker.hpp"

#include <burrow/detail/atomic.hpp>

#include <array>
#include <cstdint>

namespace {

using burrow::detail::acq_rel;
using burrow::detail::acquire;
using burrow::detail::atomic;
using burrow::detail::relaxed;
using burrow::detail::release;
using burrow::detail::seq_cst;

/// Two threads announce themselves, and look for the other. One of them has to see the other.
void announce_and_look(std::memory_order order_of_store, std::memory_order order_of_load) {
  atomic<int> first{0};
  atomic<int> second{0};
  int first_saw = -1;
  int second_saw = -1;
  model::thread("first", [&] {
    first.store(1, order_of_store);
    first_saw = second.load(order_of_load);
  });
  model::thread("second", [&] {
    second.store(1, order_of_store);
    second_saw = first.load(order_of_load);
  });
  model::join();
  model::check(first_saw == 1 || second_saw == 1, "neither saw the other");
}

/// A park protocol: the sleeper announces that it sleeps, then looks for work, then sleeps.
void park(bool look_again) {
  atomic<int> work{0};
  atomic<int> sleeping{0};
  atomic<int> token{0};
  model::thread("sleeper", [&] {
    if (work.load(seq_cst) != 0) return;
    sleeping.store(1, seq_cst);
    if (look_again && work.load(seq_cst) != 0) return;
    while (token.load(acquire) == 0) token.wait(0, acquire);
  });
  model::thread("submitter", [&] {
    work.store(1, seq_cst);
    if (sleeping.load(seq_cst) == 0) return;
    token.store(1, release);
    token.notify_one();
  });
  model::join();
}

/// A deque of the Chase-Lev kind with two elements, of which its owner takes the last while a thief
/// takes the first.
class small_deque {
 public:
  small_deque() {
    slots_[0].store(1, relaxed);
    slots_[1].store(2, relaxed);
  }
  int pop(std::memory_order order) {
    const int bottom = bottom_.load(relaxed) - 1;
    bottom_.store(bottom, order);
    int top = top_.load(order == seq_cst ? seq_cst : acquire);
    if (top > bottom) {
      bottom_.store(bottom + 1, relaxed);
      return 0;
    }
    const int value = slots_[static_cast<unsigned>(bottom)].load(relaxed);
    if (top != bottom) return value;
    const bool won = top_.compare_exchange_strong(top, top + 1, seq_cst, relaxed);
    bottom_.store(bottom + 1, relaxed);
    return won ? value : 0;
  }
  int steal() {
    int top = top_.load(seq_cst);
    if (top >= bottom_.load(seq_cst)) return 0;
    const int value = slots_[static_cast<unsigned>(top)].load(relaxed);
    return top_.compare_exchange_strong(top, top + 1, seq_cst, relaxed) ? value : 0;
  }

 private:
  atomic<int> top_{0};
  atomic<int> bottom_{2};
  std::array<atomic<int>, 2> slots_;
};

void pop_against_steal(std::memory_order order_of_pop) {
  small_deque deque;
  std::array<int, 4> taken{};
  model::thread("owner", [&] { taken[0] = deque.pop(order_of_pop); });
  model::thread("thief", [&] {
    taken[1] = deque.steal();
    taken[2] = deque.steal();
  });
  model::join();
  taken[3] = deque.pop(seq_cst);
  int first = 0;
  int second = 0;
  for (const int value : taken) {
    first += value == 1 ? 1 : 0;
    second += value == 2 ? 1 : 0;
  }
  model::check(first <= 1 && second <= 1, "an element was taken twice");
}

/// A message behind a flag.
void publish(std::memory_order order_of_flag) {
  int message = 0;
  atomic<int> flag{0};
  model::thread("writer", [&] {
    message = 7;
    flag.store(1, order_of_flag);
  });
  model::thread("reader", [&] {
    if (flag.load(acquire) == 1) model::check(message == 7, "the message is there");
  });
  model::join();
}

}  // namespace

MODEL(specimen_store_buffer, {.must_fail_with = "neither saw the other"}) {
  announce_and_look(release, acquire);
}
MODEL(specimen_store_buffer_right, {}) { announce_and_look(seq_cst, seq_cst); }

MODEL(specimen_lost_wake_up, {.must_fail_with = "deadlock"}) { park(false); }
MODEL(specimen_lost_wake_up_right, {}) { park(true); }

MODEL(specimen_deque_pop, {.must_fail_with = "taken twice"}) { pop_against_steal(release); }
MODEL(specimen_deque_pop_right, {}) { pop_against_steal(seq_cst); }

MODEL(specimen_publication, {.must_fail_with = "data race"}) { publish(relaxed); }
MODEL(specimen_publication_right, {}) { publish(release); }

MODEL(specimen_use_after_free, {.must_fail_with = "freed"}) {
  auto* word = new atomic<int>(1);
  atomic<int> deleted{0};
  model::thread("deletes", [&] {
    delete word;
    deleted.store(1, release);
  });
  model::thread("uses", [&] {
    if (deleted.load(acquire) == 1) word->store(2, seq_cst);
  });
  model::join();
}

MODEL(specimen_livelock, {.must_fail_with = "livelock"}) {
  atomic<int> word{0};
  model::thread("waits", [&] {
    while (word.load(acquire) == 0) model::pause();
  });
  model::join();
}
