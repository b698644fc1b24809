// SPDX-License-Identifier: MIT
// A worker's timers: a list of fresh ones and a hierarchical wheel.
//
// Arming a timer for a duration links it into the list of fresh timers and reads no clock; the
// worker's next look at its timers (at most 61 turns later, and always before it parks) stamps them
// with the time of that look, so none is early, and sorts them into the wheel. A timer that is
// stopped before that has cost two list operations.
//
// The wheel has levels of 256 slots; a slot of level 0 is 2^16 ns wide, each level is 256 times
// wider than the one below: 17 ms, 4.3 s, 18 min, 3 days ... Timers of a slot that has begun are
// kept sorted in `due_`, so they fire in order and to the nanosecond. Arm, disarm: O(1). Fire: each
// timer moves down once per level; with a million timers each such move is a cache miss, so there
// are few levels, and two timers move at a time.
// Rejected: a heap with positions in the nodes (each sift writes to a dozen cold nodes; a million
// sleepers took twice the CPU time); levels of 64 slots (one move more).
//
// A set is a wait_source: its lock guards all its timers, and the state of the channel timers that
// live in it, so a select locks it like any other source. Any thread may arm and disarm; the set's
// worker, or one that serves it while that worker is stuck, polls.
//
// A timer may *rest*: its time runs, and it fires nothing. That is a channel timer that nobody
// waits for. It has no place in the wheel, and holds up neither a worker's sleep nor the deadlock
// report; only, while it is fresh, it is in that list, too, so that the worker's next look gives it
// its time.
//
// Sets are never freed. A worker obtains one and retires it when it ends, which disarms all timers
// in it; the next worker takes it over. So a timer's pointer to its set stays good for the life of
// the process, and who disarms a timer of a runtime that has ended learns so under the lock.
#pragma once

#include <burrow/detail/wait.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace burrow::detail {

/// Nanoseconds of the steady clock.
using nanoseconds_t = std::int64_t;
inline constexpr nanoseconds_t never = std::numeric_limits<nanoseconds_t>::max();

nanoseconds_t steady_now() noexcept;

/// now + duration; saturates to `never`.
inline nanoseconds_t later(nanoseconds_t now, nanoseconds_t duration) noexcept {
  return duration > never - now ? never : now + duration;
}

class timer_set;
struct timer_node;

struct timer_type {
  /// Under the set's lock, disarmed, when the time has come. May arm it again. True: `run` is to be
  /// called after the unlock; then this has taken what keeps the node alive until `run` returns,
  /// and `run` bears being called on several threads, since the timer may be armed again meanwhile.
  bool (*expire)(timer_node&, nanoseconds_t now, wake_list&) noexcept;
  void (*run)(timer_node&) noexcept;
  /// If not null: the set is retired with the timer armed. Called after expire(), in the place of
  /// run().
  void (*retired)(timer_node&) noexcept = nullptr;
};

/// A timer; lives in an awaiter, a timer object or a Context. Guarded by its set's lock.
struct timer_node {
  enum class place : std::uint8_t { none, fresh, slot, late, due };

  timer_node* next = nullptr;
  timer_node* previous = nullptr;
  nanoseconds_t due = 0;  // a duration while fresh
  const timer_type* type = nullptr;
  timer_set* set = nullptr;  // where it is armed, for those who need it; written by its owner alone
  std::uint16_t slot = 0;
  place where = place::none;
  bool resting = false;  // it is fresh, and only to be given its time

  timer_node() noexcept = default;
  timer_node(timer_node&&) noexcept {}
  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;
  ~timer_node() = default;

  bool armed() const noexcept { return where != place::none && !resting; }
  bool rests_fresh() const noexcept { return resting; }
};

class timer_list {
 public:
  timer_node* front() const noexcept { return head_; }
  timer_node* back() const noexcept { return tail_; }
  bool empty() const noexcept { return head_ == nullptr; }
  void push_back(timer_node& t) noexcept;
  void insert_sorted(timer_node& t) noexcept;
  void remove(timer_node& t) noexcept;
  timer_node* take_all() noexcept;
  /// Merges a sorted list, linked through `next`, into this sorted one.
  void merge_sorted(timer_node* list) noexcept;

 private:
  timer_node* head_ = nullptr;
  timer_node* tail_ = nullptr;
};

class timer_set : public wait_source {
 public:
  /// A set for the caller alone, of the bubble with that number. Throws std::bad_alloc.
  static timer_set& obtain(std::uint16_t bubble = 0);
  /// Disarms all, and leaves the set to whoever obtains it next.
  void retire() noexcept;
  /// Under the lock. Until somebody obtains it again nobody looks at it.
  bool is_retired() const noexcept { return is_retired_; }

  /// Under the lock. Fires `duration` ns after the worker's next look at the clock.
  void arm_after(timer_node& t, nanoseconds_t duration) noexcept;
  /// Under the lock. `due` is a time of the steady clock; `never` is accepted and never fires.
  void arm_at(timer_node& t, nanoseconds_t due) noexcept;
  /// Under the lock. False: it was not armed.
  bool disarm(timer_node& t) noexcept;

  /// Under the lock, by the set's worker. The timer is not armed: `duration` is counted from the
  /// worker's next look at the clock, which makes `due` the time.
  void rest_after(timer_node& t, nanoseconds_t duration) noexcept;
  /// Under the lock: gives a timer that rests fresh its time now.
  void stamp(timer_node& t, nanoseconds_t now) noexcept;
  /// Under the lock: forgets a timer, armed or resting.
  void drop(timer_node& t) noexcept;

  /// After the unlock that follows an arm: tells the set's worker, unless it is the caller.
  void tell_owner() noexcept;

  /// By the set's worker, which has just read the clock: fires all that is due. Returns when to
  /// look again, or `never`. Takes the lock.
  nanoseconds_t poll(nanoseconds_t now, wake_list& wakes) noexcept;
  /// By a worker that serves this one while it is stuck. It reads the clock under the lock: the
  /// set's worker may go on and arm timers at any moment, and none may get a time before that.
  nanoseconds_t poll_for_owner(wake_list& wakes) noexcept;

  /// Anyone, glimpses: armed timers; whether a look at the clock is due to somebody; the next look.
  std::size_t armed() const noexcept { return armed_.load(relaxed); }
  bool wants_look() const noexcept {
    return armed_.load(relaxed) != 0 || resting_.load(relaxed) != 0;
  }
  nanoseconds_t next_look() const noexcept { return next_look_.load(relaxed); }
  /// The number of the bubble whose clock moves these timers; 0: none.
  std::uint16_t bubble() const noexcept { return bubble_; }

 private:
  static constexpr unsigned unit_bits = 16;
  static constexpr unsigned slot_bits = 8;
  static constexpr unsigned slots = 1u << slot_bits;
  static constexpr unsigned levels = 6;  // 2^64 ns: all that fits

  /// Which slots of a level have timers.
  class slot_map {
   public:
    void add(unsigned slot) noexcept { words_[slot / 64] |= std::uint64_t{1} << slot % 64; }
    void remove(unsigned slot) noexcept { words_[slot / 64] &= ~(std::uint64_t{1} << slot % 64); }
    /// The first; `slots`: there is none.
    unsigned first() const noexcept {
      for (unsigned i = 0; i < words_.size(); ++i) {
        if (words_[i] != 0) return i * 64 + static_cast<unsigned>(std::countr_zero(words_[i]));
      }
      return slots;
    }

   private:
    std::array<std::uint64_t, slots / 64> words_{};
  };

  timer_set() noexcept = default;

  template <class ReadClock>
  nanoseconds_t poll_by(ReadClock read_clock, wake_list& wakes) noexcept;
  void place(timer_node& t) noexcept;
  void unlink(timer_node& t) noexcept;
  void stamp_fresh(nanoseconds_t now) noexcept;
  void sort_late() noexcept;
  std::uint64_t begin_of(unsigned level, unsigned slot) const noexcept;
  void spread(timer_list& slot) noexcept;
  bool advance(std::uint64_t now_units) noexcept;
  timer_node* expire_due(nanoseconds_t now, wake_list& wakes) noexcept;
  nanoseconds_t compute_next_look() const noexcept;

  static void count(atomic<std::size_t>& counter, std::size_t change) noexcept {
    counter.store(counter.load(relaxed) + change, relaxed);
  }

  timer_list fresh_;
  timer_list late_;            // of slots that have begun, not sorted yet
  timer_list due_;             // of slots that have begun, sorted
  std::uint64_t elapsed_ = 0;  // units; timers of slots up to here are in due_
  std::array<slot_map, levels> occupied_;
  std::array<std::array<timer_list, slots>, levels> wheel_;
  atomic<std::size_t> armed_{0};
  atomic<std::size_t> resting_{0};  // fresh ones that rest
  atomic<nanoseconds_t> next_look_{never};
  std::uint16_t bubble_ = 0;
  bool is_retired_ = false;  // under the lock
  /// Those that no worker has at the moment.
  struct retired_sets {
    wait_lock lock;
    timer_set* first = nullptr;  // under the lock
  };
  static retired_sets& retired() noexcept;

  timer_set* next_retired_ = nullptr;  // under the lock of the retired sets
};

}  // namespace burrow::detail
