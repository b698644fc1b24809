// SPDX-License-Identifier: MIT
// How a worker goes to sleep, and what it does first when it has woken.
//
// Partners: two goroutines that answer each other through the kernel, on two workers, each of which
// sleeps while the other runs. Then every message has to wake a thread, which takes longer than the
// message. So a worker that is woken again and again by what has come for one goroutine, and finds
// that another one has made a few turns meanwhile, leaves that goroutine to the other worker, whose
// driver then has its next request. Only ever from the higher index to the lower, so that the two
// do not change places.
#include <burrow/detail/scheduler.hpp>

#include <algorithm>

namespace burrow::detail {

void worker::unpark() noexcept {
  // acq_rel: what the caller pushed is seen after park() has read the state.
  if (park_state_.exchange(notified, acq_rel) == parked) driver_->wake();
}

void worker::park() noexcept {
  sleep(false);
  while (goroutine* g = take_lone_arrival()) {
    if (!leave_to_partner(g)) {
      ready(g);  // it runs here and now: nobody else is woken for it
      return;
    }
    sleep(true);
  }
}

/// `has_left`: what stands in the global queue was left to a worker that searches.
void worker::sleep(bool has_left) noexcept {
  nanoseconds_t until = never;
  // Whoever disarms a timer leaves the time of the next look as it is: it must not keep this worker
  // awake once no timer is left.
  if (timers_.wants_look() || timers_.next_look() != never) {
    wake_list wakes;
    until = timers_.poll(steady_now(), wakes);
    ready_all(wakes);
  }
  const bool all_asleep = owner_.idle_.enter(this, searching, owner_.workers_.size());
  searching = false;
  // A searcher that finds other work wakes a sleeper, this one, too, which is in the set by now.
  const bool global = !owner_.global_.empty() && !(has_left && owner_.idle_.any_searching());
  bool work = lifo_.load(relaxed) != nullptr || !queue_.empty() || global ||
              owner_.stopping_.load(seq_cst) || timers_.next_look() < until;
  for (auto& other : owner_.workers_) {
    // What was just left to its owner is no reason to stay awake; see steal_from().
    work = work || (other->has_work() && !left_alone_[other->index()]);
  }
  if (!work) {
    if (all_asleep && until == never) until = judge_sleep();
    int expected = awake;
    if (park_state_.compare_exchange_strong(expected, parked, acq_rel)) {
      if (until == never) {
        driver_->wait(never);
      } else {
        wait_for_timer(until);
      }
    }
  }
  // acq_rel: what was done before an unpark is seen from here on, a timer that another thread has
  // armed, too; a store would see nothing. Pairs with unpark().
  park_state_.exchange(awake, acq_rel);
  // If somebody has taken this worker out of the set, it counts as searching.
  searching = !owner_.idle_.leave(this);
  owner_.wake_monitor();
}

/// A sleep costs several microseconds of CPU, so timers that come close together are served
/// together: such sleeps begin at least `least_timer_interval` apart.
void worker::wait_for_timer(nanoseconds_t until) {
  const nanoseconds_t now = steady_now();
  until = std::max(until, slept_for_timer_at_ + least_timer_interval);
  if (until <= now) return;
  slept_for_timer_at_ = now;
  driver_->wait(until - now);
}

/// All workers sleep and no timer is due: reports a deadlock, or tells when to look again. Looks
/// get rarer, so that a program that waits for a thread of its own stays at 0 % of a CPU.
nanoseconds_t worker::judge_sleep() noexcept {
  constexpr nanoseconds_t first_look = 10'000'000;
  constexpr nanoseconds_t rarest_look = 10'000'000'000;
  switch (owner_.judge_deadlock()) {
    case scheduler::verdict::deadlocked: owner_.report_deadlock(); break;
    case scheduler::verdict::alive: break;
    case scheduler::verdict::unproven: {
      const bool is_new = turns() != judged_at_turn_;
      judged_at_turn_ = turns();
      look_again_ = is_new ? first_look : std::clamp(2 * look_again_, first_look, rarest_look);
      return later(steady_now(), look_again_);
    }
  }
  return never;
}

/// What the kernel has for this worker, which does not count as asleep any more (see
/// judge_deadlock()). Null: nothing, or more than one goroutine of this runtime, all runnable now.
goroutine* worker::take_lone_arrival() noexcept {
  if (!driver_->has_io()) return nullptr;
  wake_list wakes;
  driver_->poll(wakes);
  if (wakes.size() == 1) {
    goroutine* g = wakes.pop();
    if (g->home != nullptr && &g->home->owner() == &owner_) return g;
    wakes.add(g);
  }
  alternations_ = 0;
  wake_all(wakes);
  return nullptr;
}

/// False: it stays here.
bool worker::leave_to_partner(goroutine* g) noexcept {
  if (index_ == 0 || searching || has_lifo() || has_work() || !driver_->takes_requests()) {
    alternations_ = 0;
    return false;
  }
  worker& partner = *owner_.workers_[partner_];
  const std::uint64_t made = partner.turns() - partner_turns_;
  partner_turns_ += made;
  if (made == 0 || made > most_turns_of_partner) {  // another one, then
    alternations_ = 0;
    partner_ = (partner_ + 1) % index_;
    partner_turns_ = owner_.workers_[partner_]->turns();
    return false;
  }
  if (++alternations_ < alternations_of_partners) return false;
  alternations_ = 0;
  if (!owner_.idle_.take(&partner)) return false;
  // It counts as searching, and looks at the global queue after the unpark in any case.
  owner_.global_.push({g, g, 1});
  partner.unpark();
  return true;
}

}  // namespace burrow::detail
