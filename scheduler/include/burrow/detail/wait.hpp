// SPDX-License-Identifier: MIT
// What every wait is made of: the waiter, the wait list, the source, and the operation protocol.
//
// A *source* (a channel, a Context, a set of timers, a lock ...) has one wait_lock and one or more
// wait lists. A *waiter* is a node inside the awaiter, in the goroutine's frame. An *operation* is
// a waiter with a table of functions, which select calls through `operation_type`.
//
// Rules:
//  1. A waiter's links, and `linked`, change only under its source's lock.
//  2. Who completes a waiter pops it and claims its goroutine under the source's lock; a failed
//     claim leaves the node unlinked and otherwise untouched.
//  3. A goroutine whose select was claimed takes the locks of its other sources, one at a time, and
//     unlinks what is still linked, before it goes on. So no list ever holds a dead frame.
//  4. Select takes the locks of all its sources in the order of their addresses, each once.
//  5. Claimed goroutines are handed to the scheduler after the unlock; where they may be many, they
//     are collected in a wake_list.
#pragma once

#include <burrow/detail/goroutine.hpp>
#include <burrow/detail/lock.hpp>

#include <cstdint>

namespace burrow::detail {

struct wait_source {
  wait_lock lock;
};

struct waiter {
  waiter* next;  // set by push_back(), as `previous`
  waiter* previous;
  goroutine* who = nullptr;
  std::uint32_t case_index = 0;
  bool linked = false;
  bool closed = false;  // set by the claimer: the source was closed

  waiter() noexcept {}  // NOLINT(*-member-init): the links need no value while it is not linked
  // An operation may be moved until it is awaited; it is not linked then, and carries nothing over.
  waiter(waiter&&) noexcept : waiter() {}
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;
  ~waiter() = default;

  bool claim() noexcept { return who->word.claim(case_index); }
};

/// Goroutines that were claimed and are to be handed to the scheduler, linked through `next`.
class wake_list {
 public:
  void add(goroutine* g) noexcept {
    g->next = nullptr;
    (head_ == nullptr ? head_ : tail_->next) = g;
    tail_ = g;
    ++size_;
  }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return head_ == nullptr; }
  goroutine* pop() noexcept {
    goroutine* g = head_;
    if (g != nullptr) {
      head_ = g->next;
      --size_;
    }
    return g;
  }

 private:
  goroutine* head_ = nullptr;
  goroutine* tail_ = nullptr;  // stale once the list is empty
  std::size_t size_ = 0;
};

/// First in, first out; O(1) removal anywhere. Guarded by the source's lock; `empty()` may be read
/// by anyone, under the source's version.
class wait_list {
 public:
  bool empty() const noexcept { return head_.load(acquire) == nullptr; }
  waiter* front() const noexcept { return head_.load(relaxed); }

  void push_back(waiter& w) noexcept {
    w.linked = true;
    w.next = nullptr;
    w.previous = tail_;
    if (tail_ != nullptr) {
      tail_->next = &w;
    } else {
      head_.store(&w, release);  // release: pairs with the acquire in empty()
    }
    tail_ = &w;
  }

  /// For one that was at the front already and has to wait on.
  void push_front(waiter& w) noexcept {
    waiter* const first = front();
    w.linked = true;
    w.next = first;
    w.previous = nullptr;
    if (first != nullptr) {
      first->previous = &w;
    } else {
      tail_ = &w;
    }
    head_.store(&w, release);  // release: pairs with the acquire in empty()
  }

  void remove(waiter& w) noexcept {
    if (w.next != nullptr) {
      w.next->previous = w.previous;
    } else {
      tail_ = w.previous;
    }
    if (w.previous != nullptr) {
      w.previous->next = w.next;
    } else {
      head_.store(w.next, release);  // release: pairs with the acquire in empty()
    }
    w.linked = false;
  }

  void pop_front(waiter& w) noexcept {
    head_.store(w.next, release);  // release: pairs with the acquire in empty()
    if (w.next != nullptr) {
      w.next->previous = nullptr;
    } else {
      tail_ = nullptr;
    }
    w.linked = false;
  }

  /// Takes the first waiter whose goroutine can be claimed, and claims it. Null: there is none.
  waiter* pop_claimed() noexcept {
    while (waiter* w = head_.load(relaxed)) {
      pop_front(*w);
      if (w->claim()) return w;
    }
    return nullptr;
  }

  /// Claims all that can be claimed.
  void claim_all(wake_list& wakes) noexcept {
    while (waiter* w = pop_claimed()) wakes.add(w->who);
  }

 private:
  atomic<waiter*> head_{nullptr};
  waiter* tail_ = nullptr;
};

/// How select works with a kind of operation.
struct operation_type {
  /// Once `who` is set, before anything else. Returns the source; null: never ready.
  wait_source* (*prepare)(waiter&) noexcept;
  /// A look without a lock; true may be stale, false holds if the source's version did not change.
  bool (*ready)(const waiter&) noexcept;
  /// Under the lock: completes the operation if it can be completed now. That may claim one other
  /// goroutine, which the caller wakes after the unlock; a failure claims none.
  bool (*attempt)(waiter&, goroutine*& woken) noexcept;
  /// Under the lock: waits.
  void (*enlist)(waiter&) noexcept;
  /// By a goroutine that was resumed by another case: takes the lock, and waits no more.
  void (*leave)(waiter&) noexcept;
  /// After the unlock that follows an attempt that completed it.
  void (*settle)(waiter&) noexcept;
  /// By the goroutine, when this case was the one. May throw.
  void (*result)(waiter&);
};

/// One case of a select: which operation, of which kind, on which source (null: never ready).
struct case_ref {
  waiter* node = nullptr;
  wait_source* source = nullptr;
  const operation_type* type = nullptr;
};

}  // namespace burrow::detail
