// SPDX-License-Identifier: MIT
#include <burrow/sleep.hpp>

#include <functional>

namespace burrow::detail {

namespace {

/// The two locks in the order of their addresses; `b` may be null.
class locked_both {
 public:
  locked_both(wait_source& a, wait_source* b) noexcept : first_(&a), second_(b) {
    if (b != nullptr && std::less<>()(b, first_)) std::swap(first_, second_);
    first_->lock.lock();
    if (second_ != nullptr) second_->lock.lock();
  }
  void unlock() const noexcept {
    wait_source* const second = second_;
    first_->lock.unlock();
    if (second != nullptr) second->lock.unlock();
  }

 private:
  wait_source* first_;
  wait_source* second_;
};

}  // namespace

constinit const timer_type sleep_awaiter::sleep_type = {&expire, nullptr};

bool sleep_awaiter::await_ready() noexcept {
  goroutine& g = *watcher_.who;
  if (g.exiting && !g.shielded) [[unlikely]] {
    course_ = course::refused;
    return true;
  }
  if (watched_ != nullptr && watched_->has_ended()) {
    course_ = course::ended;
  } else if (duration_ > 0) {
    return false;
  }
  if (g.budget <= 1) return false;  // a loop of sleeps that do not wait starves nobody
  --g.budget;
  return true;
}

std::coroutine_handle<> sleep_awaiter::await_suspend(std::coroutine_handle<> h) noexcept {
  goroutine& g = *watcher_.who;
  if (duration_ <= 0 || course_ == course::ended) return yield_to_others(g, h);
  worker& w = *g.home;
  g.leaf = h;
  timer_set& timers = w.timers();
  const locked_both hold(timers, watched_);
  const bool has_ended = watched_ != nullptr && watched_->has_ended();
  // From the begin of the wait on abandonment may end it, on another worker, which looks at these
  // two before it takes a lock.
  course_ = course::waited;
  timer_node::set = &timers;
  if (has_ended || !g.begin_wait(wait_reason::sleep)) {
    hold.unlock();
    course_ = has_ended ? course::ended : course::refused;
    return refuse_to_wait(g, h);
  }
  timer_node::type = &sleep_type;
  timers.arm_after(*this, duration_);
  if (watched_ != nullptr) watched_->waiters.push_back(watcher_);
  hold.unlock();  // from here on the frame belongs to whoever claims it
  return w.switch_away();
}

/// Under the lock of the timers.
bool sleep_awaiter::expire(timer_node& t, nanoseconds_t, wake_list& wakes) noexcept {
  goroutine* g = static_cast<sleep_awaiter&>(t).watcher_.who;
  if (g->word.claim(timer_case)) wakes.add(g);
  return false;
}

/// Leaves what did not wake it.
void sleep_awaiter::leave() noexcept {
  const std::uint32_t by = watcher_.who->word.claimed_case();
  if (by != timer_case) {
    locked hold(set->lock);
    set->disarm(*this);
  }
  if (by != context_case && watched_ != nullptr) detail::leave(*watched_, watcher_);
}

std::error_code sleep_awaiter::await_resume() {
  if (course_ == course::waited) {
    leave();
    const std::uint32_t by = watcher_.who->word.claimed_case();
    if (by == context_case) {
      course_ = course::ended;
    } else {
      course_ = by == timer_case ? course::slept : course::refused;
    }
  }
  if (course_ == course::refused) throw goroutine_exit{};
  return course_ == course::ended ? error_of(*watched_) : std::error_code();
}

sleep_context_form::sleep_context_form(const context& ctx, nanoseconds_t duration)
    : ctx_(ctx), duration_(duration) {
  if (node_of(ctx) == nullptr) throw_nil_context();
}

}  // namespace burrow::detail
