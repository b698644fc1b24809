// SPDX-License-Identifier: MIT
// A bubble: a runtime for a test, with a clock of its own and every free choice drawn from a seed.
//
// The runtime of a bubble has one worker, the thread that made it, so that nothing in it depends on
// the machine. At each turn the worker gathers all goroutines that can run and picks one at random;
// that one gets a random budget, so that it yields at some awaits that complete at once. The cases
// of a select are drawn from the same numbers, and timers of one instant all fire before one of
// their goroutines runs. So a seed decides a run, and the trace, a hash over all choices, tells
// whether two runs were the same.
//
// The clock stands still while something can run. When nothing can, and everything that waits waits
// *durably*, that is, only another goroutine of the bubble or its clock can end the wait, the
// worker calls when_quiet(), which does the first of these that applies:
//   1. resumes the goroutine that is in testing::wait();
//   2. moves the clock to the next timer, unless the test's main has ended;
//   3. calls the keeper, the goroutine that runs the test: it is stuck.
// Not durable are blocking(), locks (as in Go: who holds them may be outside), and waits for what
// was made outside of the bubble. Then real time has to bring an end, and the clock stands still.
//
// What belongs to a bubble, channels, Contexts, wait groups and timers, carries its number: that of
// the thread on which it was made, 0 outside. Using a channel or a timer from outside ends the
// program, as in Go.
//
// The bubble belongs to its worker's thread; what others may look at is atomic.
#pragma once

#include <burrow/detail/goroutine.hpp>
#include <burrow/detail/timers.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace burrow::detail {

class scheduler;

class bubble {
 public:
  /// 2000-01-01 00:00 UTC, in ns since 1970: where its clock begins, as Go's.
  static constexpr nanoseconds_t begin = 946'684'800'000'000'000;

  /// Makes it the bubble of this thread, until it is destroyed.
  explicit bubble(std::uint64_t seed) noexcept;
  ~bubble();
  bubble(const bubble&) = delete;
  bubble& operator=(const bubble&) = delete;

  std::uint16_t number() const noexcept { return number_; }
  std::uint64_t seed() const noexcept { return seed_; }
  std::uint64_t trace() const noexcept { return trace_; }
  std::uint64_t turns() const noexcept { return turns_; }
  /// Any thread of the bubble.
  nanoseconds_t now() const noexcept { return now_.load(relaxed); }

  // --- By the worker ---------------------------------------------------------------------------

  std::uint64_t random() noexcept;
  /// A goroutine that can run.
  void add(goroutine* g);
  /// One of them; null: there is none.
  goroutine* choose() noexcept;
  /// How many awaits the chosen one has until it yields.
  std::uint32_t budget() noexcept;
  /// Nothing can run, and all wait durably; `next` is when the next timer is due.
  void when_quiet(nanoseconds_t next) noexcept;
  /// The same, but for some that wait for locks; nothing outside can end that.
  void when_locked() noexcept;
  /// So much real time has passed in waiting for what is outside.
  void waited(nanoseconds_t real) noexcept;

  // --- By goroutines of the bubble --------------------------------------------------------------

  /// This one is to be woken when all others wait durably. Null: none is.
  goroutine* waiter = nullptr;
  /// Await after await was refused, in one turn.
  void refuse() noexcept;
  /// Some wait may not be durable: the next quiet moment has to look at each.
  bool has_to_look = false;

  // --- By the keeper ----------------------------------------------------------------------------

  enum class phase {
    running,  // the test's main runs
    ending,   // it has ended: no timer fires any more
    over,     // all that is left is unwound
  };
  enum class call {
    none,
    ended,   // what the keeper waits for has ended
    stuck,   // nothing can run again
    locked,  // the same, and some wait for locks
  };

  phase state = phase::running;
  goroutine* keeper = nullptr;  // it waits to be called
  /// Wakes the keeper, or is there when it begins to wait. The first call counts.
  void call_keeper(call why) noexcept;
  call take_call() noexcept;

 private:
  // What is unwound has so many turns before the clock moves with each, lest goroutines that
  // swallow their end go on for ever.
  static constexpr std::uint64_t patience = 100'000;

  void note(std::uint64_t value) noexcept;

  const std::uint64_t seed_;
  const std::uint16_t number_;
  std::uint64_t random_;
  std::uint64_t trace_ = 0;
  std::uint64_t turns_ = 0;
  std::uint64_t turns_over_ = 0;
  std::uint64_t refusals_ = 0;  // in this turn
  atomic<nanoseconds_t> now_{begin};
  call called_ = call::none;
  std::vector<goroutine*> runnable_;
};

/// The bubble of this thread, or null. Not kept across an await by who may be elsewhere then.
bubble* current_bubble() noexcept;
/// For threads that serve a bubble beside its worker.
void enter_bubble(bubble* b) noexcept;
/// The number of this thread's bubble; 0: none.
std::uint16_t bubble_here() noexcept;

/// By a goroutine of this thread's bubble that has been told to end: an await was refused. Ends the
/// program if it goes on and on: nobody else has a turn.
void note_refusal() noexcept;

/// A source of a bubble is used by somebody: ends the program if that is from outside.
void check_bubble(std::uint16_t source) noexcept;
/// A goroutine waits for a source of another bubble, or of none; it has noted its reason. Ends the
/// program if the source is of a bubble.
void wait_outside(goroutine& g, std::uint16_t source) noexcept;

}  // namespace burrow::detail
