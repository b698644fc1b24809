// SPDX-License-Identifier: MIT
// How a goroutine awaits: what its promise has to offer, and the awaiter that operations share.
//
// An operation derives from `operation<Self>` and has
//   wait_source* source() const            null: can never be ready
//   void prepare()                         optional; `who` is known now, `who->home` its worker
//   bool ready() const                     a look without the lock (see operation_type::ready)
//   bool attempt(goroutine*& woken)        under the lock: completes it if that is possible now;
//                                          may claim one other goroutine by that
//   void enlist()                          under the lock
//   void delist()                          under the lock; the waiter is still linked
//   void settle()                          optional; after the unlock, if attempt() completed it
//   auto result()                          after completion; may throw
//   static constexpr wait_reason reason
// all but result() noexcept. Awaited alone, these calls are inlined; select calls them through
// `type_of<Self>`. An await takes the lock once: await_ready() attempts, and where that fails it
// keeps the lock for await_suspend(), which follows at once, to wait. An operation is awaited, or
// given to select, in the expression that makes it.
#pragma once

#include <burrow/detail/bubble.hpp>
#include <burrow/detail/compiler.hpp>
#include <burrow/detail/wait.hpp>
#include <burrow/detail/worker.hpp>
#include <burrow/goroutine_exit.hpp>

#include <coroutine>
#include <type_traits>

namespace burrow::detail {

/// What every promise of a goroutine's frames begins with.
struct promise_base {
  std::coroutine_handle<> continuation;  // who awaits this frame; null: the goroutine's first
  goroutine* g = nullptr;                // set before the frame runs
};

/// From an await_suspend: go on with `h` on this worker. The stack does not grow in any build type.
inline std::coroutine_handle<> transfer_to(worker& w, std::coroutine_handle<> h) noexcept {
#if BURROW_TAIL_CALLS
  (void)w;
  return h;
#else
  w.resume_next(h);
  return std::noop_coroutine();
#endif
}

/// From an await_suspend whose goroutine need not wait, but has to let others run first.
inline std::coroutine_handle<> yield_to_others(goroutine& g, std::coroutine_handle<> h) noexcept {
  worker& w = *g.home;
  g.leaf = h;
  w.yield(&g);
  return w.switch_away();
}

/// From an await_suspend that may not wait: as transfer_to(), but the await counts down the budget
/// like any other, so that a goroutine which goes on swallowing goroutine_exit starves nobody.
inline std::coroutine_handle<> refuse_to_wait(goroutine& g, std::coroutine_handle<> h) noexcept {
  if (g.budget <= 1) return yield_to_others(g, h);
  --g.budget;
  return transfer_to(*g.home, h);
}

/// Wakes whom an attempt has claimed, on the worker that runs the caller.
inline void wake_here(worker& w, goroutine* woken) noexcept {
  if (woken->home == &w) {
    w.ready(woken);
  } else {
    wake(woken);
  }
}

/// Marks operations for select and for the tasks' await_transform.
struct operation_tag {};

template <class Self, class Waiter = waiter>
class operation : public Waiter, public operation_tag {
 public:
  operation() noexcept = default;
  operation(operation&&) noexcept = default;
  operation& operator=(operation&&) = delete;

  /// Called once `who` is set, before anything else: what depends on the worker is fixed here.
  void prepare() noexcept {}
  void settle() noexcept {}

  BURROW_ALWAYS_INLINE bool await_ready() noexcept {
    Self& self = static_cast<Self&>(*this);
    if (this->who->budget <= 1) [[unlikely]]
      return refuse_if_exiting();
    wait_source* source = self.source();
    if (source == nullptr) [[unlikely]]
      return false;
    if (!source->lock.try_lock()) [[unlikely]]
      return try_contended();
    return try_locked();
  }

  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    Self& self = static_cast<Self&>(*this);
    goroutine& g = *this->who;
    worker& w = *g.home;
    wait_source* source = self.source();
    if (g.budget <= 1 || source == nullptr) [[unlikely]]
      return suspend_unlocked(h);
    // await_ready() holds the lock.
    waited_ = true;
    g.leaf = h;
    if (!begin(g)) [[unlikely]] {
      source->lock.unlock();
      return refuse(h);
    }
    self.enlist();
    source->lock.unlock();  // from here on the frame belongs to whoever claims it
    return w.switch_away();
  }

  decltype(auto) await_resume() {
    Self& self = static_cast<Self&>(*this);
    if (refused_ || (waited_ && this->who->was_abandoned())) {
      if (waited_ && self.source() != nullptr) self.leave();
      throw goroutine_exit{};
    }
    return self.result();
  }

  /// Whether abandonment does not end the wait (where the operation is awaited alone).
  static constexpr bool is_join = false;
  static constexpr wait_reason reason_without_source() noexcept { return Self::reason; }

  /// See operation_type::leave.
  void leave() noexcept {
    Self& self = static_cast<Self&>(*this);
    locked hold(self.source()->lock);
    if (this->linked) self.delist();
  }

 protected:
  ~operation() = default;

 private:
  /// Under the lock, which it keeps where it returns false.
  BURROW_ALWAYS_INLINE bool try_locked() noexcept {
    Self& self = static_cast<Self&>(*this);
    goroutine& g = *this->who;
    goroutine* woken = nullptr;
    if (!self.attempt(woken)) return false;
    self.source()->lock.unlock();
    if (woken != nullptr) wake_here(*g.home, woken);
    self.settle();
    --g.budget;
    return true;
  }

  /// A path of its own, so that the compiler may keep in registers what try_locked() needs.
  BURROW_NOINLINE bool try_contended() noexcept {
    static_cast<Self&>(*this).source()->lock.lock();
    return try_locked();
  }

  static bool begin(goroutine& g) noexcept {
    if constexpr (Self::is_join) {
      g.begin_firm_wait(Self::reason);
      return true;
    } else {
      return g.begin_wait(Self::reason);
    }
  }

  bool refuse_if_exiting() noexcept {
    if constexpr (Self::is_join) return false;
    refused_ = this->who->exiting && !this->who->shielded;
    if (refused_ && this->who->bubble != 0) note_refusal();
    return refused_;
  }

  /// Where there is nothing to lock, or the budget is used up: then the goroutine lets others run
  /// even if the operation completes.
  BURROW_NOINLINE std::coroutine_handle<> suspend_unlocked(std::coroutine_handle<> h) noexcept {
    Self& self = static_cast<Self&>(*this);
    goroutine& g = *this->who;
    worker& w = *g.home;
    g.leaf = h;
    wait_source* source = self.source();
    if (source == nullptr) {
      waited_ = true;
      if (!g.begin_wait(Self::reason_without_source())) return refuse(h);
      // Nothing can claim it but abandonment, which may have happened: hands off from here.
      return w.switch_away();
    }
    goroutine* woken = nullptr;
    source->lock.lock();
    if (self.attempt(woken)) {
      source->lock.unlock();
      if (woken != nullptr) wake_here(w, woken);
      self.settle();
      return g.exiting ? transfer_to(w, h) : yield_to_others(g, h);
    }
    waited_ = true;
    if (!begin(g)) {
      source->lock.unlock();
      return refuse(h);
    }
    self.enlist();
    source->lock.unlock();  // from here on the frame belongs to whoever claims it
    return w.switch_away();
  }

  std::coroutine_handle<> refuse(std::coroutine_handle<> h) noexcept {
    waited_ = false;
    refused_ = true;
    return refuse_to_wait(*this->who, h);
  }

  bool waited_ = false;
  bool refused_ = false;
};

/// The table through which select works with operations of the type Op.
template <class Op>
inline constexpr operation_type type_of = {
    [](waiter& w) noexcept -> wait_source* {
      static_cast<Op&>(w).prepare();
      return static_cast<Op&>(w).source();
    },
    [](const waiter& w) noexcept { return static_cast<const Op&>(w).ready(); },
    [](waiter& w, goroutine*& woken) noexcept { return static_cast<Op&>(w).attempt(woken); },
    [](waiter& w) noexcept { static_cast<Op&>(w).enlist(); },
    [](waiter& w) noexcept { static_cast<Op&>(w).leave(); },
    [](waiter& w) noexcept { static_cast<Op&>(w).settle(); },
    [](waiter& w) { static_cast<void>(static_cast<Op&>(w).result()); },
};

}  // namespace burrow::detail
