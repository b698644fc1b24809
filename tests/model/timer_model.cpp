// SPDX-License-Identifier: MIT
// Timers between two threads: the worker that looks at them, and one that arms and disarms. A timer
// fires once or is disarmed, and whoever has disarmed it may destroy it.
#include "checker.hpp"
#include "seam.hpp"

#include <burrow/detail/timers.hpp>

#include <memory>
#include <utility>

using namespace burrow::detail;

namespace {

/// Notes that it has fired, under the set's lock.
struct counting_timer : timer_node {
  int fired = 0;
  bool again = false;

  counting_timer() { type = &type_of_timers; }
  static bool expire(timer_node& t, nanoseconds_t now, wake_list&) noexcept {
    auto& self = static_cast<counting_timer&>(t);
    ++self.fired;
    if (std::exchange(self.again, false)) self.set->arm_at(self, now);
    return false;
  }
  static constexpr timer_type type_of_timers = {&expire, nullptr};
};

constexpr nanoseconds_t now = 1'000'000;

void poll(timer_set& set, nanoseconds_t at) {
  wake_list wakes;
  set.poll(at, wakes);
}

}  // namespace

MODEL(timer_disarm_against_poll, {}) {
  const auto set = std::unique_ptr<timer_set>(new timer_set);
  auto timer = std::make_unique<counting_timer>();
  {
    const locked hold(set->lock);
    set->arm_after(*timer, 10);
  }
  model::thread("worker", [&] {
    poll(*set, now);
    poll(*set, now + 20);
  });
  model::thread("disarms", [&] {
    bool disarmed = false;
    {
      const locked hold(set->lock);
      disarmed = set->disarm(*timer);
    }
    model::check(timer->fired == (disarmed ? 0 : 1), "it fires, or it was disarmed");
    timer.reset();
  });
  model::join();
  model::check(set->armed() == 0, "none is armed");
}

MODEL(timer_arm_against_poll, {}) {
  const auto set = std::unique_ptr<timer_set>(new timer_set);
  counting_timer early;
  counting_timer late;
  early.set = set.get();
  early.again = true;
  model::thread("worker", [&] { poll(*set, now); });
  model::thread("arms", [&] {
    {
      const locked hold(set->lock);
      set->arm_at(early, now);
    }
    const locked hold(set->lock);
    set->arm_after(late, 5);
  });
  model::join();
  model::check(set->wants_look(), "the worker is told to look again");
  model::check(set->next_look() <= now + 5, "and when");
  poll(*set, now + 1);
  poll(*set, now + 10);
  model::check(early.fired == 2 && late.fired == 1, "each fired as often as it was armed");
}

/// A worker that is stuck is served by another, and goes on meanwhile: what it arms is not early.
MODEL(timer_armed_while_served, {}) {
  model::set_clock(now, 1);
  const auto set = std::unique_ptr<timer_set>(new timer_set);
  counting_timer timer;
  counting_timer first;
  {
    const locked hold(set->lock);
    set->arm_at(first, now);
  }
  model::thread("worker", [&] {
    const nanoseconds_t begin = steady_now();
    {
      const locked hold(set->lock);
      set->arm_after(timer, 10);
    }
    poll(*set, steady_now());
    const locked hold(set->lock);
    model::check(timer.due >= begin + 10, "its time is not before it was armed");
  });
  model::thread("other", [&] {
    wake_list wakes;
    if (set->next_look() <= steady_now()) set->poll_for_owner(wakes);
  });
  model::join();
}

/// A worker that is stuck is served by another: two look at the same set.
MODEL(timer_two_pollers, {}) {
  const auto set = std::unique_ptr<timer_set>(new timer_set);
  counting_timer timer;
  {
    const locked hold(set->lock);
    set->arm_at(timer, now);
  }
  model::thread("worker", [&] { poll(*set, now); });
  model::thread("other", [&] {
    wake_list wakes;
    if (set->next_look() <= now) set->poll_for_owner(wakes);
  });
  model::join();
  model::check(timer.fired == 1, "it fired once");
}
