// SPDX-License-Identifier: MIT
// A worker's queue of runnable goroutines: a ring of fixed size, first in, first out. The owner
// pushes and pops; others steal half. When it is full, half of it moves to the global queue.
//
// `tail_` is written by the owner alone; `head_` moves by compare-and-swap, by the owner (pop) and
// by thieves. A slot is read before the swap that takes it, so slots are atomic; a value that was
// read in vain is dropped. Indices count up and wrap; 2^32 pops during one steal would confuse it.
#pragma once

#include <burrow/detail/goroutine.hpp>
#include <burrow/detail/lock.hpp>

#include <array>
#include <cstdint>

namespace burrow::detail {

class run_queue {
 public:
#ifdef BURROW_MODEL
  static constexpr std::uint32_t capacity = 4;  // a model fills it
#else
  static constexpr std::uint32_t capacity = 256;
#endif

  /// Owner. False: full. seq_cst: the push is ordered before the look at the idle workers that
  /// follows it; pairs with the seq_cst looks of a worker that is about to park (see idle_set).
  bool push(goroutine* g) noexcept {
    const std::uint32_t tail = tail_.load(relaxed);
    // acquire: the slot is free once its last reader's swap is seen; pairs with pop() and steal().
    if (tail - head_.load(acquire) >= capacity) return false;
    slots_[tail % capacity].store(g, relaxed);
    tail_.store(tail + 1, seq_cst);
    return true;
  }

  /// Owner. As push(), where nobody needs to be woken: release publishes the slot to thieves.
  bool push_quietly(goroutine* g) noexcept {
    const std::uint32_t tail = tail_.load(relaxed);
    if (tail - head_.load(acquire) >= capacity) return false;
    slots_[tail % capacity].store(g, relaxed);
    tail_.store(tail + 1, release);
    return true;
  }

  /// Owner. Null: empty.
  goroutine* pop() noexcept {
    std::uint32_t head = head_.load(relaxed);
    while (head != tail_.load(relaxed)) {
      goroutine* g = slots_[head % capacity].load(relaxed);
      // release: the slot may be reused; pairs with the acquire in push().
      if (head_.compare_exchange_weak(head, head + 1, acq_rel, relaxed)) return g;
    }
    return nullptr;
  }

  /// A thief, which owns `into`, empty: moves half of this queue there and returns one of them.
  goroutine* steal_into(run_queue& into) noexcept {
    const std::uint32_t to = into.tail_.load(relaxed);
    std::uint32_t head = head_.load(acquire);
    for (;;) {
      // acquire: sees the slots; pairs with the stores in push().
      const std::uint32_t available = tail_.load(acquire) - head;
      if (available == 0) return nullptr;
      const std::uint32_t count = available - available / 2;
      if (count > capacity / 2) {  // head and tail were read at different times
        head = head_.load(acquire);
        continue;
      }
      for (std::uint32_t i = 0; i < count; ++i) {
        goroutine* g = slots_[(head + i) % capacity].load(relaxed);
        into.slots_[(to + i) % capacity].store(g, relaxed);
      }
      if (head_.compare_exchange_weak(head, head + count, acq_rel, acquire)) {
        goroutine* first = into.slots_[(to + count - 1) % capacity].load(relaxed);
        into.tail_.store(to + count - 1, release);
        return first;
      }
    }
  }

  /// Owner: takes half of a full queue, linked through `next`; returns how many.
  std::uint32_t take_half(goroutine*& first, goroutine*& last) noexcept {
    std::uint32_t head = head_.load(relaxed);
    const std::uint32_t count = capacity / 2;
    for (;;) {
      if (tail_.load(relaxed) - head < count) return 0;  // thieves were faster
      if (head_.compare_exchange_weak(head, head + count, acq_rel, relaxed)) break;
    }
    first = slots_[head % capacity].load(relaxed);
    last = first;
    for (std::uint32_t i = 1; i < count; ++i) {
      last->next = slots_[(head + i) % capacity].load(relaxed);
      last = last->next;
    }
    last->next = nullptr;
    return count;
  }

  /// Anyone; a glimpse. seq_cst: see push().
  bool empty() const noexcept { return head_.load(seq_cst) == tail_.load(seq_cst); }
  std::uint32_t size() const noexcept { return tail_.load(relaxed) - head_.load(relaxed); }

 private:
  atomic<std::uint32_t> head_{0};
  atomic<std::uint32_t> tail_{0};
  std::array<atomic<goroutine*>, capacity> slots_{};
};

/// The queue of all workers together, for goroutines that come from plain threads and for what
/// does not fit into a worker's own.
class global_queue {
 public:
  void push(goroutine* first, goroutine* last, std::size_t count) noexcept {
    locked hold(lock_);
    last->next = nullptr;
    if (tail_ != nullptr) {
      tail_->next = first;
    } else {
      head_ = first;
    }
    tail_ = last;
    size_.store(size_.load(relaxed) + count, seq_cst);  // seq_cst: see run_queue::push()
  }

  /// Takes up to `most` goroutines, linked through `next`. Null: there is none.
  goroutine* pop(std::size_t most) noexcept {
    if (size_.load(relaxed) == 0) return nullptr;
    locked hold(lock_);
    goroutine* first = head_;
    if (first == nullptr) return nullptr;
    goroutine* last = first;
    std::size_t count = 1;
    while (count < most && last->next != nullptr) {
      last = last->next;
      ++count;
    }
    head_ = last->next;
    if (head_ == nullptr) tail_ = nullptr;
    last->next = nullptr;
    size_.store(size_.load(relaxed) - count, relaxed);
    return first;
  }

  bool empty() const noexcept { return size_.load(seq_cst) == 0; }
  std::size_t size() const noexcept { return size_.load(relaxed); }

 private:
  wait_lock lock_;
  goroutine* head_ = nullptr;
  goroutine* tail_ = nullptr;
  atomic<std::size_t> size_{0};
};

}  // namespace burrow::detail
