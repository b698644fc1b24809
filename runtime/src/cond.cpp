// SPDX-License-Identifier: MIT
#include <burrow/cond.hpp>

namespace burrow::detail {

void cond_core::signal() noexcept {
  waiter* w = nullptr;
  {
    locked hold(lock);
    w = waiters.pop_claimed();
  }
  if (w != nullptr) wake(w->who);  // the claim keeps its frame, so w is still there
}

void cond_core::broadcast() noexcept {
  wake_list wakes;
  {
    locked hold(lock);
    waiters.claim_all(wakes);
  }
  if (!wakes.empty()) wake_all(wakes);
}

cond_awaiter::cond_awaiter(goroutine& g, cond_core& c, mutex_core& m) noexcept
    : core_(c), mutex_(m), relock_(m) {
  waiter_.who = &g;
  relock_.who = &g;
}

bool cond_awaiter::await_ready() noexcept {
  const goroutine& g = *waiter_.who;
  refused_ = g.exiting && !g.shielded;
  return refused_;
}

std::coroutine_handle<> cond_awaiter::await_suspend(std::coroutine_handle<> h) noexcept {
  goroutine& g = *waiter_.who;
  worker& w = *g.home;
  mutex_core& m = mutex_;
  set(g, h, &on_resume);
  core_.lock.lock();
  if (!g.begin_wait(wait_reason::cond_wait)) {
    core_.lock.unlock();
    refused_ = true;
    g.leaf = h;
    return refuse_to_wait(g, h);
  }
  core_.waiters.push_back(waiter_);
  core_.lock.unlock();
  // From here on this belongs to whoever claims it. The mutex stays: wait() cannot return without
  // it.
  m.unlock();
  return w.switch_away();
}

/// By the goroutine, instead of its frame: it was signalled or abandoned, and has to have the
/// mutex.
void cond_awaiter::on_resume(resume_hook* hook) noexcept {
  auto& self = *static_cast<cond_awaiter*>(hook);
  if (self.waiter_.who->was_abandoned()) {
    locked hold(self.core_.lock);
    if (self.waiter_.linked) self.core_.waiters.remove(self.waiter_);
    self.refused_ = true;
  }
  if (self.relock_.lock_firmly(self.frame())) self.go_on();
}

}  // namespace burrow::detail
