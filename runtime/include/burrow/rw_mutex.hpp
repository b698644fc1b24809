// SPDX-License-Identifier: MIT
// rw_mutex: many readers, or one writer.
#pragma once

#include <burrow/detail/context_first.hpp>
#include <burrow/detail/hold.hpp>
#include <burrow/detail/no_std_guard.hpp>
#include <burrow/detail/rw_mutex_core.hpp>

#include <concepts>

namespace burrow {

/// A lock that many may hold for reading, or one for writing. A writer that waits holds back new
/// readers, so a goroutine must not lock for reading twice. Not owned, and there is no way from
/// reading to writing. All functions work on any thread; what is awaited is awaited by a goroutine.
/// No allocation. Go: sync.RWMutex.
class rw_mutex {
 public:
  rw_mutex() noexcept = default;
  rw_mutex(const rw_mutex&) = delete;
  rw_mutex& operator=(const rw_mutex&) = delete;

  /// Awaited: takes it for writing, alone. A case of select: it is taken if its case is the one.
  /// Throws goroutine_exit in a goroutine that was abandoned. Go: mu.Lock().
  detail::rw_mutex_lock<false> lock() noexcept BURROW_LIFETIMEBOUND {
    return detail::rw_mutex_lock<false>(core_);
  }
  /// As lock(), for reading, together with other readers. Go: mu.RLock().
  detail::rw_mutex_lock<true> rlock() noexcept BURROW_LIFETIMEBOUND {
    return detail::rw_mutex_lock<true>(core_);
  }

  /// As lock() and rlock(), but they end with an error when `ctx` does: errc::canceled,
  /// errc::deadline_exceeded; then nothing is taken. They test `ctx` first. Not cases of select.
  auto lock(const std::same_as<context> auto& ctx) BURROW_LIFETIMEBOUND {
    return detail::context_first(ctx, lock());
  }
  auto rlock(const std::same_as<context> auto& ctx) BURROW_LIFETIMEBOUND {
    return detail::context_first(ctx, rlock());
  }

  /// As lock() and rlock(), and give an object that gives it back when it is destroyed:
  /// `auto held = co_await mu.rguard();`. Not cases of select.
  auto guard() noexcept BURROW_LIFETIMEBOUND {
    return detail::guard_form<detail::rw_mutex_lock<false>, rw_mutex, detail::hold_kind::exclusive>(
        lock(), *this);
  }
  auto rguard() noexcept BURROW_LIFETIMEBOUND {
    return detail::guard_form<detail::rw_mutex_lock<true>, rw_mutex, detail::hold_kind::shared>(
        rlock(), *this);
  }

  /// Take it if that is possible at once: try_lock() if nobody has it, try_rlock() if no writer has
  /// it or waits for it. Never wait. Go: mu.TryLock(), mu.TryRLock().
  bool try_lock() noexcept { return core_.try_lock(); }
  bool try_rlock() noexcept { return core_.try_rlock(); }

  /// Give it back. If it is not held so, the program ends with "sync: Unlock of unlocked RWMutex"
  /// or "sync: RUnlock of unlocked RWMutex", as in Go. Go: mu.Unlock(), mu.RUnlock().
  void unlock() noexcept { core_.unlock(); }
  void runlock() noexcept { core_.runlock(); }

 private:
  detail::rw_mutex_core core_;
};

}  // namespace burrow

template <>
class std::lock_guard<burrow::rw_mutex> : burrow::detail::no_std_guard {
  using no_std_guard::no_std_guard;
};
template <>
class std::unique_lock<burrow::rw_mutex> : burrow::detail::no_std_guard {
  using no_std_guard::no_std_guard;
};
template <>
class std::scoped_lock<burrow::rw_mutex> : burrow::detail::no_std_guard {
  using no_std_guard::no_std_guard;
};
