// SPDX-License-Identifier: MIT
// The monitor notices a worker that has been inside one turn for 10 ms, so that its queue, its LIFO
// slot and its timers are served by others; it ends a runtime whose workers leave main's goroutine
// no turn to do so; and it judges whether a program is deadlocked.
// It sleeps while all workers do: an idle program uses no CPU.
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/scheduler.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace burrow::detail {

namespace {

constexpr auto sample_interval = std::chrono::milliseconds(10);
constexpr int idle_samples_before_sleep = 5;

/// The threads of this process at one instant; -1: unknown. A walk through /proc/self/task would
/// not do: it ends early, and counts too few, if the thread at which it stands ends meanwhile.
int threads_of_process() noexcept {
  std::FILE* file = std::fopen("/proc/self/stat", "re");
  if (file == nullptr) return -1;
  std::array<char, 1024> text;
  const std::size_t length = std::fread(text.data(), 1, text.size() - 1, file);
  std::fclose(file);
  text[length] = '\0';
  // The second field is the program's name, in brackets; whatever it contains, the last one closes
  // it. The number of threads is the eighteenth after that (proc(5), num_threads).
  const char* at = std::strrchr(text.data(), ')');
  for (int field = 0; at != nullptr && field < 18; ++field) at = std::strchr(at + 1, ' ');
  if (at == nullptr) return -1;
  return std::atoi(at) - BURROW_TSAN;  // ThreadSanitizer keeps a thread of its own
}

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
      help = help || w.has_lifo() || w.has_work() || w.timers().next_look() <= steady_now();
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

bool scheduler::has_calls_in_flight() const noexcept {
  return blocking_.in_flight() != 0 || outside_calls_.load(seq_cst) != 0;
}

bool scheduler::has_no_other_threads() const noexcept {
  // In this order: a runtime that starts or ends meanwhile counts its threads while it is counted.
  const bool has_no_others = threads_of_process() == own_threads().load(seq_cst);
  return has_no_others && own_runtimes().load(seq_cst) == 1;
}

/// By the worker that went to sleep last. Nothing can run, no timer is armed, no call blocks, no
/// signal is subscribed, and there is no other thread that could still send.
///
/// The calls are counted first: one that ends afterwards has queued its goroutine before, and is
/// seen by the looks at the queues and at the sleepers.
scheduler::verdict scheduler::judge_deadlock() noexcept {
  if (options_.deadlock == deadlock_report::never) return verdict::alive;
  if (has_calls_in_flight()) return verdict::alive;
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
  }
  const bool is_proven = options_.deadlock == deadlock_report::always || has_no_other_threads();
  if (!idle_.all_asleep(workers_.size()) || turns_of_all() != turns_before) return verdict::alive;
  return is_proven ? verdict::deadlocked : verdict::unproven;
}

void scheduler::report_deadlock() noexcept { fatal("all goroutines are asleep - deadlock!"); }

}  // namespace burrow::detail
