// SPDX-License-Identifier: MIT
// Whether anything can still happen: the judgement on a program all of whose workers sleep.
#include <burrow/detail/scheduler.hpp>

namespace burrow::detail {

bool scheduler::has_calls_in_flight() const noexcept {
  return blocking_.in_flight() != 0 || outside_calls_.load(seq_cst) != 0;
}

bool scheduler::has_no_other_threads() const noexcept {
  // In this order: a runtime that starts or ends meanwhile counts its threads while it is counted.
  const bool has_no_others = threads_of_process() == own_threads().load(seq_cst);
  return has_no_others && own_runtimes().load(seq_cst) == 1;
}

/// By the worker that went to sleep last. Nothing can run, no timer is armed, the kernel holds no
/// request, no call blocks, no signal is subscribed, and there is no other thread that could send.
///
/// The calls are counted first: one that ends afterwards has queued its goroutine before, and is
/// seen by the looks at the queues and at the sleepers.
scheduler::verdict scheduler::judge_deadlock() noexcept {
  if (options_.deadlock == deadlock_report::never) return verdict::alive;
  // Who is inside a call may have woken its goroutine already, and will wake nobody else: then no
  // worker goes to sleep after it, so this one has to look again.
  if (has_calls_in_flight()) return verdict::unproven;
  if (signal_subscriptions().load(seq_cst) != 0) return verdict::alive;
  // Meanwhile a timer may wake a worker, or a thread wake a goroutine and end: then these looks
  // belong to no one instant, and it shows in the end.
  const auto turns_of_all = [this] {
    std::uint64_t sum = 0;
    for (auto& w : workers_) sum += w->turns();
    return sum;
  };
  const std::uint64_t turns_before = turns_of_all();
  if (stopping_.load(seq_cst) || !idle_.all_asleep(workers_.size()) || !global_.empty()) {
    return verdict::alive;
  }
  for (auto& w : workers_) {
    locked hold(w->timers().lock);  // who has fired what was armed is seen awake below
    if (w->timers().armed() != 0 || w->has_work() || w->has_lifo()) return verdict::alive;
    if (w->io().has_io()) return verdict::alive;
  }
  const bool is_proven = options_.deadlock == deadlock_report::always || has_no_other_threads();
  if (!idle_.all_asleep(workers_.size()) || turns_of_all() != turns_before) return verdict::alive;
  return is_proven ? verdict::deadlocked : verdict::unproven;
}

}  // namespace burrow::detail
