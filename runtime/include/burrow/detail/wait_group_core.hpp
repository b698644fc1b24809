// SPDX-License-Identifier: MIT
// A wait group, and the operation of waiting for it.
//
// The word is twice the count, plus one while somebody may wait. add() and done() are one
// read-modify-write each, but for the done() that brings the count to zero while somebody may wait:
// it takes the lock *before* it counts, and releases the waiters under it. So the count reaches
// zero in one of two ways, and in each the step that lets waiters go on is the last touch:
//
//   nobody waits:   the compare-and-swap to 0; who looks later sees 0 and goes on without the lock
//   somebody waits: the word becomes 0 under the lock, waiters are claimed, the lock is released;
//                   who sees the 0 meanwhile sees the lock held as well, and waits for it; the
//                   claimed ones are woken after the release.
//
// Therefore a wait group may be destroyed as soon as a wait() has returned, whoever else called
// done().
//
// Rejected: subtracting first and taking the lock afterwards, if that made it zero (in between,
// another waiter sees zero, returns and destroys what the last done() is about to lock).
#pragma once

#include <burrow/detail/bubble.hpp>
#include <burrow/detail/operation.hpp>

#include <cstdint>
#include <type_traits>

namespace burrow::detail {

class wait_group_core : public wait_source {
 public:
  /// Throws std::logic_error if the count would become negative; then nothing has changed.
  void add(std::int64_t n) {
    if (n < 0) return subtract(-n);
    // relaxed: whoever waits has been told of these by other means (WG4).
    state_.fetch_add(static_cast<std::uint64_t>(n) * one, relaxed);
  }
  void subtract(std::int64_t n) {
    const std::uint64_t change = static_cast<std::uint64_t>(n) * one;
    std::uint64_t s = state_.load(relaxed);
    for (;;) {
      if (s < change || s - change == awaited) return subtract_slowly(change);
      // release: publishes what was done; pairs with the acquires of is_over() and of
      // subtract_slowly(), through the read-modify-writes in between.
      if (state_.compare_exchange_weak(s, s - change, release, relaxed)) return;
    }
  }

  /// Without the lock. True: the count is zero, and nobody who brought it there touches this any
  /// more.
  bool is_over() const noexcept {
    return state_.load(acquire) == 0 && !wait_lock::is_held(lock.version());
  }
  /// Anyone. acquire: as is_over().
  bool is_zero() const noexcept { return state_.load(acquire) == 0; }
  /// Anyone. False: the count is not zero, and will not be before somebody has taken the lock.
  bool may_be_over() const noexcept {
    const std::uint64_t s = state_.load(acquire);
    return s == 0 || (s & awaited) == 0;
  }
  /// Under the lock. False: the count is not zero, and who makes it so will release the waiters.
  bool is_over_or_note() noexcept {
    std::uint64_t s = state_.load(acquire);
    while (s != 0 && (s & awaited) == 0) {
      if (state_.compare_exchange_weak(s, s | awaited, acquire, acquire)) return false;
    }
    return s == 0;
  }

  wait_list waiters;  // under the lock
  const std::uint16_t bubble = std::is_constant_evaluated() ? 0 : bubble_here();

 private:
  static constexpr std::uint64_t awaited = 1;
  static constexpr std::uint64_t one = 2;

  void subtract_slowly(std::uint64_t change);

  atomic<std::uint64_t> state_{0};  // any thread; see above
};

/// Waits for a count of zero; `Self` is the operation that users see.
template <class Self, wait_reason Reason>
class wait_group_wait_as : public operation<Self> {
 public:
  static constexpr wait_reason reason = Reason;

  explicit wait_group_wait_as(wait_group_core& core) noexcept : core_(&core) {}

  bool await_ready() noexcept {
    if (this->who->budget > 1 && core_->is_over()) {
      --this->who->budget;
      return true;
    }
    return operation<Self>::await_ready();
  }

  wait_source* source() const noexcept { return core_; }
  bool ready() const noexcept { return core_->may_be_over(); }
  bool attempt(goroutine*&) noexcept { return core_->is_over_or_note(); }
  void enlist() noexcept {
    if (this->who->bubble != core_->bubble) [[unlikely]]
      wait_outside(*this->who, core_->bubble);
    core_->waiters.push_back(*this);
  }
  void delist() noexcept { core_->waiters.remove(*this); }
  void result() const noexcept {}

 private:
  wait_group_core* core_;
};

class [[nodiscard("wait() does nothing until it is awaited or given to select")]] wait_group_wait
    : public wait_group_wait_as<wait_group_wait, wait_reason::wait_group_wait> {
 public:
  using wait_group_wait_as::wait_group_wait_as;
};

}  // namespace burrow::detail
