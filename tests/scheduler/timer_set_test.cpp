// SPDX-License-Identifier: MIT
// The timers of a worker, against a sorted map as the model, on a clock that the test moves.
#include <burrow/detail/timers.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using namespace burrow::detail;

namespace {

struct pcg {
  std::uint64_t state;
  std::uint64_t operator()(std::uint64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t high = state >> 32;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (high << 32 | state >> 32) % n;
  }
};

/// Writes to the log of its test that it has fired.
struct noting_timer : timer_node {
  std::vector<std::pair<noting_timer*, nanoseconds_t>>* log = nullptr;
  nanoseconds_t fired_due = 0;
  bool runs = false;  // has something to do after the unlock
  int runs_done = 0;
  nanoseconds_t period = 0;

  noting_timer() { type = &how; }

  static bool expire(timer_node& t, nanoseconds_t now, wake_list&) noexcept {
    auto& self = static_cast<noting_timer&>(t);
    self.fired_due = self.due;
    self.log->push_back({&self, now});
    if (self.period != 0) self.set->arm_at(self, later(self.due, self.period));
    return self.runs;
  }
  static void run(timer_node& t) noexcept { ++static_cast<noting_timer&>(t).runs_done; }
  static constexpr timer_type how = {&expire, &run};
};

/// A set of its own, given back at the end; and what has fired.
class set_under_test {
 public:
  set_under_test() : set_(timer_set::obtain()), now_(steady_now()) {}
  set_under_test(const set_under_test&) = delete;
  set_under_test& operator=(const set_under_test&) = delete;
  ~set_under_test() { set_.retire(); }

  timer_set& operator*() noexcept { return set_; }
  timer_set* operator->() noexcept { return &set_; }
  nanoseconds_t now() const noexcept { return now_; }

  void arm_at(noting_timer& t, nanoseconds_t due) {
    const locked hold(set_.lock);
    t.log = &fired;
    t.set = &set_;
    set_.arm_at(t, due);
  }
  void arm_after(noting_timer& t, nanoseconds_t d) {
    const locked hold(set_.lock);
    t.log = &fired;
    t.set = &set_;
    set_.arm_after(t, d);
  }
  bool disarm(noting_timer& t) {
    const locked hold(set_.lock);
    return set_.disarm(t);
  }
  /// Moves the clock on to `to` and polls once.
  nanoseconds_t poll_at(nanoseconds_t to) {
    now_ = to;
    wake_list nobody;
    const nanoseconds_t next = set_.poll(now_, nobody);
    CHECK(nobody.empty());
    return next;
  }

  std::vector<std::pair<noting_timer*, nanoseconds_t>> fired;

 private:
  timer_set& set_;
  nanoseconds_t now_;
};

constexpr nanoseconds_t us = 1'000;
constexpr nanoseconds_t ms = 1'000'000;
constexpr nanoseconds_t s = 1'000'000'000;

}  // namespace

TEST_CASE("later() saturates") {
  CHECK(later(5, 6) == 11);
  CHECK(later(5, never) == never);
  CHECK(later(never, never) == never);
  CHECK(later(never - 3, 3) == never);
  CHECK(later(never - 3, 4) == never);
}

TEST_CASE("a timer fires at its nanosecond, not one before") {
  for (const nanoseconds_t d :
       {nanoseconds_t{1}, us, 65'535 * nanoseconds_t{1}, 65'536 * nanoseconds_t{1}, ms, 20 * ms, s,
        5 * s, 2000 * s, 4 * 86'400 * s, 400 * 86'400 * s, 30'000 * (86'400 * s)}) {
    CAPTURE(d);
    set_under_test set;
    noting_timer t;
    const nanoseconds_t due = set.now() + d;
    set.arm_at(t, due);
    CHECK(set->armed() == 1);
    CHECK(set->next_look() <= due);
    nanoseconds_t next = set.poll_at(due - 1);
    CHECK(set.fired.empty());
    CHECK(next <= due);
    next = set.poll_at(due);
    CHECK(set.fired.size() == 1);
    CHECK(t.fired_due == due);
    CHECK_FALSE(t.armed());
    CHECK(next == never);
    CHECK(set->armed() == 0);
  }
}

TEST_CASE("sleeping from look to look ends: each next_look() moves on and none is past the timer") {
  for (const nanoseconds_t d : {us, ms, s, 3600 * s, 100 * 86'400 * s, 3650 * 86'400 * s}) {
    CAPTURE(d);
    set_under_test set;
    noting_timer t;
    const nanoseconds_t due = set.now() + d;
    set.arm_at(t, due);
    nanoseconds_t next = set->next_look();
    int looks = 0;
    while (set.fired.empty() && looks < 20) {
      REQUIRE(next <= due);
      REQUIRE(next >= set.now());
      next = set.poll_at(next);
      ++looks;
    }
    CHECK(set.fired.size() == 1);
    CHECK(set.now() == due);
    CHECK(looks <= 8);  // one for each level, and the nanosecond
  }
}

TEST_CASE("a fresh timer is stamped by the look: it is never early") {
  set_under_test set;
  noting_timer t;
  set.arm_after(t, 10 * ms);
  CHECK(set->wants_look());
  CHECK(set->next_look() == 0);
  const nanoseconds_t look = set.now() + 3 * ms;
  CHECK(set.poll_at(look) <= look + 10 * ms);
  CHECK(t.due == look + 10 * ms);
  set.poll_at(look + 10 * ms - 1);
  CHECK(set.fired.empty());
  set.poll_at(look + 10 * ms);
  CHECK(set.fired.size() == 1);
}

TEST_CASE("never is accepted and never fires; a time long past fires at once") {
  set_under_test set;
  noting_timer far;
  noting_timer farther;
  noting_timer past;
  noting_timer before_time;
  set.arm_at(far, never);
  set.arm_after(farther, never);
  set.arm_at(past, 1);
  set.arm_at(before_time, -5);
  set.poll_at(set.now());
  CHECK(set.fired.size() == 2);
  CHECK(set.fired[0].first == &before_time);
  CHECK(set.fired[1].first == &past);
  set.poll_at(set.now() + 36500 * (86400 * s));
  CHECK(set.fired.size() == 2);
  CHECK(set->armed() == 2);
  CHECK(set.disarm(far));
  CHECK(set.disarm(farther));
  CHECK_FALSE(set.disarm(far));
  CHECK_FALSE(set->wants_look());
}

TEST_CASE("a timer that is stopped does not fire, wherever it was") {
  set_under_test set;
  std::vector<noting_timer> t(6);
  set.arm_after(t[0], ms);  // fresh
  CHECK(set.disarm(t[0]));
  set.arm_at(t[1], set.now() - 1);  // late
  CHECK(set.disarm(t[1]));
  set.arm_at(t[2], set.now() + 50 * us);  // of the slot that has begun, or the next
  set.arm_at(t[3], set.now() + 55 * us);
  set.poll_at(set.now() + 1);
  CHECK(set.disarm(t[2]));
  set.arm_at(t[4], set.now() + s);  // a level above
  CHECK(set.disarm(t[4]));
  CHECK_FALSE(set.disarm(t[4]));
  CHECK(set->armed() == 1);
  set.poll_at(set.now() + 2 * s);
  CHECK(set.fired.size() == 1);
  CHECK(set.fired[0].first == &t[3]);
}

TEST_CASE("a timer that arms itself again while it fires, and one that has something to run") {
  set_under_test set;
  noting_timer periodic;
  noting_timer running;
  periodic.period = 10 * ms;
  running.runs = true;
  const nanoseconds_t begin = set.now();
  set.arm_at(periodic, begin + 10 * ms);
  set.arm_at(running, begin + 25 * ms);
  set.poll_at(begin + 100 * ms);
  CHECK(running.runs_done == 1);
  CHECK(set.fired.size() == 11);  // each missed period by itself, in order
  for (std::size_t i = 0; i + 1 < set.fired.size(); ++i) {
    CHECK(set.fired[i].second == begin + 100 * ms);
  }
  CHECK(periodic.armed());
  CHECK(set.disarm(periodic));
}

TEST_CASE("a retired set has disarmed all, and can be taken over") {
  noting_timer near;
  noting_timer far;
  noting_timer fresh;
  {
    set_under_test set;
    set.arm_at(near, set.now() + us);
    set.arm_at(far, set.now() + 1000 * s);
    set.arm_after(fresh, ms);
  }
  CHECK_FALSE(near.armed());
  CHECK_FALSE(far.armed());
  CHECK_FALSE(fresh.armed());
  set_under_test next;
  CHECK_FALSE(next->wants_look());
  CHECK(next->next_look() == never);
  noting_timer t;
  next.arm_at(t, next.now() + 5);
  next.poll_at(next.now() + 5);
  CHECK(next.fired.size() == 1);
}

TEST_CASE("a hundred thousand timers at once fire in order") {
  set_under_test set;
  std::vector<noting_timer> all(100'000);
  pcg random{1};
  const nanoseconds_t begin = set.now();
  for (auto& t : all) set.arm_at(t, begin + static_cast<nanoseconds_t>(random(2 * s)));
  set.poll_at(begin + s);
  const std::size_t half = set.fired.size();
  CHECK(half > 40'000);
  CHECK(half < 60'000);
  set.poll_at(begin + 2 * s);
  CHECK(set.fired.size() == all.size());
  const bool in_order = std::is_sorted(
      set.fired.begin(), set.fired.end(),
      [](const auto& a, const auto& b) { return a.first->fired_due < b.first->fired_due; });
  CHECK(in_order);
}

namespace {

/// Arms, disarms and moves on at random; a multimap from the due times knows what must happen.
class model_run {
 public:
  model_run(std::uint64_t seed, std::size_t timers) : random_{seed}, all_(timers) {}

  void step() {
    noting_timer& t = all_[random_(all_.size())];
    switch (random_(8)) {
      case 0:
      case 1:
      case 2: arm(t, set_.now() + some_duration()); break;
      case 3: arm_fresh(t, some_duration()); break;
      case 4: disarm(t); break;
      case 5: move_to(set_.now() + some_duration()); break;
      case 6:
        if (next_look_ != never) move_to(std::max(set_.now(), next_look_));
        break;
      default: move_to(boundary()); break;
    }
  }

  void end() {
    while (!model_.empty()) move_to(std::max(set_.now(), model_.begin()->first));
    CHECK(set_->armed() == 0);
    CHECK(next_look_ == never);
  }

 private:
  /// From nanoseconds to years, each power of two as likely.
  nanoseconds_t some_duration() {
    return static_cast<nanoseconds_t>(random_(std::uint64_t{1} << random_(54)));
  }

  /// One before, at, or one behind the border of a slot of some level, or a timer's time.
  nanoseconds_t boundary() {
    const auto offset = static_cast<nanoseconds_t>(random_(3)) - 1;
    if (random_(2) == 0 && !model_.empty()) {
      return std::max(set_.now(), model_.begin()->first + offset);
    }
    const unsigned bits = 16 + 8 * static_cast<unsigned>(random_(5));
    const nanoseconds_t width = nanoseconds_t{1} << bits;
    return std::max(set_.now(), (set_.now() / width + 1) * width + offset);
  }

  void arm(noting_timer& t, nanoseconds_t due) {
    disarm(t);
    set_.arm_at(t, due);
    model_.emplace(due, &t);
    next_look_ = set_->next_look();
    REQUIRE(next_look_ <= due);
  }

  /// The model has its time when the next look has stamped it; so that comes at once.
  void arm_fresh(noting_timer& t, nanoseconds_t duration) {
    disarm(t);
    set_.arm_after(t, duration);
    model_.emplace(set_.now() + duration, &t);
    move_to(set_.now());
  }

  void disarm(noting_timer& t) {
    const auto it = std::find_if(model_.begin(), model_.end(),
                                 [&](const auto& entry) { return entry.second == &t; });
    const bool expected = it != model_.end();
    if (expected) model_.erase(it);
    REQUIRE(set_.disarm(t) == expected);
  }

  void move_to(nanoseconds_t now) {
    set_.fired.clear();
    next_look_ = set_.poll_at(now);
    nanoseconds_t last = 0;
    for (const auto& [t, at] : set_.fired) {
      REQUIRE(t->fired_due <= now);
      REQUIRE(t->fired_due >= last);  // in order
      last = t->fired_due;
      const auto range = model_.equal_range(t->fired_due);
      const auto it = std::find_if(range.first, range.second,
                                   [t = t](const auto& entry) { return entry.second == t; });
      REQUIRE(it != range.second);
      model_.erase(it);
    }
    REQUIRE((model_.empty() || model_.begin()->first > now));  // nothing is late
    REQUIRE(set_->armed() == model_.size());
    REQUIRE(next_look_ == set_->next_look());
    if (!model_.empty()) {
      REQUIRE(next_look_ <= model_.begin()->first);
    } else {
      REQUIRE(next_look_ == never);
    }
    REQUIRE((model_.empty() || next_look_ > now));  // or a worker would spin
  }

  pcg random_;
  std::vector<noting_timer> all_;
  set_under_test set_;
  std::multimap<nanoseconds_t, noting_timer*> model_;
  nanoseconds_t next_look_ = never;
};

}  // namespace

TEST_CASE("random arming, stopping and moving on does what a sorted map does") {
#if BURROW_ASAN || BURROW_TSAN
  constexpr int steps = 2'000;
#else
  constexpr int steps = 20'000;
#endif
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    model_run run(seed, seed % 2 == 0 ? 8 : 200);
    for (int i = 0; i < steps; ++i) run.step();
    run.end();
  }
}

TEST_CASE(
    "other threads arm and stop while the set is polled: each timer fires once or is stopped") {
#if BURROW_ASAN || BURROW_TSAN
  constexpr int rounds = 3'000;
#else
  constexpr int rounds = 50'000;
#endif
  set_under_test set;
  std::atomic<int> running{2};
  std::atomic<int> stopped{0};
  const auto arm_and_stop = [&](std::uint64_t seed) {
    pcg random{seed};
    std::vector<noting_timer> own(16);
    for (int i = 0; i < rounds; ++i) {
      noting_timer& t = own[random(own.size())];
      if (set.disarm(t)) ++stopped;
      set.arm_at(t, steady_now() + static_cast<nanoseconds_t>(random(50 * us)));
    }
    for (auto& t : own) stopped += set.disarm(t) ? 1 : 0;
    --running;
  };
  std::thread a(arm_and_stop, 1);
  std::thread b(arm_and_stop, 2);
  while (running.load() != 0) set.poll_at(steady_now());
  a.join();
  b.join();
  CHECK(set.fired.size() + static_cast<std::size_t>(stopped.load()) == 2 * std::size_t{rounds});
}
