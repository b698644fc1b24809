// SPDX-License-Identifier: MIT
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/mutex_core.hpp>

#include <utility>

namespace burrow::detail {

// --- mutex_core ----------------------------------------------------------------------------------

bool mutex_core::lock_or_note(bool settled) noexcept {
  std::uint32_t s = state_.load(relaxed);
  for (;;) {
    const bool is_free = (s & held) == 0;
    const std::uint32_t next = (s | (is_free ? held : queued)) & ~(settled ? woken : 0);
    // acquire: sees what the last holder wrote; pairs with the releases of unlock().
    if (state_.compare_exchange_weak(s, next, acquire, relaxed)) return is_free;
  }
}

bool mutex_core::try_lock_woken() noexcept {
  std::uint32_t s = state_.load(relaxed);
  while ((s & held) == 0) {
    // acquire: as try_lock().
    if (state_.compare_exchange_weak(s, (s | held) & ~woken, acquire, relaxed)) return true;
  }
  return false;
}

/// Under the lock, the mutex being held: who gets it or is woken next. Null: nobody waits.
waiter* mutex_core::choose_next(std::uint32_t& next_state) noexcept {
  waiter* w = waiters.pop_claimed();
  if (w == nullptr) {
    next_state = 0;
    return nullptr;
  }
  auto& next = static_cast<mutex_waiter&>(*w);
  next.owns = !next.contends;
  next.is_woken = next.contends;
  next_state = next.owns ? held : woken;
  if (!waiters.empty()) next_state |= queued;
  return w;
}

BURROW_NOINLINE void mutex_core::unlock_slowly() noexcept {
  lock.lock();
  const std::uint32_t s = state_.load(relaxed);
  if ((s & held) == 0) {
    lock.unlock();
    fatal("sync: unlock of unlocked mutex");
  }
  waiter* next = nullptr;
  if ((s & woken) != 0) {
    // Others may set `queued` only under the lock, so the word is as it was read.
    state_.store(s & ~held, release);  // release: as unlock()
  } else {
    std::uint32_t next_state = 0;
    next = choose_next(next_state);
    state_.store(next_state, release);
  }
  lock.unlock();  // the last touch: from here on the mutex may be gone
  if (next != nullptr) wake(next->who);
}

// --- mutex_lock ----------------------------------------------------------------------------------

void mutex_lock::leave() noexcept {
  locked hold(core_->lock);
  if (linked) core_->waiters.remove(*this);
}

BURROW_NOINLINE std::coroutine_handle<> mutex_lock::await_suspend(
    std::coroutine_handle<> h) noexcept {
  goroutine& g = *who;
  worker& w = *g.home;
  set(g, h, &on_resume);
  contends = true;
  if (g.budget <= 1) {
    w.yield(&g);
    return w.switch_away();
  }
  --g.budget;
  if (take_or_park()) {
    g.leaf = h;
    return transfer_to(w, h);
  }
  return w.switch_away();
}

bool mutex_lock::lock_firmly(std::coroutine_handle<> h) noexcept {
  if (core_->try_lock()) return true;
  set(*who, h, &on_resume);
  contends = true;
  firm_ = true;
  return take_or_park();
}

/// Takes the mutex, or waits in the queue: at its end, or at the front if this one was beaten.
/// True: the goroutine has the mutex or was refused. False: it is parked and belongs to who claims
/// it.
bool mutex_lock::take_or_park() noexcept {
  goroutine& g = *who;
  mutex_core& core = *core_;
  core.lock.lock();
  const bool beaten = is_woken;
  if (core.lock_or_note(beaten)) {
    core.lock.unlock();
    return true;
  }
  // From the begin of the wait on abandonment may end it, on another worker, which looks at these
  // without the lock.
  const bool was_parked = std::exchange(parked_, true);
  is_woken = false;
  if (firm_) {
    g.begin_firm_wait(reason);
  } else if (!g.begin_wait(reason)) {
    core.lock.unlock();
    parked_ = was_parked;
    refused_ = true;
    return true;
  }
  if (beaten) {
    contends = false;
    core.waiters.push_front(*this);
  } else {
    core.waiters.push_back(*this);
  }
  core.lock.unlock();  // from here on this belongs to whoever claims it
  return false;
}

/// By the goroutine, instead of its frame.
void mutex_lock::on_resume(resume_hook* hook) noexcept {
  mutex_lock& self = *static_cast<mutex_lock*>(hook);
  bool done = self.owns || self.was_abandoned();
  if (!done) done = self.is_woken ? self.core_->try_lock_woken() : self.core_->try_lock();
  if (done || self.take_or_park()) self.go_on();
}

bool mutex_lock::was_abandoned() noexcept {
  if (!parked_ || !who->was_abandoned()) return false;
  leave();
  refused_ = true;
  return true;
}

}  // namespace burrow::detail
