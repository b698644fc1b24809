// SPDX-License-Identifier: MIT
// A lock for many readers or one writer, and the operations of taking it.
//
// The word tells whether a writer has it, how many readers have, and whether somebody is queued.
// While nobody is, each operation is one compare-and-swap. Once somebody is, every change is made
// under the lock of the queues, by whoever has set `queued`, and what becomes free is handed over:
//
//   - A writer that waits holds back new readers (RW2), and waits only for those that read now
//     (RW4).
//   - When a writer is through, all readers that have queued get it, before the next writer (RW3);
//     when the last reader is, the first writer gets it.
//   - When a waiting writer gives up (another case of its select was chosen, or it was abandoned)
//     and it was the last, the readers that it held back get it.
//
// As with a mutex, the last touch of an operation that hands over is the release of the queues'
// lock, and the fast paths take the slow way while they see that lock held; so whoever has it last
// may destroy the rw_mutex.
#pragma once

#include <burrow/detail/operation.hpp>
#include <burrow/detail/resume_hook.hpp>

#include <coroutine>
#include <cstdint>

namespace burrow::detail {

class rw_mutex_core : public wait_source {
 public:
  bool try_lock() noexcept {
    std::uint32_t s = 0;
    // acquire: sees what earlier holders wrote; pairs with the releases of unlock() and runlock().
    return state_.compare_exchange_strong(s, writer, acquire, relaxed) || try_lock_slowly(s);
  }
  bool try_rlock() noexcept {
    std::uint32_t s = state_.load(relaxed);
    while ((s & (writer | queued)) == 0) {
      // acquire: as try_lock().
      if (state_.compare_exchange_weak(s, s + reader, acquire, relaxed)) return true;
    }
    return (s & writer) == 0 && try_rlock_slowly();
  }

  void unlock() noexcept {
    std::uint32_t s = writer;
    // release: publishes what the writer wrote; pairs with the acquires of whoever takes it next.
    if (!wait_lock::is_held(lock.version()) &&
        state_.compare_exchange_strong(s, 0, release, relaxed)) {
      return;
    }
    unlock_slowly();
  }
  void runlock() noexcept {
    std::uint32_t s = state_.load(relaxed);
    while (s >= reader && (s & queued) == 0 && !wait_lock::is_held(lock.version())) {
      // release: a writer comes after what was read; pairs with the acquire in try_lock().
      if (state_.compare_exchange_weak(s, s - reader, release, relaxed)) return;
    }
    runlock_slowly();
  }

  // Anyone, without the lock. False: it cannot be taken, before somebody has taken the lock.
  bool may_lock() const noexcept {
    const std::uint32_t s = state_.load(acquire);
    return (s & queued) == 0 || s == queued;
  }
  bool may_rlock() const noexcept {
    const std::uint32_t s = state_.load(acquire);
    return (s & queued) == 0 || ((s & writer) == 0 && writers_.empty());
  }

  // Under the lock. False: not now, and who gives it back will look at the queues.
  bool lock_or_note() noexcept;
  bool rlock_or_note() noexcept;
  void enlist(waiter& w, bool shared) noexcept { (shared ? readers_ : writers_).push_back(w); }

  /// Takes the lock: the waiter was resumed by something else.
  void leave(waiter& w, bool shared) noexcept;

 private:
  static constexpr std::uint32_t writer = 1;
  static constexpr std::uint32_t queued = 2;
  static constexpr std::uint32_t reader = 4;

  bool try_lock_slowly(std::uint32_t seen) noexcept;
  bool try_rlock_slowly() noexcept;
  void unlock_slowly() noexcept;
  void runlock_slowly() noexcept;
  std::uint32_t own_state() noexcept;
  void publish_state(std::uint32_t s) noexcept;
  std::uint32_t grant_readers(wake_list& wakes) noexcept;
  bool grant_writer(wake_list& wakes) noexcept;

  atomic<std::uint32_t> state_{0};  // any thread; see above
  wait_list readers_;               // under the lock
  wait_list writers_;               // under the lock
};

/// What lock() and rlock() return. Whose budget is used up yields before it takes the lock, not
/// with the lock in its hands, where all others would queue up behind it.
template <bool Shared>
class [[nodiscard("this does nothing until it is awaited or given to select")]] rw_mutex_lock
    : public operation<rw_mutex_lock<Shared>>,
      private resume_hook {
  using base = operation<rw_mutex_lock<Shared>>;

 public:
  static constexpr wait_reason reason =
      Shared ? wait_reason::rw_mutex_rlock : wait_reason::rw_mutex_lock;

  explicit rw_mutex_lock(rw_mutex_core& core) noexcept : core_(&core) {}
  rw_mutex_lock(rw_mutex_lock&& other) noexcept : core_(other.core_) {}

  bool await_ready() noexcept {
    if (this->who->budget <= 1 || !try_now()) return base::await_ready();
    --this->who->budget;
    return true;
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept;

  wait_source* source() const noexcept { return core_; }
  bool ready() const noexcept { return Shared ? core_->may_rlock() : core_->may_lock(); }
  bool attempt(goroutine*&) noexcept {
    return Shared ? core_->rlock_or_note() : core_->lock_or_note();
  }
  void enlist() noexcept { core_->enlist(*this, Shared); }
  void leave() noexcept { core_->leave(*this, Shared); }
  void result() const noexcept {}

 private:
  static void on_resume(resume_hook* hook) noexcept;
  bool try_now() noexcept { return Shared ? core_->try_rlock() : core_->try_lock(); }

  rw_mutex_core* core_;
};

extern template class rw_mutex_lock<false>;
extern template class rw_mutex_lock<true>;

}  // namespace burrow::detail
