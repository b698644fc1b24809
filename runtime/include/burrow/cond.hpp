// SPDX-License-Identifier: MIT
// cond: waits, with a mutex released, until somebody signals.
//
// wait() has two phases. In the first its goroutine is in the cond's list; signal() and broadcast()
// claim it there, in the order in which they came, and a claim is for one goroutine, so nobody can
// steal it and none is spurious. It is enlisted before the mutex is released, so no signal given
// after that is missed. In the second it takes the mutex again, without going on in between: a
// resume hook runs instead of the frame.
//
// Abandonment ends the first phase and not the second: a goroutine_exit that leaves wait() leaves
// it with the mutex held, as every return does, so a guard around the wait stays sound.
#pragma once

#include <burrow/detail/mutex_core.hpp>
#include <burrow/detail/resume_hook.hpp>
#include <burrow/mutex.hpp>

#include <coroutine>

namespace burrow {

namespace detail {

class cond_core : public wait_source {
 public:
  void signal() noexcept;
  void broadcast() noexcept;

  wait_list waiters;  // under the lock
};

class cond_awaiter : private resume_hook {
 public:
  cond_awaiter(goroutine& g, cond_core& c, mutex_core& m) noexcept;
  cond_awaiter(const cond_awaiter&) = delete;
  cond_awaiter& operator=(const cond_awaiter&) = delete;

  bool await_ready() noexcept;
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept;
  void await_resume() const {
    if (refused_) throw goroutine_exit{};
  }

 private:
  static void on_resume(resume_hook* hook) noexcept;

  cond_core& core_;
  mutex_core& mutex_;
  waiter waiter_;
  mutex_lock relock_;
  bool refused_ = false;
};

class [[nodiscard("wait() does nothing until it is awaited")]] cond_wait {
 public:
  cond_wait(cond_core& c, mutex_core& m) noexcept : core_(c), mutex_(m) {}
  cond_awaiter bind(goroutine& g) && noexcept { return {g, core_, mutex_}; }

 private:
  cond_core& core_;
  mutex_core& mutex_;
};

}  // namespace detail

/// A place to wait for a change of what a mutex guards. signal() and broadcast() work on any
/// thread. No allocation. Go: sync.Cond, sync.NewCond(&mu).
class cond {
 public:
  /// For what `m` guards, which has to outlive this.
  explicit cond(mutex& m BURROW_LIFETIMEBOUND) noexcept : mutex_(m) {}
  cond(const cond&) = delete;
  cond& operator=(const cond&) = delete;

  /// Awaited with the mutex held: releases it, waits for a signal, and takes it again. There are no
  /// spurious wake-ups, but others may have had the mutex first: `while (!ready) co_await
  /// cv.wait();`. In a goroutine that was abandoned it throws goroutine_exit, also with the mutex
  /// held. If the mutex is not held, the program ends as with unlock(). Not a case of select. Go:
  /// cv.Wait().
  detail::cond_wait wait() noexcept BURROW_LIFETIMEBOUND { return {core_, mutex_.core_}; }

  /// Wakes the goroutine that has waited longest, if there is one. The mutex may be held or not.
  /// Go: cv.Signal().
  void signal() noexcept { core_.signal(); }

  /// Wakes all that wait now. Go: cv.Broadcast().
  void broadcast() noexcept { core_.broadcast(); }

 private:
  mutex& mutex_;
  detail::cond_core core_;
};

}  // namespace burrow
