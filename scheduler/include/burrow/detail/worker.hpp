// SPDX-License-Identifier: MIT
// A worker: a thread that runs goroutines, with its queue, its LIFO slot, its timers and its
// driver.
//
// A goroutine that is woken goes into the LIFO slot of the worker that wakes it, so a pair that
// talks over a channel stays on one processor; what was in the slot moves to the ring. The pair may
// follow each other `max_hops` times while something else waits in the ring, then the ring has its
// turn. Every 61 turns, more often where these are long, the worker looks at the global queue, its
// timers and its I/O first, so that a full ring starves none of them. A push into an empty LIFO
// slot wakes no other worker; a push into the ring wakes one, if none is searching.
#pragma once

#include <burrow/detail/compiler.hpp>
#include <burrow/detail/driver.hpp>
#include <burrow/detail/memory.hpp>
#include <burrow/detail/run_queue.hpp>
#include <burrow/detail/timers.hpp>
#include <burrow/detail/wait.hpp>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <vector>

namespace burrow::detail {

class bubble;
class scheduler;

class worker {
 public:
  worker(scheduler& owner, std::uint32_t index);
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  // --- By what runs on this worker -------------------------------------------------------------

  /// Makes a goroutine that the caller owns runnable.
  void ready(goroutine* g) noexcept {
    if (lifo_.load(relaxed) == nullptr) {
      // Only the owner fills the slot, so a plain store will do. release: publishes the goroutine
      // to a thief; pairs with the exchange in take_lifo().
      lifo_.store(g, release);
    } else {
      ready_behind(g);
    }
  }

  /// Makes all of them runnable, in order.
  void ready_all(wake_list& wakes) noexcept;

  /// Makes a new goroutine runnable: the newest runs first, the one before it may be stolen.
  void spawn(goroutine* g) noexcept { ready(g); }

  /// Puts the running goroutine behind all that wait here.
  void yield(goroutine* g) noexcept;

  /// The running goroutine waits or has yielded: what to resume instead. Nothing of its frame may
  /// be touched after it was published, so this is the last thing an await_suspend does.
  std::coroutine_handle<> switch_away() noexcept;

  /// The root task of `g` has ended. Its frame is destroyed once this thread has left it.
  void ended(goroutine* g) noexcept { ended_ = g; }

  /// Where tail calls are missing: the worker's loop resumes `h` next.
  void resume_next(std::coroutine_handle<> h) noexcept { resume_next_ = h; }

  /// On another thread a glimpse: of use only to be compared.
  goroutine* current() const noexcept { return current_.load(relaxed); }
  scheduler& owner() const noexcept { return owner_; }
  std::uint32_t index() const noexcept { return index_; }
  timer_set& timers() noexcept { return timers_; }
  driver& io() noexcept { return *driver_; }

  /// Under the lock of another worker's timers, by a goroutine that arms one there and is about to
  /// wait: that worker is told once the goroutine is out of the way.
  void tell_later(timer_set& set) noexcept { set.tell_owner(); }
  goroutine* new_goroutine();  // throws std::bad_alloc
  void free_goroutine(goroutine* g) noexcept;
  /// Gives back a slot that was never made runnable. Any thread.
  void discard(goroutine* g) noexcept;

  /// A cheap pseudo-random number (xorshift).
  std::uint32_t random() noexcept {
    std::uint64_t x = random_;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    random_ = x;
    return static_cast<std::uint32_t>(x >> 32);
  }

  // --- By the scheduler ------------------------------------------------------------------------

  /// The thread's body: runs goroutines until the scheduler stops.
  void run();
  /// Any thread: ends the park of this worker.
  void unpark() noexcept;
  /// Any thread, glimpses.
  bool has_work() const noexcept { return !queue_.empty(); }
  std::uint64_t turns() const noexcept { return turns_.load(relaxed); }
  bool has_lifo() const noexcept { return lifo_.load(relaxed) != nullptr; }
  std::uint32_t queued() const noexcept { return queue_.size(); }
  std::uint64_t clock() const noexcept { return clock_.load(relaxed); }

  atomic<bool> stuck{false};          // set by the monitor: inside one turn for 10 ms
  atomic<std::uint64_t> started{0};   // goroutines started here; written by this worker
  atomic<std::uint64_t> finished{0};  // goroutines that ended here; written by this worker
  bool searching = false;             // this worker counts as one that looks for work

 private:
  friend class scheduler;
  static constexpr std::uint32_t max_hops = 16;
  static constexpr std::uint32_t slow_turn = 61;
  static constexpr nanoseconds_t longest_wait = 1'000'000;
  static constexpr nanoseconds_t watch_time = 3'000;
  static constexpr nanoseconds_t least_timer_interval = 30'000;
  static constexpr std::uint32_t always_offered = 64;  // so much waits that a thief is welcome
  static constexpr std::uint32_t most_vain_wakes = 4'000;
  static constexpr std::uint32_t alternations_of_partners = 64;  // see park.cpp
  static constexpr std::uint64_t most_turns_of_partner = 4;      // between two of these

  void ready_behind(goroutine* g) noexcept;
  void push_behind(goroutine* g) noexcept;
  void overflow(goroutine* g) noexcept;
  goroutine* take_lifo() noexcept;
  goroutine* next_local() noexcept;
  goroutine* next() noexcept;
  goroutine* search() noexcept;
  goroutine* steal_from(worker& victim) noexcept;
  void offer() noexcept;
  goroutine* take_global(bool only_one) noexcept;
  std::uint32_t turns_until_slow() noexcept;
  void look_at_timers() noexcept;
  void look_at_io() noexcept;
  void serve_stuck_workers() noexcept;
  std::coroutine_handle<> begin(goroutine* g) noexcept;
  void execute(goroutine* g) noexcept;
  void finish_ended() noexcept;
  void park() noexcept;
  void sleep(bool has_left) noexcept;
  goroutine* take_lone_arrival() noexcept;
  bool leave_to_partner(goroutine* g) noexcept;
  void wait_for_timer(nanoseconds_t until);
  nanoseconds_t judge_sleep() noexcept;
  goroutine* next_in_bubble() noexcept;
  void park_in_bubble() noexcept;
  std::uint64_t next_id() noexcept;

  scheduler& owner_;
  // Written by this worker. The monitor reads it when the end of the runtime is overdue, which no
  // model has: it is no step of theirs.
  std::atomic<goroutine*> current_{nullptr};
  atomic<goroutine*> lifo_{nullptr};
  goroutine* ended_ = nullptr;
  std::coroutine_handle<> resume_next_;
  std::uint32_t turns_to_slow_ = slow_turn;  // until the next look at the other sources
  std::uint32_t slow_interval_ = slow_turn;
  nanoseconds_t looked_at_ = 0;  // when that was, for turns_until_slow()
  std::uint32_t hops_ = 0;
  std::uint32_t budget_ = goroutine::full_budget;  // of who runs next
  bubble* const bubble_;                           // null: none
  std::vector<char> left_alone_;      // by worker: it had work in the last search, see steal_from()
  std::uint64_t judged_at_turn_ = 0;  // see judge_sleep()
  nanoseconds_t look_again_ = 0;
  nanoseconds_t slept_for_timer_at_ = -least_timer_interval;  // see wait_for_timer()
  std::uint32_t partner_ = 0;  // the index of who may be one, below this worker's; see park.cpp
  std::uint64_t partner_turns_ = 0;
  std::uint32_t alternations_ = 0;       // arrivals in a row that look like a partner's
  std::uint32_t unoffered_ = 0;          // pushes that still wake nobody, see offer()
  atomic<std::uint32_t> vain_wakes_{0};  // so many pushes between two wake-ups; set by thieves
  std::uint64_t random_;
  goroutine* free_slots_ = nullptr;
  std::size_t free_slot_count_ = 0;
  atomic<std::uint64_t> turns_{0};
  atomic<std::uint64_t> clock_{0};  // see next_id()
  const std::uint32_t index_;
  run_queue queue_;
  timer_set& timers_;
  block_cache blocks_;
  enum : int { awake, parked, notified };
  atomic<int> park_state_{awake};
  std::unique_ptr<driver> driver_;
};

/// The worker that runs on this thread, or null. Never held across an await: the goroutine may go
/// on elsewhere, and compilers cache thread-local addresses over a suspension (llvm#111257).
BURROW_NOINLINE worker* current_worker() noexcept;

/// The goroutine that runs on this thread, or null.
inline goroutine* current_goroutine() noexcept {
  worker* w = current_worker();
  return w != nullptr ? w->current() : nullptr;
}

/// Makes a claimed goroutine runnable, from any thread.
void wake(goroutine* g) noexcept;
void wake_all(wake_list& wakes) noexcept;

}  // namespace burrow::detail
