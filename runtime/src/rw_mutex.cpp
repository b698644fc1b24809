// SPDX-License-Identifier: MIT
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/rw_mutex_core.hpp>

namespace burrow::detail {

/// Under the lock: with `queued` set nobody changes the word without the lock, so it is the
/// caller's until publish_state().
std::uint32_t rw_mutex_core::own_state() noexcept {
  // acquire: sees what earlier holders wrote; pairs with the releases of unlock() and runlock().
  return state_.fetch_or(queued, acquire) & ~queued;
}

void rw_mutex_core::publish_state(std::uint32_t s) noexcept {
  const bool somebody = !readers_.empty() || !writers_.empty();
  // release: as unlock().
  state_.store(somebody ? s | queued : s, release);
}

bool rw_mutex_core::lock_or_note() noexcept {
  const std::uint32_t s = own_state();
  if (s != 0) return false;
  publish_state(writer);
  return true;
}

bool rw_mutex_core::rlock_or_note() noexcept {
  const std::uint32_t s = own_state();
  if ((s & writer) != 0 || !writers_.empty()) return false;
  publish_state(s + reader);
  return true;
}

bool rw_mutex_core::try_lock_slowly(std::uint32_t seen) noexcept {
  if (seen != queued) return false;  // somebody has it
  locked hold(lock);
  const std::uint32_t s = own_state();
  publish_state(s == 0 ? writer : s);
  return s == 0;
}

bool rw_mutex_core::try_rlock_slowly() noexcept {
  locked hold(lock);
  const std::uint32_t s = own_state();
  const bool free = (s & writer) == 0 && writers_.empty();
  publish_state(free ? s + reader : s);
  return free;
}

/// How many readers were let in, as the word counts them.
std::uint32_t rw_mutex_core::grant_readers(wake_list& wakes) noexcept {
  std::uint32_t added = 0;
  while (waiter* w = readers_.pop_claimed()) {
    wakes.add(w->who);
    added += reader;
  }
  return added;
}

bool rw_mutex_core::grant_writer(wake_list& wakes) noexcept {
  waiter* w = writers_.pop_claimed();
  if (w != nullptr) wakes.add(w->who);
  return w != nullptr;
}

BURROW_NOINLINE void rw_mutex_core::unlock_slowly() noexcept {
  wake_list wakes;
  lock.lock();
  if ((own_state() & writer) == 0) {
    lock.unlock();
    fatal("sync: Unlock of unlocked RWMutex");
  }
  std::uint32_t s = grant_readers(wakes);
  if (s == 0 && grant_writer(wakes)) s = writer;
  publish_state(s);
  lock.unlock();  // the last touch: from here on the rw_mutex may be gone
  if (!wakes.empty()) wake_all(wakes);
}

BURROW_NOINLINE void rw_mutex_core::runlock_slowly() noexcept {
  wake_list wakes;
  lock.lock();
  std::uint32_t s = own_state();
  if (s < reader) {
    lock.unlock();
    fatal("sync: RUnlock of unlocked RWMutex");
  }
  s -= reader;
  if (s == 0) s = grant_writer(wakes) ? writer : grant_readers(wakes);
  publish_state(s);
  lock.unlock();  // the last touch
  if (!wakes.empty()) wake_all(wakes);
}

void rw_mutex_core::leave(waiter& w, bool shared) noexcept {
  wake_list wakes;
  lock.lock();
  if (w.linked) (shared ? readers_ : writers_).remove(w);
  std::uint32_t s = own_state();
  if ((s & writer) == 0 && writers_.empty()) s += grant_readers(wakes);
  publish_state(s);
  lock.unlock();
  if (!wakes.empty()) wake_all(wakes);
}

// --- rw_mutex_lock -------------------------------------------------------------------------------

template <bool Shared>
std::coroutine_handle<> rw_mutex_lock<Shared>::await_suspend(std::coroutine_handle<> h) noexcept {
  goroutine& g = *this->who;
  if (g.budget > 1) return base::await_suspend(h);
  worker& w = *g.home;
  this->set(g, h, &on_resume);
  w.yield(&g);
  return w.switch_away();
}

/// By the goroutine, instead of its frame, after it has yielded.
template <bool Shared>
void rw_mutex_lock<Shared>::on_resume(resume_hook* hook) noexcept {
  auto& self = *static_cast<rw_mutex_lock*>(hook);
  if (self.try_now() || self.base::await_ready()) {
    self.go_on();
  } else {
    self.base::await_suspend(self.frame()).resume();
  }
}

template class rw_mutex_lock<false>;
template class rw_mutex_lock<true>;

}  // namespace burrow::detail
