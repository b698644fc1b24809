// SPDX-License-Identifier: MIT
// The monitor notices a worker that has been inside one turn for 10 ms, so that its queue, its LIFO
// slot, its timers and its I/O are served by others; and it ends a runtime whose workers leave
// main's goroutine no turn to do so. It sleeps while all workers do: an idle program uses no CPU.
#include <burrow/detail/scheduler.hpp>

#include <algorithm>
#include <chrono>
#include <limits>

namespace burrow::detail {

namespace {

constexpr auto sample_interval = std::chrono::milliseconds(5);
constexpr int idle_samples_before_sleep = 10;

}  // namespace

/// True: all workers sleep.
bool scheduler::sample_workers() noexcept {
  const bool all_asleep = idle_.all_asleep(workers_.size());
  bool help = false;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    worker& w = *workers_[i];
    const std::uint64_t turns = w.turns();
    // Only a worker that is awake can be stuck; one that is parked has made no turn either.
    const bool is_stuck =
        turns == sampled_turns_[i] && w.park_state_.load(relaxed) == worker::awake;
    sampled_turns_[i] = turns;
    if (is_stuck != w.stuck.load(relaxed)) {
      w.stuck.store(is_stuck, relaxed);
      stuck_workers_.fetch_add(is_stuck ? 1 : std::numeric_limits<std::size_t>::max(), relaxed);
    }
    if (is_stuck) {
      help = help || w.has_lifo() || w.has_work() || w.timers().next_look() <= steady_now() ||
             w.io().has_io();
    }
  }
  if (help) {
    if (worker* w = idle_.take_any()) w->unpark();
  }
  return all_asleep;
}

void scheduler::monitor_loop() noexcept {
  int idle_samples = 0;
  std::unique_lock hold(monitor_mutex_);
  while (!stopping_.load(acquire)) {
    if (idle_samples >= idle_samples_before_sleep) {
      // seq_cst: pairs with the load in wake_monitor(), which follows a worker's leaving the set.
      monitor_asleep_.store(true, seq_cst);
      if (idle_.all_asleep(workers_.size())) {
        monitor_signal_.wait(hold, [this] { return monitor_kicked_; });
      }
      monitor_asleep_.store(false, relaxed);
      monitor_kicked_ = false;
      idle_samples = 0;
      continue;
    }
    monitor_signal_.wait_for(hold, sample_interval);
    idle_samples = sample_workers() ? idle_samples + 1 : 0;
    // acquire: pairs with the release in watch_end()
    const nanoseconds_t overdue_at = end_overdue_at_.load(acquire);
    if (overdue_at != never && overdue_at <= steady_now()) overdue_(*this);
  }
}

void scheduler::watch_end(nanoseconds_t at, void (*overdue)(scheduler&)) noexcept {
  overdue_ = overdue;
  end_overdue_at_.store(at, release);  // release: publishes overdue_, see monitor_loop()
}

bool scheduler::runs(const goroutine& g) const noexcept {
  return std::any_of(workers_.begin(), workers_.end(),
                     [&g](const auto& w) { return w->current() == &g; });
}

void scheduler::wake_monitor() noexcept {
  if (!monitor_asleep_.load(seq_cst)) return;
  {
    std::lock_guard hold(monitor_mutex_);
    monitor_kicked_ = true;
  }
  monitor_signal_.notify_one();
}

}  // namespace burrow::detail
