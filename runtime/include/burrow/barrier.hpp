// SPDX-License-Identifier: MIT
// barrier: goroutines that meet, again and again.
//
// Who arrives last claims all that wait and begins the next phase, under the lock; so nobody of the
// next phase can be counted in this one. The phase that a waiter belongs to is the one in which its
// arrival was counted: it is over as soon as the barrier's phase is another.
#pragma once

#include <burrow/detail/operation.hpp>

#include <cstdint>

namespace burrow {

namespace detail {

class barrier_core : public wait_source {
 public:
  explicit barrier_core(std::int64_t parties);  // throws std::invalid_argument

  /// Counts an arrival; the phase in which it was. Throws std::logic_error if nobody is expected.
  std::uint64_t arrive(bool drop);
  /// Anyone; false under the lock's version. acquire: sees what was done before the others arrived.
  bool is_over(std::uint64_t phase) const noexcept { return phase_.load(acquire) != phase; }

  wait_list waiters;  // under the lock

 private:
  std::int64_t parties_;  // under the lock, both
  std::int64_t missing_;
  atomic<std::uint64_t> phase_{0};  // written under the lock
};

class [[nodiscard("the arrival is counted already: await it, to wait for the others")]] barrier_wait
    : public operation<barrier_wait> {
 public:
  static constexpr wait_reason reason = wait_reason::barrier_wait;

  barrier_wait(barrier_core& core, std::uint64_t phase) noexcept : core_(&core), phase_(phase) {}

  wait_source* source() const noexcept { return core_; }
  bool ready() const noexcept { return core_->is_over(phase_); }
  bool attempt(goroutine*&) noexcept { return core_->is_over(phase_); }
  void enlist() noexcept { core_->waiters.push_back(*this); }
  void delist() noexcept { core_->waiters.remove(*this); }
  void result() const noexcept {}

 private:
  barrier_core* core_;
  std::uint64_t phase_;
};

}  // namespace detail

/// A meeting point for a fixed number of goroutines: nobody passes before all have arrived, then it
/// begins anew. All functions work on any thread; what is awaited is awaited by a goroutine. No
/// allocation. C++: std::barrier.
class barrier {
 public:
  /// For `parties` goroutines. Throws std::invalid_argument if parties < 1.
  explicit barrier(std::int64_t parties) : core_(parties) {}
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;

  /// Arrives now; awaited: waits until all others have. What they did before is seen after it. A
  /// case of select, where the arrival counts although another case was the one. Throws
  /// std::logic_error if all have left; goroutine_exit in a goroutine that was abandoned, which has
  /// arrived all the same.
  detail::barrier_wait arrive_and_wait() BURROW_LIFETIMEBOUND {
    return {core_, core_.arrive(false)};
  }

  /// Arrives now, and is not expected any more. Never waits. Throws as arrive_and_wait().
  void arrive_and_drop() { core_.arrive(true); }

 private:
  detail::barrier_core core_;
};

}  // namespace burrow
