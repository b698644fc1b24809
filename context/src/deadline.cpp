// SPDX-License-Identifier: MIT
// Contexts that end at a time.
//
// The timer is armed in the set of the worker that makes the Context; a plain thread takes the
// running runtime's. When a runtime ends, its sets are retired: timers that are still armed are
// disarmed, and the sets are kept for the next runtime. So `timer.set` stays good for the life of
// the node, and a later cancel() learns under its lock that there is nothing to disarm. A Context
// that has outlived the runtime in which it was made is not ended by its deadline any more, only by
// cancel or its parent.
#include <burrow/context.hpp>
#include <burrow/detail/context_node.hpp>
#include <burrow/detail/scheduler.hpp>

#include <cstddef>
#include <stdexcept>

namespace burrow::detail {

deadline_node& deadline_node::of(timer_node& t) noexcept {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
  auto* address = reinterpret_cast<std::byte*>(&t) - offsetof(deadline_node, timer);
#pragma GCC diagnostic pop
  return *reinterpret_cast<deadline_node*>(address);
}

namespace {

/// Under the set's lock. A node whose timer is armed has not ended and been unlinked, so somebody
/// still owns it; this reference keeps it until expired() is done.
bool expire(timer_node& t, nanoseconds_t, wake_list&) noexcept {
  retain(&deadline_node::of(t));
  return true;
}

void expired(timer_node& t) noexcept {
  deadline_node& n = deadline_node::of(t);
  try_end(n, {ended_by::deadline_exceeded});
  drop(&n);
}

constexpr timer_type deadline_timer = {&expire, &expired};

/// False: the node has ended, and no timer was armed.
bool link_and_arm(deadline_node& n, timer_set& set) noexcept {
  n.timer.type = &deadline_timer;
  n.timer.set = &set;
  if (!link(n, tie::shared)) return false;
  locked hold(set.lock);
  // Either this sees that somebody has ended n meanwhile, or he finds the timer armed: he takes
  // this lock, too, after he has set `ended`.
  if (n.has_ended()) return false;
  set.arm_at(n.timer, n.deadline);
  return true;
}

/// False: no runtime runs.
bool link_and_arm_outside(deadline_node& n) {
  timer_set* set = nullptr;
  bool armed = false;
  const std::uint16_t number = bubble_here();
  scheduler::for_each([&](scheduler& s) {  // its lock keeps the runtime from ending meanwhile
    if (set != nullptr || !s.is_meant_by(number)) return;
    set = &s.outside_timers();
    armed = link_and_arm(n, *set);
  });
  if (armed) set->tell_owner();
  return set != nullptr;
}

}  // namespace

cancellable_node* new_deadline(context_node& parent, nanoseconds_t now, nanoseconds_t due,
                               std::exception_ptr cause) {
  if (due == never) --due;  // a deadline all the same
  if (deadline_of(parent) < due) return new_cancel(parent);
  auto* n = new_node<deadline_node>(parent, due, std::move(cause));
  retain(&parent);
  const cancellable_node* up = n->anchor();
  if (up != nullptr && up->has_ended()) {
    link(*n, tie::shared);
    return n;
  }
  if (due <= now) {
    n->origin = n;
    n->ended.store(ended_by::deadline_exceeded, relaxed);  // relaxed, both: nobody else knows n
    n->settled.store(true, relaxed);
    return n;
  }
  if (worker* w = current_worker()) {
    link_and_arm(*n, w->timers());
  } else if (!link_and_arm_outside(*n)) {
    drop(n, 2);
    throw std::logic_error("a Context with a deadline needs a timer, and no runtime is running");
  }
  return n;
}

}  // namespace burrow::detail
