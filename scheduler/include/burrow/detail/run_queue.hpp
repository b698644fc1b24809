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

  /// Owner: takes half of a full queue, and leaves room in the list for one more.
  goroutine_list take_half() noexcept {
    goroutine_list list;
    std::uint32_t head = head_.load(relaxed);
    constexpr std::uint32_t count = goroutine_list::most - 1;
    static_assert(count < capacity);
    for (;;) {
      if (tail_.load(relaxed) - head < count) return list;  // thieves were faster
      if (head_.compare_exchange_weak(head, head + count, acq_rel, relaxed)) break;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      list.add(slots_[(head + i) % capacity].load(relaxed));
    }
    return list;
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
  /// Not empty, and at most goroutine_list::most.
  void push(const goroutine_list& list) noexcept {
    list.last->next = nullptr;
    locked hold(lock_);
    if (tail_ != nullptr && tail_->list_length + list.length <= goroutine_list::most) {
      last_->next = list.first;
      tail_->list_length = static_cast<std::uint8_t>(tail_->list_length + list.length);
    } else {
      list.first->list_length = static_cast<std::uint8_t>(list.length);
      list.first->next_list = nullptr;
      (tail_ == nullptr ? head_ : tail_->next_list) = list.first;
      tail_ = list.first;
    }
    last_ = list.last;
    size_.store(size_.load(relaxed) + list.length, seq_cst);  // seq_cst: see run_queue::push()
  }

  /// Takes the longest waiting ones, linked through `next`: all of those that were queued together,
  /// or only the first of them. Null: there is none.
  goroutine* pop(bool only_one) noexcept {
    if (size_.load(relaxed) == 0) return nullptr;
    locked hold(lock_);
    goroutine* const first = head_;
    if (first == nullptr) return nullptr;
    goroutine* const rest = only_one ? first->next : nullptr;
    const std::uint32_t count = rest != nullptr ? 1 : first->list_length;
    head_ = first->next_list;
    if (rest != nullptr) {
      rest->list_length = static_cast<std::uint8_t>(first->list_length - 1);
      rest->next_list = head_;
      head_ = rest;
      first->next = nullptr;
    }
    if (tail_ == first) tail_ = rest;
    size_.store(size_.load(relaxed) - count, relaxed);
    return first;
  }

  bool empty() const noexcept { return size_.load(seq_cst) == 0; }
  std::size_t size() const noexcept { return size_.load(relaxed); }

 private:
  wait_lock lock_;
  goroutine* head_ = nullptr;  // of the first list; the lists are linked through `next_list`
  goroutine* tail_ = nullptr;  // the head of the last list
  goroutine* last_ = nullptr;  // the last goroutine of the last list; stale once all are empty
  atomic<std::size_t> size_{0};
};

}  // namespace burrow::detail
