// SPDX-License-Identifier: MIT
// A scheduler: the workers of one runtime, and what they share.
//
// Life: construct; start(main) makes the first goroutine; run() turns the calling thread into
// worker 0 and returns after stop() once all workers have left. A scheduler is stopped only when no
// goroutine is left, or when the process is about to end.
//
// Threads that are no workers may wake goroutines and start new ones. They enter through
// `outside_call`, which keeps the scheduler alive: a goroutine that was claimed but not yet queued
// keeps run() from returning, and run() waits for calls in progress.
#pragma once

#include <burrow/detail/blocking_pool.hpp>
#include <burrow/detail/bubble.hpp>
#include <burrow/detail/idle_set.hpp>
#include <burrow/detail/slab.hpp>
#include <burrow/detail/worker.hpp>
#include <burrow/options.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace burrow::detail {

class scheduler {
 public:
  /// `b`: the bubble that this is the runtime of. Throws std::system_error, std::invalid_argument.
  explicit scheduler(const options& opt, bubble* b = nullptr);
  ~scheduler();
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  /// Runs `main` as the first goroutine on the calling thread; returns after stop().
  void run(goroutine* main);
  /// By a goroutine: no goroutine but the caller is left; workers leave once it has ended.
  void stop() noexcept;
  /// A slot from outside the workers. Throws std::bad_alloc.
  goroutine* new_goroutine_outside();
  /// Makes a goroutine runnable, from a thread that is not one of these workers.
  void inject(goroutine* g) noexcept;
  /// Wakes a worker if one sleeps and none searches. After a push with seq_cst.
  void notify() noexcept;

  /// By main's goroutine: from now on plain threads start no goroutines here.
  void close_to_outside() noexcept;

  /// By main's goroutine, while it ends the others: the monitor calls `overdue` about every 10 ms
  /// from the time `at` on, for as long as a worker is awake. Once.
  void watch_end(nanoseconds_t at, void (*overdue)(scheduler&)) noexcept;
  void unwatch_end() noexcept { end_overdue_at_.store(never, relaxed); }
  /// Whether a worker runs `g` now; a glimpse.
  bool runs(const goroutine& g) const noexcept;

  /// Whether a plain thread finds a runtime to start goroutines in.
  static bool any_open() noexcept;
  /// A slot in the runtime that a plain thread means: the one that started last and is open, and
  /// of the thread's bubble, if it serves one. It does not end before that goroutine. Null: there
  /// is none. Throws std::bad_alloc.
  static goroutine* new_goroutine_in_latest();
  /// Calls f(scheduler&) for each that runs, under the lock of their list.
  template <class F>
  static void for_each(F f) {
    std::lock_guard hold(list_mutex());
    for (scheduler* s = list_head(); s != nullptr; s = s->next_scheduler_) f(*s);
  }

  /// Goroutines that have started and not ended; a glimpse.
  std::uint64_t live() const noexcept;
  const options& settings() const noexcept { return options_; }
  std::size_t worker_count() const noexcept { return workers_.size(); }
  worker& worker_at(std::size_t i) noexcept { return *workers_[i]; }
  slab& registry() noexcept { return slab_; }
  blocking_pool& blocking() noexcept { return blocking_; }
  const char* driver_name() const noexcept { return driver_name_; }
  /// Null: this is no bubble's.
  bubble* its_bubble() const noexcept { return bubble_; }
  std::uint16_t bubble_number() const noexcept {
    return bubble_ != nullptr ? bubble_->number() : 0;
  }

  /// Whether a plain thread that serves the bubble with that number, or none, may mean this one.
  bool is_meant_by(std::uint16_t number) const noexcept { return bubble_number() == number; }

  /// The timers for a thread that is no worker.
  timer_set& outside_timers() noexcept { return workers_.front()->timers(); }

  /// The runtime ends: every await throws. Set once, by the goroutine that ends it.
  atomic<bool> exiting{false};
  /// Who waits for the end of a goroutine during the shutdown; called by the worker it ended on.
  atomic<void (*)(scheduler&)> on_end{nullptr};
  /// Main's goroutine, while it ends the others after main itself has ended: reports leave it out.
  atomic<goroutine*> concluding{nullptr};
  /// What the layers above keep per runtime.
  void* user = nullptr;

 private:
  friend class worker;
  friend struct outside_call;

  void start_threads();
  void join_monitor() noexcept;
  void check_wake_from(const goroutine& g) const noexcept;
  void take_back_threads() noexcept;
  void choose_driver();
  enum class verdict {
    alive,
    deadlocked,
    unproven,  // another thread, or a call in flight, could still send; it may end, so look again
  };
  verdict judge_deadlock() noexcept;
  static scheduler* latest_open() noexcept;
  bool has_no_other_threads() const noexcept;
  bool waits_durably();
  bool has_calls_in_flight() const noexcept;
  void report_deadlock() noexcept;
  void monitor_loop() noexcept;
  void wake_monitor() noexcept;
  bool sample_workers() noexcept;

  static std::mutex& list_mutex() noexcept;
  static scheduler*& list_head() noexcept;

  const options options_;
  bubble* const bubble_;
  driver_group drivers_;
  std::vector<std::unique_ptr<worker>> workers_;
  global_queue global_;
  idle_set idle_;
  slab slab_;
  blocking_pool blocking_;
  bool use_uring_ = false;
  const char* driver_name_ = "epoll";
  atomic<bool> stopping_{false};
  atomic<std::size_t> outside_calls_{0};
  atomic<std::size_t> stuck_workers_{0};
  atomic<std::uint64_t> outside_started_{0};
  atomic<std::uint64_t> outside_clock_{0};  // see worker::next_id()
  std::vector<std::thread> threads_;
  void (*overdue_)(scheduler&) = nullptr;  // see watch_end()
  atomic<nanoseconds_t> end_overdue_at_{never};
  std::vector<std::uint64_t> sampled_turns_;  // of each worker, by the monitor

  std::mutex monitor_mutex_;
  std::condition_variable monitor_signal_;
  atomic<bool> monitor_asleep_{false};
  bool monitor_kicked_ = false;  // under monitor_mutex_
  std::thread monitor_;

  scheduler* next_scheduler_ = nullptr;  // under list_mutex(), as below
  bool is_open_ = true;
};

/// Keeps a scheduler from ending while a plain thread uses it.
struct outside_call {
  /// seq_cst: pairs with the look in scheduler::run() after the last goroutine has ended.
  explicit outside_call(scheduler& s) noexcept : owner(s) {
    s.outside_calls_.fetch_add(1, seq_cst);
  }
  ~outside_call() { owner.outside_calls_.fetch_sub(1, release); }
  outside_call(const outside_call&) = delete;
  outside_call& operator=(const outside_call&) = delete;
  scheduler& owner;
};

/// Threads of this process that belong to burrow; the deadlock report counts them.
atomic<int>& own_threads() noexcept;
/// All threads of this process at one instant; -1: unknown.
int threads_of_process() noexcept;
/// Runtimes that have threads of their own, each from before the first is counted until after the
/// last.
atomic<int>& own_runtimes() noexcept;
/// Set when a signal is subscribed: then the report is never made (DL6).
atomic<int>& signal_subscriptions() noexcept;
/// True in a child that was forked while a runtime was running.
bool in_forked_child() noexcept;

/// The CPUs that this process may use: affinity and cgroup quota, or BURROW_PROCS.
int allowed_cpus() noexcept;
/// The tightest quota, in CPUs, of this process's cgroup and the groups above it; 0: none. Reads
/// /proc and /sys below `base`.
double cgroup_quota(const std::string& base);

/// What a report says that a goroutine does, unless it is the one that makes the report.
const char* state_text(const goroutine& g) noexcept;
/// Prints its id, `state`, its name and where it was started.
void print_goroutine(int fd, const goroutine& g, const char* state) noexcept;
/// What print_goroutine() prints. Under the registry's hold. Throws std::bad_alloc.
std::string goroutine_text(const goroutine& g, const char* state);
/// Prints all goroutines, the running one first, the others from the oldest to the newest.
void print_goroutines(int fd) noexcept;

}  // namespace burrow::detail
