// SPDX-License-Identifier: MIT
// What timers and tickers are handles to, and the operation of receiving from one.
//
// A core belongs to one timer set, that of the worker where it was made, for all its life; the
// set's lock guards it, and a select locks the set as its source. Like Go since 1.23 it is
// evaluated when somebody asks: it is *active* while a value is to come or has come and was not
// taken, and `due` tells since when the value is there. Nobody has to fire it for that, so a timer
// that nobody waits for rests outside of the wheel: it wakes no worker, it does not hold up the
// deadlock report (DL5), and if it is not referred to any more, it is simply freed (TM25).
//
//   stop       inactive: whatever came is gone. Its result is whether it was active (TM8, TM9).
//   reset      active from now on; result as stop (TM11).
//   receive    if active and due: takes the value, which is `due` (TM5); a ticker's `due` moves on
//   by
//              whole periods to the next one after now (TM18), another timer becomes inactive.
//   wait       the receiver enlists; the first one arms the timer, the last to leave lets it rest.
//   expire     as receive, for the receiver that has waited longest. If none can be claimed, the
//   value
//              waits for the next one who asks.
//
// A timer of after_func() is the same thing with a callable instead of receivers: it is armed while
// it is active, and then owns a reference to itself.
//
// Making one reads no clock on a worker: it rests in the set's list of fresh timers until the
// worker looks at the clock the next time. Who asks before that stamps it.
#pragma once

#include <burrow/detail/duration.hpp>
#include <burrow/detail/memory.hpp>
#include <burrow/detail/operation.hpp>
#include <burrow/detail/timers.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

namespace burrow::detail {

/// One that waits for a timer's value.
struct timer_receiver : waiter {
  nanoseconds_t at = 0;  // the value
};

class timer_core : public timer_node {
 public:
  /// A timer (period 0) or a ticker that is active. Throws std::bad_alloc; std::logic_error where
  /// no runtime runs.
  static timer_core* make(nanoseconds_t duration, nanoseconds_t period);

  void retain() noexcept { references_.fetch_add(1, relaxed); }  // relaxed: the caller has one
  void release() noexcept {
    // acquire: sees what was done through other references; pairs with the acq_rel. Who has the
    // last one needs no read-modify-write.
    if (references_.load(acquire) == 1 || references_.fetch_sub(1, acq_rel) == 1) destroy();
  }

  /// Whether it was active. Any thread, both.
  bool stop() noexcept;
  /// Throws std::logic_error: its runtime has ended, and no other has taken its set over.
  bool reset(nanoseconds_t duration, nanoseconds_t period);

  /// Null: it has no channel, so nothing is ever received from it.
  wait_source* source() noexcept { return is_function_ ? nullptr : set; }
  /// Anyone, without the lock.
  bool may_receive() const noexcept {
    const nanoseconds_t from = value_from_.load(acquire);  // acquire: see operation_type::ready
    return from <= 0 || (from != never && from <= steady_now());
  }

  // Under the lock.
  bool try_receive(timer_receiver& r) noexcept;
  void enlist(timer_receiver& r) noexcept;
  /// Takes the lock.
  void leave(timer_receiver& r) noexcept;

  /// The set of this thread's worker; elsewhere of the runtime that started last. Throws
  /// std::logic_error where none runs.
  static timer_set& set_here();

 protected:
  /// Inactive; `how` is null for a channel timer.
  timer_core(timer_set& home, const timer_type* how, nanoseconds_t period) noexcept;
  ~timer_core() = default;

  /// For a timer with a callable: under the lock. True: the caller has its reference to itself now.
  static bool expire_function(timer_node& t, nanoseconds_t now, wake_list& wakes) noexcept;
  /// By run(), which has no memory for a goroutine: it fires again in a moment.
  void try_again() noexcept;

 private:
  static bool expire_channel(timer_node& t, nanoseconds_t now, wake_list& wakes) noexcept;
  static const timer_type channel_type;

  virtual void destroy() noexcept;
  void forget() noexcept;
  bool begin(nanoseconds_t duration, bool on_own_worker) noexcept;
  void take_value(timer_receiver& r, nanoseconds_t now) noexcept;

  atomic<std::uint32_t> references_{1};
  const bool is_function_;
  bool is_active_ = false;      // under the lock
  bool may_be_linked_ = false;  // into a list of the set; under the lock, and not kept by expire()
  nanoseconds_t period_;        // under the lock; 0: one value only
  wait_list receivers_;         // under the lock
  // Since when a look may find a value: `due` while it rests; 0, that is always, while it rests
  // fresh; never, while it is armed or not active. Written under the lock.
  atomic<nanoseconds_t> value_from_{never};
};

/// Receives; what becomes of the value is up to `Self`.
template <class Self>
class timer_receive : public operation<Self, timer_receiver> {
 public:
  static constexpr wait_reason reason = wait_reason::chan_receive;
  static constexpr wait_reason reason_without_source() noexcept {
    return wait_reason::chan_receive_nil;
  }

  explicit timer_receive(timer_core* core) noexcept : core_(core) {}
  timer_receive(timer_receive&& other) noexcept : core_(other.core_) {}
  ~timer_receive() {
    if (owns_) core_->release();
  }

  wait_source* source() const noexcept { return core_ != nullptr ? core_->source() : nullptr; }
  bool ready() const noexcept { return core_->may_receive(); }
  bool attempt(goroutine*&) noexcept { return core_->try_receive(*this); }
  void enlist() noexcept {
    core_
        ->retain();  // the timer stays while somebody waits for it, whatever becomes of its handles
    owns_ = true;
    core_->enlist(*this);
  }
  void leave() noexcept { core_->leave(*this); }

 private:
  timer_core* core_;
  bool owns_ = false;
};

using time_point = std::chrono::steady_clock::time_point;

class [[nodiscard(
    "recv() does nothing until it is awaited or given to select")]] timer_receive_value
    : public timer_receive<timer_receive_value> {
 public:
  using timer_receive::timer_receive;
  std::optional<time_point> result() const noexcept { return to_time_point(at); }
  std::optional<time_point> context_first_result() const noexcept { return result(); }
};

class [[nodiscard("recv() does nothing until it is awaited or given to select")]] timer_receive_into
    : public timer_receive<timer_receive_into> {
 public:
  timer_receive_into(timer_core* core, time_point& to, bool* ok) noexcept
      : timer_receive(core), to_(&to), ok_(ok) {}
  bool result() const noexcept {
    *to_ = to_time_point(at);
    if (ok_ != nullptr) *ok_ = true;
    return true;
  }
  std::error_code context_first_result() const noexcept {
    result();
    return {};
  }

 private:
  time_point* to_;
  bool* ok_;
};

/// A reference to a core; copied like a pointer.
class timer_handle {
 public:
  timer_handle() noexcept = default;
  explicit timer_handle(timer_core* core) noexcept : core_(core) {}
  timer_handle(const timer_handle& other) noexcept : core_(other.core_) {
    if (core_ != nullptr) core_->retain();
  }
  timer_handle(timer_handle&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  timer_handle& operator=(timer_handle other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~timer_handle() {
    if (core_ != nullptr) core_->release();
  }

  timer_core* get() const noexcept { return core_; }

 private:
  timer_core* core_ = nullptr;
};

/// `d`; throws std::invalid_argument if it is not positive.
nanoseconds_t checked_interval(nanoseconds_t d, const char* refusal);
/// The core of a handle; throws std::logic_error for one that is a default.
timer_core& initialized(const timer_handle& h, const char* refusal);

}  // namespace burrow::detail
