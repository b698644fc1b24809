// SPDX-License-Identifier: MIT
// The untyped channel: one lock, a buffer, a list of waiting receivers and one of waiting senders.
//
// Invariants while the lock is free (dead waiters, whose goroutine was claimed elsewhere, aside):
//  1. Not both lists have waiters, but for one select that waits on both sides of one channel.
//  2. A buffer with elements: no receiver waits. A buffer with room: no sender waits.
//  3. Closed: nobody waits.
// An operation completes at one instant under the lock; what it completes on the other side is
// complete as well, so a woken goroutine never contends again, and nobody can overtake it.
//
// Elements travel by move construction, by the table `element_type`. Trivial ones (trivially
// copyable) live in a ring. Others live in cells: a receiver takes the cell under the lock, and
// moves out and destroys the rest in its own goroutine after the unlock; then the cell goes back
// through a list of free ones. So no destructor and no assignment of the user runs under the lock.
// A channel has as many cells as its capacity, and makes another one only while receivers hold
// cells. An exception that a move throws is the receiver's: it stands in the cell, in the place of
// the element.
//
// A channel lives while it has handles or waiters: a handle's count is not touched by operations.
// The last handle finds, under the lock, whether somebody still waits; then the last waiter to
// leave frees the channel.
// Rejected: a lock-free ring beside locked waiters (a string of lost-wake-up bugs elsewhere), and a
// reference for each parked operation (two RMWs more for each wait).
#pragma once

#include <burrow/detail/bubble.hpp>
#include <burrow/detail/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>

namespace burrow::detail {

/// The size of a trivial element, as far as operations on it are concerned; all others are alike.
inline constexpr std::size_t not_trivial = static_cast<std::size_t>(-1);

/// What a channel knows about its elements.
struct element_type {
  std::uint32_t size;
  bool trivial;
  /// Constructs at `to` from the value at `from`. May throw.
  void (*move)(void* to, void* from);
  void (*destroy)(void* at) noexcept;
};

/// Where a send takes an element from that is not trivial.
struct element_source {
  /// Constructs the element at `to` and leaves what it came from as a move does. May throw.
  void (*move)(void* to, element_source& from);
};

/// A buffered element that is not trivial; the element follows the header.
struct chan_cell {
  chan_cell* next;
  bool failed;  // the move into the cell threw: a std::exception_ptr is here instead
  alignas(16) std::byte element[1];  // as large as the element type says
};

/// A send or a receive that is being tried or waits.
struct chan_waiter : waiter {
  bool delivered = false;  // receive: a value was received; send: it was sent
  bool has_cell = false;   // receive: `cell` holds the element
  void* value = nullptr;   // receive: where to construct the element. send: where it is, or its
                           // element_source if it is not trivial
  union {
    std::exception_ptr* error = nullptr;  // where a move that throws leaves its exception
    chan_cell* cell;                      // a buffered element that is this receiver's now
  };
};

class alignas(64) chan_core : public wait_source {
 public:
  /// Throws std::bad_alloc; std::length_error "makechan: size out of range".
  static chan_core* make(const element_type& element, std::size_t capacity);

  void retain() noexcept { references_.fetch_add(1, relaxed); }
  void release_handle() noexcept {
    // acq_rel: the last one sees what all others did; pairs with itself.
    if (references_.fetch_sub(1, acq_rel) == 1) last_handle_gone();
  }

  /// 0: made outside of bubbles.
  std::uint16_t bubble() const noexcept { return bubble_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept { return count_.load(relaxed); }

  // Looks without the lock; see operation_type::ready.
  bool may_receive() const noexcept {
    return count_.load(acquire) != 0 || !senders_.empty() || closed_.load(acquire);
  }
  bool may_send() const noexcept {
    return count_.load(acquire) < capacity_ || !receivers_.empty() || closed_.load(acquire);
  }

  // Under the lock. True: completed (w.delivered tells how; a send that finds the channel closed
  // completes with w.closed, one for which there is no memory with *w.error).
  // `Size` is that of the elements, so that copying one is an instruction or two.
  template <std::size_t Size>
  BURROW_ALWAYS_INLINE bool try_receive(chan_waiter& w, goroutine*& woken) noexcept {
    if (bubble_ != 0) [[unlikely]]
      check_bubble(bubble_);
    if (const std::size_t count = count_.load(relaxed); count != 0) {
      receive_buffered<Size>(w, count - 1);
      if (!senders_.empty()) refill<Size>(woken, count - 1);
      return true;
    }
    if (chan_waiter* sender = pop_claimed(senders_)) {
      transfer<Size>(w.value, sender->value, w);
      w.delivered = true;
      sender->delivered = true;
      woken = sender->who;
      return true;
    }
    if (!closed_.load(relaxed)) return false;
    w.closed = true;
    return true;
  }
  template <std::size_t Size>
  BURROW_ALWAYS_INLINE bool try_send(chan_waiter& w, goroutine*& woken) noexcept {
    if (bubble_ != 0) [[unlikely]]
      check_bubble(bubble_);
    if (closed_.load(relaxed)) [[unlikely]] {
      w.closed = true;
      return true;
    }
    if (chan_waiter* receiver = pop_claimed(receivers_)) {
      transfer<Size>(receiver->value, w.value, *receiver);
      receiver->delivered = true;
      w.delivered = true;
      woken = receiver->who;
      return true;
    }
    const std::size_t count = count_.load(relaxed);
    if (count == capacity_) return false;
    push<Size>(w, count);
    return true;
  }

  void enlist_receiver(chan_waiter& w) noexcept {
    if (w.who->bubble != bubble_) [[unlikely]]
      wait_outside(*w.who, bubble_);
    receivers_.push_back(w);
  }
  void enlist_sender(chan_waiter& w) noexcept {
    if (w.who->bubble != bubble_) [[unlikely]]
      wait_outside(*w.who, bubble_);
    senders_.push_back(w);
  }
  /// Takes the lock; frees the channel if this was the last to leave one without handles.
  void leave_receivers(chan_waiter& w) noexcept { leave(receivers_, w); }
  void leave_senders(chan_waiter& w) noexcept { leave(senders_, w); }

  /// After the unlock, by a receiver that got a cell: moves the element to `to`. Throws what the
  /// move into the cell or out of it threw; the cell is free again all the same.
  void take_cell(chan_cell* cell, void* to);

  /// False: it was closed already.
  bool close() noexcept;
  bool is_closed() const noexcept { return closed_.load(acquire); }

  void destroy() noexcept;

 private:
  chan_core(const element_type& element, std::size_t capacity) noexcept
      : capacity_(capacity), element_(&element) {}
  ~chan_core() = default;

  bool is_orphan() const noexcept {
    return orphaned_ && lost_ == 0 && receivers_.front() == nullptr && senders_.front() == nullptr;
  }
  void last_handle_gone() noexcept;
  void leave(wait_list& list, chan_waiter& w) noexcept;

  /// As wait_list::pop_claimed(), but counts those that are taken off in vain: their goroutines
  /// were claimed elsewhere, and will still take this channel's lock to leave.
  chan_waiter* pop_claimed(wait_list& list) noexcept {
    while (waiter* w = list.front()) {
      list.pop_front(*w);
      if (w->claim()) return static_cast<chan_waiter*>(w);
      ++lost_;
    }
    return nullptr;
  }

  std::byte* ring() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  chan_cell** cells() noexcept { return reinterpret_cast<chan_cell**>(this + 1); }

  std::size_t wrap(std::size_t i) const noexcept { return i >= capacity_ ? i - capacity_ : i; }

  template <std::size_t Size>
  void receive_buffered(chan_waiter& w, std::size_t left) noexcept {
    if constexpr (Size == not_trivial) {
      w.cell = cells()[head_];
      w.has_cell = true;
    } else {
      std::memcpy(w.value, ring() + head_ * Size, Size);
    }
    w.delivered = true;
    head_ = wrap(head_ + 1);
    count_.store(left, release);  // release: pairs with the acquire in may_send()
  }

  /// Into the buffer, which has room.
  template <std::size_t Size>
  void push(chan_waiter& w, std::size_t count) noexcept {
    if constexpr (Size == not_trivial) {
      push_cell(w, count);
    } else {
      std::memcpy(ring() + wrap(head_ + count) * Size, w.value, Size);
      w.delivered = true;
      count_.store(count + 1, release);  // release: pairs with the acquire in may_receive()
    }
  }

  /// The buffer has room again: the sender that waits longest goes on.
  template <std::size_t Size>
  BURROW_NOINLINE void refill(goroutine*& woken, std::size_t count) noexcept {
    chan_waiter* sender = pop_claimed(senders_);
    if (sender == nullptr) return;
    push<Size>(*sender, count);
    woken = sender->who;
  }

  /// An exception of the move is the receiver's.
  template <std::size_t Size>
  void transfer(void* to, void* from, chan_waiter& receiver) noexcept {
    if constexpr (Size == not_trivial) {
      move_element(to, from, receiver);
    } else {
      std::memcpy(to, from, Size);
    }
  }

  void move_element(void* to, void* from, chan_waiter& receiver) noexcept;
  void push_cell(chan_waiter& w, std::size_t count) noexcept;
  chan_cell* free_cell() noexcept;
  void clear(chan_cell& cell) noexcept;
  void free_all_cells() noexcept;

  // The first cache line, with the lock, is what every operation touches.
  wait_list receivers_;
  wait_list senders_;
  atomic<std::size_t> count_{0};  // written under the lock
  std::size_t head_ = 0;          // under the lock
  atomic<bool> closed_{false};    // written under the lock
  bool orphaned_ = false;         // under the lock: no handle is left
  const std::uint16_t bubble_ = bubble_here();
  std::uint32_t lost_ = 0;  // under the lock, see pop_claimed()

  const std::size_t capacity_;
  const element_type* element_;
  chan_cell* free_cells_ = nullptr;             // under the lock
  atomic<chan_cell*> returned_cells_{nullptr};  // pushed by receivers, taken whole under the lock
  atomic<std::uint32_t> references_{1};
};

}  // namespace burrow::detail
