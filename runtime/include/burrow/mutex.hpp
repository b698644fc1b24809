// SPDX-License-Identifier: MIT
// mutex: one goroutine at a time, also across awaits.
#pragma once

#include <burrow/detail/context_first.hpp>
#include <burrow/detail/hold.hpp>
#include <burrow/detail/mutex_core.hpp>
#include <burrow/detail/no_std_guard.hpp>

#include <concepts>

namespace burrow {

/// A lock for goroutines: to wait costs no thread, and it may be held across an await. Not
/// recursive, and not owned: another goroutine may unlock it. All functions work on any thread;
/// what is awaited is awaited by a goroutine. No allocation. Those who wait get it in the order in
/// which they came; who runs at the moment may take it before the first of them, once. Go:
/// sync.Mutex.
class mutex {
 public:
  mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  /// Awaited: takes the mutex, and waits while another has it. A case of select: it is taken if its
  /// case is the one. Throws goroutine_exit in a goroutine that was abandoned. Go: mu.Lock().
  detail::mutex_lock lock() noexcept BURROW_LIFETIMEBOUND { return detail::mutex_lock(core_); }

  /// As lock(), but ends with an error when `ctx` does: errc::canceled, errc::deadline_exceeded;
  /// then the mutex is not taken. Tests `ctx` first. Not a case of select.
  auto lock(const std::same_as<context> auto& ctx) BURROW_LIFETIMEBOUND {
    return detail::context_first(ctx, lock());
  }

  /// As lock(), and gives an object that unlocks when it is destroyed:
  /// `auto held = co_await mu.guard();`. Not a case of select. Go: mu.Lock(); defer mu.Unlock().
  auto guard() noexcept BURROW_LIFETIMEBOUND {
    return detail::guard_form<detail::mutex_lock, mutex, detail::hold_kind::exclusive>(lock(),
                                                                                       *this);
  }

  /// Takes the mutex if it is free. Never waits. Go: mu.TryLock().
  bool try_lock() noexcept { return core_.try_lock(); }

  /// Gives the mutex back. If it is not held, the program ends with "sync: unlock of unlocked
  /// mutex", as in Go. Go: mu.Unlock().
  void unlock() noexcept { core_.unlock(); }

 private:
  friend class cond;
  detail::mutex_core core_;
};

}  // namespace burrow

template <>
class std::lock_guard<burrow::mutex> : burrow::detail::no_std_guard {
  using no_std_guard::no_std_guard;
};
template <>
class std::unique_lock<burrow::mutex> : burrow::detail::no_std_guard {
  using no_std_guard::no_std_guard;
};
template <>
class std::scoped_lock<burrow::mutex> : burrow::detail::no_std_guard {
  using no_std_guard::no_std_guard;
};
