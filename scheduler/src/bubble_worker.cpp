// SPDX-License-Identifier: MIT
// How the worker of a bubble chooses what runs, and what it does when nothing can.
#include <burrow/detail/scheduler.hpp>

namespace burrow::detail {

/// By the worker of a bubble, when nothing can run and no call is in flight: whether only its clock
/// can end what its goroutines wait for. Throws std::bad_alloc.
bool scheduler::waits_durably() {
  if (!bubble_->has_to_look) return true;
  const auto hold = slab_.hold();
  for (const slab::entry& e : slab_.in_use()) {
    if (!is_durable(e.g->reason.load(relaxed))) return false;
  }
  bubble_->has_to_look = false;
  return true;
}

/// Any of those that can run. Every turn comes through here, since turns_to_slow_ stays at one: so
/// switch_away() leaves each choice to the bubble.
goroutine* worker::next_in_bubble() noexcept {
  turns_to_slow_ = 1;
  look_at_timers();
  look_at_io();
  while (goroutine* g = next_local()) bubble_->add(g);
  while (goroutine* g = owner_.global_.pop(false)) {
    for (goroutine* following = nullptr; g != nullptr; g = following) {
      following = g->next;
      bubble_->add(g);
    }
  }
  budget_ = bubble_->budget();
  return bubble_->choose();
}

/// Nothing can run: the bubble's clock moves on, or real time has to bring something.
void worker::park_in_bubble() noexcept {
  constexpr nanoseconds_t look_again = 10'000'000;
  wake_list wakes;
  const nanoseconds_t next = timers_.poll(steady_now(), wakes);
  ready_all(wakes);
  owner_.idle_.enter(this, false, 1);
  const bool has_to_wait = owner_.has_calls_in_flight() ||
                           !(bubble_->state == bubble::phase::over || owner_.waits_durably());
  const bool work = has_lifo() || has_work() || !owner_.global_.empty() ||
                    owner_.stopping_.load(seq_cst) || timers_.next_look() < next;
  if (!work && !has_to_wait) {
    bubble_->when_quiet(next);
  } else if (!work) {
    const bool is_locked = !owner_.has_calls_in_flight() && !driver_->has_io() &&
                           signal_subscriptions().load(seq_cst) == 0 &&
                           owner_.has_no_other_threads();
    // Another thread may have woken a goroutine and ended, after the first look and before that.
    const bool is_woken = has_lifo() || has_work() || !owner_.global_.empty();
    int expected = awake;
    if (is_locked) {
      if (!is_woken) bubble_->when_locked();
    } else if (park_state_.compare_exchange_strong(expected, parked, acq_rel)) {
      driver_->wait(look_again);
      bubble_->waited(look_again);
    }
  }
  park_state_.exchange(awake, acq_rel);  // acq_rel: as park()
  owner_.idle_.leave(this);
  look_at_io();
}

}  // namespace burrow::detail
