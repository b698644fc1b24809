// SPDX-License-Identifier: MIT
#include <burrow/detail/runtime_state.hpp>
#include <burrow/ticker.hpp>
#include <burrow/timer.hpp>

#include <new>
#include <stdexcept>

namespace burrow::detail {

// --- life ----------------------------------------------------------------------------------------

constinit const timer_type timer_core::channel_type = {&expire_channel, nullptr};

timer_core::timer_core(timer_set& home, const timer_type* how, nanoseconds_t period) noexcept
    : is_function_(how != nullptr), period_(period) {
  set = &home;
  type = how != nullptr ? how : &channel_type;
}

timer_set& timer_core::set_here() {
  if (worker* w = current_worker()) return w->timers();
  timer_set* found = nullptr;
  const std::uint16_t number = bubble_here();
  scheduler::for_each([&](scheduler& s) {
    if (found == nullptr && s.is_meant_by(number)) found = &s.outside_timers();
  });
  if (found == nullptr) {
    throw std::logic_error("a timer needs a runtime, and none is running: see burrow::run()");
  }
  return *found;
}

timer_core* timer_core::make(nanoseconds_t duration, nanoseconds_t period) {
  timer_set& home = set_here();
  auto* core = ::new (allocate_block(sizeof(timer_core))) timer_core(home, nullptr, period);
  core->reset(duration, period);
  return core;
}

void timer_core::destroy() noexcept {
  forget();
  this->timer_core::~timer_core();
  free_block_memory(this, sizeof(timer_core));
}

/// By the last who refers to it: takes it out of the set.
void timer_core::forget() noexcept {
  if (!may_be_linked_) return;
  locked hold(set->lock);
  set->drop(*this);
}

// --- setting -------------------------------------------------------------------------------------

bool timer_core::stop() noexcept {
  check_bubble(set->bubble());
  bool was_active = false;
  {
    locked hold(set->lock);
    was_active = std::exchange(is_active_, false);
    if (std::exchange(may_be_linked_, false)) set->drop(*this);
    value_from_.store(never, relaxed);  // relaxed: published by the unlock
  }
  if (was_active && is_function_) release();  // its reference to itself
  return was_active;
}

bool timer_core::reset(nanoseconds_t duration, nanoseconds_t period) {
  check_bubble(set->bubble());
  const worker* here = current_worker();
  const bool on_own_worker = here != nullptr && &const_cast<worker*>(here)->timers() == set;
  bool was_active = false;
  bool has_to_tell = false;
  {
    locked hold(set->lock);
    if (set->is_retired()) throw std::logic_error("a timer whose runtime has ended is not reset");
    was_active = std::exchange(is_active_, true);
    if (!was_active && is_function_) retain();  // its reference to itself
    if (may_be_linked_) set->drop(*this);
    period_ = period;
    has_to_tell = begin(duration, on_own_worker) && !on_own_worker;
  }
  if (has_to_tell) set->tell_owner();
  return was_active;
}

/// Under the lock: its time runs from now on. True: it is armed.
bool timer_core::begin(nanoseconds_t duration, bool on_own_worker) noexcept {
  const bool is_awaited = is_function_ || !receivers_.empty();
  const bool later_will_do = on_own_worker && duration > 0;
  nanoseconds_t from = never;
  if (later_will_do) {
    // The worker stamps it when it looks at the clock the next time.
    is_awaited ? set->arm_after(*this, duration) : set->rest_after(*this, duration);
    if (!is_awaited) from = 0;
  } else {
    const nanoseconds_t now = steady_now();
    const nanoseconds_t at = duration > 0 ? later(now, duration) : now;
    if (is_awaited) {
      set->arm_at(*this, at);
    } else {
      due = at;
      from = at;
    }
  }
  may_be_linked_ = is_awaited || later_will_do;
  value_from_.store(from, relaxed);  // relaxed: published by the unlock
  return is_awaited;
}

// --- receiving -----------------------------------------------------------------------------------

/// Under the lock: a value is there.
void timer_core::take_value(timer_receiver& r, nanoseconds_t now) noexcept {
  r.at = due;
  if (period_ == 0) {
    is_active_ = false;
    return;
  }
  const nanoseconds_t missed = (now - due) / period_;
  due = later(due + missed * period_, period_);
}

bool timer_core::try_receive(timer_receiver& r) noexcept {
  if (!is_active_ || armed()) return false;
  const nanoseconds_t now = steady_now();
  if (rests_fresh()) set->stamp(*this, now);
  const bool is_there = due <= now;
  if (is_there) take_value(r, now);
  // release: pairs with the acquire in may_receive().
  value_from_.store(is_active_ ? due : never, std::memory_order_release);
  return is_there;
}

void timer_core::enlist(timer_receiver& r) noexcept {
  if (r.who->bubble != set->bubble()) [[unlikely]]
    wait_outside(*r.who, set->bubble());
  receivers_.push_back(r);
  if (!is_active_ || armed()) return;
  set->arm_at(*this, due);
  may_be_linked_ = true;
  value_from_.store(never, std::memory_order_release);  // release: as try_receive()
  worker& here = *r.who->home;
  if (&here.timers() != set) here.tell_later(*set);
}

void timer_core::leave(timer_receiver& r) noexcept {
  locked hold(set->lock);
  if (r.linked) receivers_.remove(r);
  if (!receivers_.empty() || !set->disarm(*this)) return;
  value_from_.store(due, std::memory_order_release);  // release: as try_receive()
}

bool timer_core::expire_channel(timer_node& t, nanoseconds_t now, wake_list& wakes) noexcept {
  auto& self = static_cast<timer_core&>(t);
  if (waiter* w = self.receivers_.pop_claimed()) {
    self.take_value(static_cast<timer_receiver&>(*w), now);
    wakes.add(w->who);
  }
  if (self.is_active_ && !self.receivers_.empty()) {
    self.set->arm_at(self, self.due);
  } else {
    // release: as try_receive().
    self.value_from_.store(self.is_active_ ? self.due : never, std::memory_order_release);
  }
  return false;
}

// --- timers with a callable ----------------------------------------------------------------------

bool timer_core::expire_function(timer_node& t, nanoseconds_t, wake_list&) noexcept {
  static_cast<timer_core&>(t).is_active_ = false;
  return true;
}

void timer_core::try_again() noexcept {
  constexpr nanoseconds_t moment = 1'000'000;
  bool is_set_again = false;
  {
    locked hold(set->lock);
    is_set_again = is_active_;
    if (!is_set_again) {
      is_active_ = true;
      may_be_linked_ = true;
      set->arm_at(*this, later(steady_now(), moment));
    }
  }
  if (is_set_again) release();
}

// --- handles -------------------------------------------------------------------------------------

nanoseconds_t checked_interval(nanoseconds_t d, const char* refusal) {
  if (d <= 0) throw std::invalid_argument(refusal);
  return d;
}

timer_core& initialized(const timer_handle& h, const char* refusal) {
  if (h.get() == nullptr) throw std::logic_error(refusal);
  return *h.get();
}

}  // namespace burrow::detail
