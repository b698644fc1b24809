// SPDX-License-Identifier: MIT
#include <burrow/detail/group_core.hpp>
#include <burrow/detail/scheduler.hpp>

#include <stdexcept>
#include <string>

namespace burrow::detail {

void group_joiner::leave(goroutine&) noexcept { member.group->leave(member); }

void group_joiner::ended(goroutine&, std::exception_ptr error) noexcept {
  group_core* group = member.group;
  if (error && !is_goroutine_exit(error)) group->fail(std::move(error));
  group->child_ended(false);
}

void suppress(std::exception_ptr error) noexcept {
  const worker* w = current_worker();
  if (w == nullptr) return;
  if (const auto& handler = w->owner().settings().on_suppressed) handler(std::move(error));
}

group_core::group_core() {
  auto [ctx, cancel] = with_cancel_cause(from_node(current_context()));
  ctx_ = std::move(ctx);
  cancel_ = std::move(cancel);
}

// --- children ------------------------------------------------------------------------------------

void group_core::set_limit(long n) {
  wake_list wakes;
  std::size_t active = 0;
  {
    locked hold(lock);
    if (n >= 0) active = active_.load(relaxed);
    if (active == 0) {
      limit_.store(n < 0 ? no_limit : static_cast<std::size_t>(n), release);
      start_pending(wakes);
      wake_waiters(wakes);
    }
  }
  if (active != 0) {
    throw std::logic_error("group: modify limit while " + std::to_string(active) +
                           " goroutines in the group are still active");
  }
  wake_all(wakes);
}

/// Under the lock.
void group_core::link(goroutine* g, group_member& member) noexcept {
  g->link = this;
  member.g = g;
  member.previous = nullptr;
  member.next = members_;
  if (members_ != nullptr) members_->previous = &member;
  members_ = &member;
  if (failed_.load(relaxed)) g->word.abandon();  // it does not begin
}

void group_core::add(goroutine* g, group_member& member) noexcept {
  bool starts = false;
  {
    locked hold(lock);
    link(g, member);
    children_.store(children_.load(relaxed) + 1, release);
    starts = active_.load(relaxed) < limit_.load(relaxed) || failed_.load(relaxed);
    if (starts) {
      active_.store(active_.load(relaxed) + 1, release);
    } else {
      g->reason.store(wait_reason::group_limit, relaxed);  // until it begins
      g->next = nullptr;
      (last_pending_ != nullptr ? last_pending_->next : first_pending_) = g;
      last_pending_ = g;
    }
  }
  if (starts) start_goroutine(g);
}

bool group_core::reserve() noexcept {
  locked hold(lock);
  if (active_.load(relaxed) >= limit_.load(relaxed)) return false;
  active_.store(active_.load(relaxed) + 1, release);
  children_.store(children_.load(relaxed) + 1, release);
  return true;
}

void group_core::cancel_reservation() noexcept { child_ended(false); }

void group_core::add_reserved(goroutine* g, group_member& member) noexcept {
  {
    locked hold(lock);
    link(g, member);
  }
  start_goroutine(g);
}

void group_core::add_body(goroutine* g, group_member& member) noexcept {
  {
    locked hold(lock);
    link(g, member);
    body_.store(true, release);
  }
  start_goroutine(g);
}

void group_core::leave(group_member& member) noexcept {
  locked hold(lock);
  (member.previous != nullptr ? member.previous->next : members_) = member.next;
  if (member.next != nullptr) member.next->previous = member.previous;
}

/// Under the lock: those that were kept for later, the one that waits longest first, up to the
/// limit.
void group_core::start_pending(wake_list& wakes) noexcept {
  while (first_pending_ != nullptr && active_.load(relaxed) < limit_.load(relaxed)) {
    goroutine* g = first_pending_;
    first_pending_ = g->next;
    if (first_pending_ == nullptr) last_pending_ = nullptr;
    active_.store(active_.load(relaxed) + 1, release);
    wakes.add(g);
  }
}

/// Under the lock.
void group_core::wake_waiters(wake_list& wakes) noexcept {
  if (has_slot()) slot_waiters.claim_all(wakes);
  if (children_gone()) waiters.claim_all(wakes);
  if (all_gone()) joiners.claim_all(wakes);
}

void group_core::child_ended(bool is_body) noexcept {
  wake_list wakes;
  {
    locked hold(lock);
    if (is_body) {
      body_.store(false, release);
    } else {
      children_.store(children_.load(relaxed) - 1, release);
      active_.store(active_.load(relaxed) - 1, release);
      start_pending(wakes);
    }
    wake_waiters(wakes);
  }
  wake_all(wakes);
}

// --- the end -------------------------------------------------------------------------------------

void group_core::fail(std::exception_ptr error) noexcept {
  bool is_first = false;
  bool is_same = false;
  {
    locked hold(lock);
    is_first = !first_;
    is_same = first_ == error;
    if (is_first) first_ = error;
  }
  if (is_first) {
    cancel_(error);
    abandon_children();
  } else if (!is_same) {
    suppress(std::move(error));
  }
}

void group_core::abandon_children() noexcept {
  cancel_();
  wake_list wakes;
  {
    locked hold(lock);
    failed_.store(true, release);
    for (group_member* m = members_; m != nullptr; m = m->next) {
      if (m->g->word.abandon()) wakes.add(m->g);
    }
    // Those that were kept for later end without having begun.
    while (goroutine* g = first_pending_) {
      first_pending_ = g->next;
      active_.store(active_.load(relaxed) + 1, release);
      wakes.add(g);
    }
    last_pending_ = nullptr;
    slot_waiters.claim_all(wakes);
  }
  wake_all(wakes);
}

std::exception_ptr group_core::first_error() noexcept {
  locked hold(lock);
  return first_;
}

// --- the join ------------------------------------------------------------------------------------

bool group_join::awaiter::await_ready() noexcept { return false; }

std::coroutine_handle<> group_join::awaiter::await_suspend(std::coroutine_handle<> h) noexcept {
  goroutine& g = *who;
  worker& w = *g.home;
  g.leaf = h;
  group_.lock.lock();
  if (group_.all_gone()) {
    group_.lock.unlock();
    return transfer_to(w, h);
  }
  waited_ = true;
  if (!g.begin_wait(wait_reason::join)) {
    // Abandoned before: the children are told now, and from here on the wait is firm.
    group_.lock.unlock();
    group_.abandon_children();
    group_.lock.lock();
    if (group_.all_gone()) {
      waited_ = false;
      group_.lock.unlock();
      return transfer_to(w, h);
    }
    g.begin_firm_wait(wait_reason::join);
  }
  group_.joiners.push_back(*this);
  group_.lock.unlock();
  return w.switch_away();
}

bool group_join::awaiter::await_resume() noexcept {
  if (!waited_ || !who->was_abandoned()) return true;
  {
    locked hold(group_.lock);
    if (linked) group_.joiners.remove(*this);
  }
  return false;
}

}  // namespace burrow::detail
