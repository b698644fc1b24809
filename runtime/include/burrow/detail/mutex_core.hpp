// SPDX-License-Identifier: MIT
// A mutex, and the operation of locking it.
//
// The word tells whether the mutex is held, whether its holder has to look at the queue, and
// whether one of the queue was woken and is on its way. Nobody queued: lock and unlock are one
// compare-and- swap each. Somebody queued: unlock takes the lock of the queue and chooses between
// two ways.
//
//   *Waking*: the first in the queue awaits lock() and was not beaten yet. It is woken without the
//     mutex, which it has to take like anybody else; so whoever unlocks and locks again at once
//     goes on, instead of switching goroutines at each turn. If it finds the mutex gone, it goes
//     back to the front of the queue. While it is on its way, unlock wakes nobody else.
//   *Handing over*: the first in the queue was beaten once, or is a case of a select. It gets the
//   mutex
//     with the claim; the word stays "held". For a case that is claimed has happened, it cannot try
//     again.
//
// So nobody is overtaken more than once by those who run, and never by those who came later and
// wait. A goroutine whose budget is used up yields before it takes the mutex, not with the mutex in
// hand.
//
// The word, while "held" and "queued" are set and "woken" is not, changes only under the queue's
// lock: that is what lets a select rely on "not ready" (see ready()).
//
// A mutex may be destroyed by whoever held it last, as soon as its unlock() has returned. What
// remains to be done by an earlier unlock() once another can have the mutex is to release the
// queue's lock; the next unlock() sees that lock held, because it was taken before the word
// changed, and waits for it.
//
// Rejected: always handing over (four goroutines that share a lock then switch at each unlock, 30
// ns instead of 4); guarding the word by the queue's lock (two pairs of lock and unlock are 9 ns,
// where two compare-and-swaps are 4); a coroutine around the wait, to look again (it needs memory).
#pragma once

#include <burrow/detail/operation.hpp>
#include <burrow/detail/resume_hook.hpp>

#include <coroutine>
#include <cstdint>

namespace burrow::detail {

/// One that waits for a mutex.
struct mutex_waiter : waiter {
  // Written by the waiter before it is linked:
  bool contends = false;  // may be woken without the mutex
  // Written by who claims it:
  bool owns = false;      // the mutex was handed over
  bool is_woken = false;  // the mutex's `woken` is for this one
};

class mutex_core : public wait_source {
 public:
  bool try_lock() noexcept {
    std::uint32_t s = state_.load(relaxed);
    while ((s & held) == 0) {
      // acquire: sees what the last holder wrote; pairs with the releases of unlock().
      if (state_.compare_exchange_weak(s, s | held, acquire, relaxed)) return true;
    }
    return false;
  }

  void unlock() noexcept {
    std::uint32_t s = state_.load(relaxed);
    const bool quick =
        (s & held) != 0 && (s & (queued | woken)) != queued && !wait_lock::is_held(lock.version());
    // release: publishes what this holder wrote; pairs with the acquire in try_lock().
    if (quick && state_.compare_exchange_strong(s, s & ~held, release, relaxed)) return;
    unlock_slowly();
  }

  /// Anyone. False: it is held, and stays so until somebody has taken the queue's lock.
  bool may_be_free() const noexcept {
    // acquire: the look is not later than the caller's next look at the lock's version.
    return (state_.load(acquire) & (held | queued | woken)) != (held | queued);
  }
  /// Anyone; a glimpse.
  bool is_held() const noexcept { return (state_.load(relaxed) & held) != 0; }

  /// Under the lock. False: the mutex is held, and unlock() will look at the queue. `settled`: not
  /// even the goroutine that was woken can be relied on to come and take the mutex.
  bool lock_or_note(bool settled) noexcept;
  /// By the goroutine that was woken: takes the mutex. False: it is held.
  bool try_lock_woken() noexcept;

  wait_list waiters;  // of mutex_waiter; under the lock

 private:
  static constexpr std::uint32_t held = 1;
  static constexpr std::uint32_t queued = 2;  // whoever unlocks has to look at the queue,
  static constexpr std::uint32_t woken = 4;   // unless one of the queue is on its way

  void unlock_slowly() noexcept;
  waiter* choose_next(std::uint32_t& next_state) noexcept;

  atomic<std::uint32_t> state_{0};  // any thread; see above
};

/// What lock() returns. As a case of a select it is an operation like others; awaited alone it may
/// have to look more than once before its goroutine goes on, so it is its own awaiter.
class [[nodiscard("lock() does nothing until it is awaited or given to select")]] mutex_lock
    : public mutex_waiter,
      public operation_tag,
      private resume_hook {
 public:
  static constexpr wait_reason reason = wait_reason::mutex_lock;

  explicit mutex_lock(mutex_core& core) noexcept : core_(&core) {}
  mutex_lock(mutex_lock&& other) noexcept : mutex_lock(*other.core_) {}
  mutex_lock& operator=(mutex_lock&&) = delete;

  // --- a case of a select ------------------------------------------------------------------------

  void prepare() noexcept {}
  wait_source* source() const noexcept { return core_; }
  bool ready() const noexcept { return core_->may_be_free(); }
  bool attempt(goroutine*&) noexcept { return core_->lock_or_note(true); }
  void enlist() noexcept { core_->waiters.push_back(*this); }
  void leave() noexcept;
  void settle() noexcept {}
  void result() noexcept {}

  // --- awaited alone -----------------------------------------------------------------------------

  bool await_ready() noexcept {
    if (who->budget > 1) [[likely]] {
      if (!core_->try_lock()) return false;
      --who->budget;
      return true;
    }
    refused_ = who->exiting && !who->shielded;
    return refused_;
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept;
  void await_resume() const {
    if (refused_) throw goroutine_exit{};
  }

  /// By a cond, whose goroutine is not waiting at the moment: takes the mutex, or parks until it
  /// has it and then goes on with `h`. Abandonment does not end that. False: parked.
  bool lock_firmly(std::coroutine_handle<> h) noexcept;

 private:
  static void on_resume(resume_hook* hook) noexcept;
  bool take_or_park() noexcept;
  bool was_abandoned() noexcept;

  mutex_core* core_;
  bool firm_ = false;
  bool parked_ = false;
  bool refused_ = false;
};

}  // namespace burrow::detail
