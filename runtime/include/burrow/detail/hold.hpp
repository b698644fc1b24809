// SPDX-License-Identifier: MIT
// What guard() gives: a lock that is held until the end of a block.
#pragma once

#include <burrow/detail/operation.hpp>

#include <coroutine>
#include <utility>

namespace burrow::detail {

/// Which of a lock's two ways of being held.
enum class hold_kind { exclusive, shared };

/// Holds a lock; releases it when it is destroyed, on any thread. Movable; a moved-from one holds
/// nothing.
template <class Lock, hold_kind Kind>
class [[nodiscard("a guard that is not kept releases its lock at once")]] hold {
 public:
  /// The lock is held already.
  explicit hold(Lock& lock) noexcept : lock_(&lock) {}
  hold(hold&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
  hold& operator=(hold&& other) noexcept {
    if (this != &other) {
      unlock();
      lock_ = std::exchange(other.lock_, nullptr);
    }
    return *this;
  }
  hold(const hold&) = delete;
  hold& operator=(const hold&) = delete;
  ~hold() { unlock(); }

  /// Releases the lock before the end of the block; does nothing if that has happened.
  void unlock() noexcept {
    Lock* held = std::exchange(lock_, nullptr);
    if (held == nullptr) return;
    if constexpr (Kind == hold_kind::exclusive) {
      held->unlock();
    } else {
      held->runlock();
    }
  }
  bool owns_lock() const noexcept { return lock_ != nullptr; }

 private:
  Lock* lock_;
};

/// Awaits the operation `Op` and gives a guard. No case of a select, which would drop the guard.
template <class Op, class Lock, hold_kind Kind>
class [[nodiscard("a guard is awaited and kept: auto held = co_await mu.guard();")]] guard_form {
 public:
  guard_form(Op&& op, Lock& lock) noexcept : op_(std::move(op)), lock_(lock) {}
  guard_form(guard_form&&) noexcept = default;

  guard_form&& bind(goroutine& g) && noexcept {
    op_.who = &g;
    op_.prepare();
    return std::move(*this);
  }

  bool await_ready() noexcept { return op_.await_ready(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    return op_.await_suspend(h);
  }
  hold<Lock, Kind> await_resume() {
    op_.await_resume();
    return hold<Lock, Kind>(lock_);
  }

 private:
  Op op_;
  Lock& lock_;
};

}  // namespace burrow::detail
