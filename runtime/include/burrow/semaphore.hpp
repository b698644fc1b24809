// SPDX-License-Identifier: MIT
// semaphore: weighted, first come, first served.
//
// All state is guarded by one lock. Who releases claims those at the head of the queue whose
// requests fit, and takes their units for them in the same critical section; so no unit is ever on
// its way, and nobody can come between. Rejected: a fast path beside the queue, as a mutex has; to
// decide whether a request may overtake takes the queue.
#pragma once

#include <burrow/detail/context_first.hpp>
#include <burrow/detail/operation.hpp>

#include <concepts>
#include <cstdint>

namespace burrow {

namespace detail {

struct semaphore_waiter : waiter {
  std::int64_t n = 0;
};

class semaphore_core : public wait_source {
 public:
  explicit semaphore_core(std::int64_t size);  // throws std::invalid_argument

  std::int64_t size() const noexcept { return size_; }
  bool try_acquire(std::int64_t n);
  void release(std::int64_t n);  // throws std::logic_error, std::invalid_argument

  /// Anyone, without the lock; exact under it, and false under the lock's version.
  bool may_acquire(std::int64_t n) const noexcept {
    // acquire: the looks are not later than the caller's next look at the lock's version.
    return queue_.empty() && n <= free_.load(acquire);
  }
  /// Under the lock.
  bool take(std::int64_t n) noexcept {
    if (!may_acquire(n)) return false;
    free_.store(free_.load(relaxed) - n, detail::release);  // release: pairs with may_acquire()
    return true;
  }
  void enlist(semaphore_waiter& w) noexcept { queue_.push_back(w); }
  /// Takes the lock. Those behind a waiter that gives up may fit now.
  void leave(semaphore_waiter& w) noexcept;

 private:
  void grant(wake_list& wakes) noexcept;

  const std::int64_t size_;
  atomic<std::int64_t> free_;  // written under the lock
  wait_list queue_;            // under the lock
};

class [[nodiscard(
    "acquire() does nothing until it is awaited or given to select")]] semaphore_acquire
    : public operation<semaphore_acquire, semaphore_waiter> {
 public:
  static constexpr wait_reason reason = wait_reason::semaphore_acquire;

  semaphore_acquire(semaphore_core& core, std::int64_t units);  // throws std::invalid_argument
  semaphore_acquire(semaphore_acquire&& other) noexcept : core_(other.core_) { n = other.n; }

  /// A request for more than there ever is waits forever, and nobody waits behind it (SM5).
  wait_source* source() const noexcept { return n <= core_->size() ? core_ : nullptr; }
  bool ready() const noexcept { return core_->may_acquire(n); }
  bool attempt(goroutine*&) noexcept { return core_->take(n); }
  void enlist() noexcept { core_->enlist(*this); }
  void leave() noexcept { core_->leave(*this); }
  void result() const noexcept {}

 private:
  semaphore_core* core_;
};

}  // namespace detail

/// A number of units that goroutines take and give back. Requests are served in the order in which
/// they came; one that is too big for what is free holds back those behind it, so it is not
/// starved. All functions work on any thread; acquire() is awaited by a goroutine. No allocation.
/// Go: semaphore.Weighted.
class semaphore {
 public:
  /// `n` units, all free. Throws std::invalid_argument if n < 0. Go: semaphore.NewWeighted(n).
  explicit semaphore(std::int64_t n) : core_(n) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  /// Awaited: takes `n` units, and waits until they are free and nobody is before it in the queue.
  /// A request for more than all units waits forever. A case of select: the units are taken if its
  /// case is the one. Throws std::invalid_argument if n < 0; goroutine_exit in a goroutine that was
  /// abandoned. Go: sem.Acquire(context.Background(), n).
  detail::semaphore_acquire acquire(std::int64_t n = 1) BURROW_LIFETIMEBOUND {
    return detail::semaphore_acquire(core_, n);
  }

  /// As acquire(n), but ends with an error when `ctx` does: errc::canceled,
  /// errc::deadline_exceeded; then nothing is taken. Tests `ctx` first. Not a case of select. Go:
  /// sem.Acquire(ctx, n).
  auto acquire(const std::same_as<context> auto& ctx, std::int64_t n = 1) BURROW_LIFETIMEBOUND {
    return detail::context_first(ctx, acquire(n));
  }

  /// Takes `n` units if they are free and nobody waits. Never waits. Throws std::invalid_argument
  /// if n < 0. Go: sem.TryAcquire(n).
  bool try_acquire(std::int64_t n = 1) { return core_.try_acquire(n); }

  /// Gives `n` units back, and serves those at the head of the queue that fit. Throws
  /// std::logic_error "semaphore: released more than held", and then nothing has changed;
  /// std::invalid_argument if n < 0. Go: sem.Release(n).
  void release(std::int64_t n = 1) { core_.release(n); }

 private:
  detail::semaphore_core core_;
};

}  // namespace burrow
