// SPDX-License-Identifier: MIT
// A goroutine: a slot from a slab, and a chain of task frames whose innermost one is `leaf`.
//
// The select word decides who may resume a waiting goroutine. Its states and the only transitions:
//
//   running  --begin_wait-->  waiting | firm      by the goroutine itself, under the locks of all
//                                                 the sources that it waits on
//   waiting  --claim-->       running (case k)    by one claimer: a peer, a close, a timer ...
//   waiting  --abandon-->     running (abandoned) by whoever abandons the goroutine
//   firm     --claim-->       running (case k)    a firm wait is not ended by abandonment
//
// One claimer wins; a loser touches nothing but the waiter node that it took off its list, and that
// only under the list's lock. Between the claim and the push onto a run queue the goroutine belongs
// to its claimer; from the push on, to the worker that pops it.
//
// The flag `abandoned` is part of the word, so that begin_wait and abandon cannot miss each other:
// either begin_wait sees the flag and refuses to wait, or abandon sees the wait and ends it.
#pragma once

#include <burrow/detail/atomic.hpp>

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string_view>

namespace burrow::detail {

struct goroutine;
class worker;

/// What a goroutine waits for; the texts are Go's, see wait_reason_text().
enum class wait_reason : std::uint8_t {
  none,
  chan_receive,
  chan_send,
  chan_receive_nil,
  chan_send_nil,
  select,
  select_no_cases,
  sleep,
  mutex_lock,
  rw_mutex_rlock,
  rw_mutex_lock,
  wait_group_wait,
  cond_wait,
  semaphore_acquire,
  once_call,
  context_done,
  join,
  blocking_call,
  io_wait,
  latch_wait,
  barrier_wait,
  group_slot,
  group_limit,  // of a child that has not begun: it is on no wait list, and its word does not wait
  quiet,        // in a bubble: until all others wait durably
  outside,      // in a bubble: for what was made outside of it
};

const char* wait_reason_text(wait_reason reason) noexcept;

/// Whether a goroutine that waits for this lets the clock of its bubble (see bubble.hpp) move.
constexpr bool is_durable(wait_reason reason) noexcept {
  switch (reason) {
    case wait_reason::mutex_lock:
    case wait_reason::rw_mutex_rlock:
    case wait_reason::rw_mutex_lock:
    case wait_reason::once_call:
    case wait_reason::blocking_call:
    case wait_reason::io_wait:
    case wait_reason::outside: return false;
    default: return true;
  }
}
/// A goroutine of a bubble begins to wait, and not durably.
void note_undurable() noexcept;

/// The layer above tells with this table how its kind of goroutine starts and ends.
struct goroutine_type {
  /// Calls the callable and returns its first frame. Runs on a worker, as the goroutine. A null
  /// handle: the goroutine has already ended (a plain callable, or one that threw).
  std::coroutine_handle<> (*start)(goroutine&) noexcept;
  /// The body has ended: destroys frame and callable, and hands on its result or its exception.
  void (*finish)(goroutine&) noexcept;
};

class select_word {
 public:
  static constexpr std::uint32_t abandoned_case = 0xffffff;

  /// By the goroutine itself, before it publishes a waiter. False: it is abandoned and must not
  /// wait.
  /// acq_rel: publishes `leaf`; pairs with claim() and abandon().
  bool begin_wait(bool firm) noexcept {
    std::uint32_t word = word_.load(relaxed);
    for (;;) {
      if ((word & abandoned_flag) != 0 && !firm) return false;
      const std::uint32_t next = (word & abandoned_flag) | (firm ? firm_state : waiting_state);
      if (word_.compare_exchange_weak(word, next, acq_rel, relaxed)) return true;
    }
  }

  /// By a claimer, which then owns the goroutine. False: somebody else has it.
  /// acq_rel: sees `leaf`, pairs with begin_wait(); the goroutine reads the case through the queue.
  bool claim(std::uint32_t case_index) noexcept {
    std::uint32_t word = word_.load(relaxed);
    while ((word & (waiting_state | firm_state)) != 0) {
      const std::uint32_t next = (word & abandoned_flag) | (case_index << case_shift);
      if (word_.compare_exchange_weak(word, next, acq_rel, relaxed)) return true;
    }
    return false;
  }

  /// By whoever abandons the goroutine. True: it was waiting, and the caller owns it now.
  /// acq_rel: as claim().
  bool abandon() noexcept {
    std::uint32_t word = word_.load(relaxed);
    for (;;) {
      const bool waits = (word & waiting_state) != 0;
      const std::uint32_t next =
          waits ? (abandoned_flag | (abandoned_case << case_shift)) : (word | abandoned_flag);
      if (word_.compare_exchange_weak(word, next, acq_rel, relaxed)) return waits;
    }
  }

  /// By the goroutine, after it was resumed: the case that was claimed.
  std::uint32_t claimed_case() const noexcept { return word_.load(relaxed) >> case_shift; }
  bool is_abandoned() const noexcept { return (word_.load(relaxed) & abandoned_flag) != 0; }
  /// By a reader of the registry: a glimpse, stale at once.
  bool is_waiting() const noexcept {
    return (word_.load(relaxed) & (waiting_state | firm_state)) != 0;
  }
  /// For a slot that is taken from, or given back to, the slab.
  void reset() noexcept { word_.store(0, relaxed); }

 private:
  static constexpr std::uint32_t waiting_state = 1;
  static constexpr std::uint32_t firm_state = 2;
  static constexpr std::uint32_t abandoned_flag = 4;
  static constexpr unsigned case_shift = 8;

  atomic<std::uint32_t> word_{0};
};

/// The slot, two cache lines; to wait and to go on touches the first alone. Fields without a remark
/// belong to the goroutine while it runs and to its owner (claimer, queue, worker) while it does
/// not.
struct alignas(64) goroutine {
  static constexpr std::size_t inline_storage = 32;
  static constexpr std::uint32_t full_budget = 128;

  goroutine* next = nullptr;           // link of a run queue, a wake list or the free list
  std::coroutine_handle<> leaf;        // what to resume; null before the start
  select_word word;                    // any thread
  std::uint32_t budget = full_budget;  // awaits left before it yields
  worker* home = nullptr;              // the worker that runs it, or ran it last; null: a
                                       // plain thread that waits, see parked_thread
  void* context = nullptr;             // the carried Context; opaque here
  void* link = nullptr;                // the group that joins it; opaque here
  goroutine* next_list = nullptr;      // see goroutine_list
  std::uint8_t list_length = 0;        // of the goroutine_list that it heads
  atomic<std::uint8_t> origin{0};      // see carried.hpp; read by the end of the runtime
  std::uint16_t bubble = 0;            // the number of its bubble; 0: none. For good
  atomic<wait_reason> reason{wait_reason::none};  // read by dumps
  bool shielded = false;                          // abandonment does not reach what it runs now
  bool exiting = false;                           // the runtime ends: every await throws
  atomic<bool> in_blocking{false};                // inside blocking(): cannot be unwound now

  const goroutine_type* type = nullptr;
  std::source_location where;         // where it was started
  atomic<std::uint64_t> id{0};        // 0: the slot is free. Written by its worker, read by dumps
  atomic<const char*> name{nullptr};  // owned; freed under the slab's mutex, which dumps hold
  alignas(8) std::byte storage[inline_storage];  // the callable and its arguments, or their block

  /// For waits that abandonment ends unless the goroutine is shielded from it.
  bool begin_wait(wait_reason why) noexcept {
    reason.store(why, relaxed);
    if (!is_durable(why) && bubble != 0) note_undurable();
    return word.begin_wait(shielded);
  }
  /// For joins and kernel operations.
  void begin_firm_wait(wait_reason why) noexcept {
    reason.store(why, relaxed);
    if (!is_durable(why) && bubble != 0) note_undurable();
    word.begin_wait(true);
  }
  bool was_abandoned() const noexcept { return word.claimed_case() == select_word::abandoned_case; }
};

static_assert(sizeof(goroutine) == 128);

/// Goroutines that go into a common queue, or out of it, in one step, linked through `next`. It
/// walks nothing while a lock is held: each link may be a cache miss.
struct goroutine_list {
#ifdef BURROW_MODEL
  static constexpr std::uint32_t most = 3;  // a model fills it
#else
  static constexpr std::uint32_t most = 128;
#endif
  goroutine* first = nullptr;
  goroutine* last = nullptr;
  std::uint32_t length = 0;

  bool empty() const noexcept { return length == 0; }
  void add(goroutine* g) noexcept {
    (first == nullptr ? first : last->next) = g;
    last = g;
    goroutine*& before = latest[length % stride];
    if (length > stride) before->next_list = g;
    before = g;
    ++length;
  }

  // Whoever walks the list can fetch early what comes: `next_list` of all but the first names the
  // one so much further on. A hint alone: where lists were joined or cut it names somebody else.
  static constexpr std::uint32_t stride = 8;
  std::array<goroutine*, stride> latest{};
};

/// Gives the running goroutine a name for reports. Throws std::bad_alloc.
void set_name(goroutine& g, std::string_view name);

/// A plain thread that waits for a channel: its stand-in for a goroutine.
struct parked_thread : goroutine {
  atomic<std::uint32_t> woken{0};

  void wait_until_woken() noexcept {
    // acquire: sees what the claimer left; pairs with signal().
    while (woken.load(acquire) == 0) woken.wait(0, acquire);
  }
  void signal() noexcept;
};

}  // namespace burrow::detail
