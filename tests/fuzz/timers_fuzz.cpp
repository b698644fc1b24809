// SPDX-License-Identifier: MIT
// A timer_set at invented times beside a list of who is due when. Each input has a set of its own,
// so that the wheel stands as it did: its constructor is private, and access control is off here.
#include "input.hpp"

#include <burrow/detail/timers.hpp>

#include <array>
#include <memory>
#include <vector>

namespace {

using namespace burrow::detail;
using fuzz::expect;

/// What is expected of a timer.
struct expected {
  enum class kind { none, fresh, armed };
  kind how = kind::none;
  nanoseconds_t due = 0;  // fresh: counted from the next look
};

struct noting_timer : timer_node {
  std::vector<noting_timer*>* log = nullptr;
  expected model;

  static bool expire(timer_node& t, nanoseconds_t, wake_list&) noexcept {
    auto& self = static_cast<noting_timer&>(t);
    self.log->push_back(&self);
    return false;
  }
  static constexpr timer_type how = {&expire, nullptr};
};

class world {
 public:
  world() {
    for (noting_timer& t : timers_) {
      t.type = &noting_timer::how;
      t.log = &fired_;
    }
  }

  void step(fuzz::input& in) {
    const unsigned choice = in.below(8);
    if (choice >= 6) return poll(some_time(in));
    noting_timer& t = timers_[in.below(timers_.size())];
    const bool was_armed = t.model.how != expected::kind::none;
    if (choice == 0 || was_armed) {
      const locked hold(set_->lock);
      expect(set_->disarm(t) == was_armed, "disarm tells whether the timer was armed");
      t.model = {};
    }
    if (choice == 0) return;
    const nanoseconds_t d = in.below(32) == 0 ? never : some_time(in);
    const locked hold(set_->lock);
    if (choice < 4) {
      // A time that has passed as well.
      const nanoseconds_t due = choice == 1 && d < now_ ? now_ - d : later(now_, d);
      set_->arm_at(t, due);
      t.model = {expected::kind::armed, due};
    } else {
      set_->arm_after(t, d);
      t.model = {expected::kind::fresh, d};
    }
  }

  void check_armed() {
    std::size_t armed = 0;
    for (noting_timer& t : timers_) {
      expect(t.armed() == (t.model.how != expected::kind::none), "who is armed says so");
      armed += t.armed() ? 1 : 0;
    }
    expect(set_->armed() == armed, "the set counts who is armed");
  }

  void end() {
    for (noting_timer& t : timers_) {
      const locked hold(set_->lock);
      set_->disarm(t);
      t.model = {};
    }
    check_armed();
    poll(1'000'000'000);
    expect(set_->next_look() == never, "a set without timers wants no look");
  }

 private:
  static nanoseconds_t some_time(fuzz::input& in) {
    const unsigned shift = in.below(52);
    return static_cast<nanoseconds_t>(in.bytes(1) << shift | in.bytes(1));
  }

  void poll(nanoseconds_t step) {
    now_ = later(now_, step) == never ? now_ : now_ + step;
    std::size_t count = 0;
    nanoseconds_t next = never;
    for (noting_timer& t : timers_) {
      expected& m = t.model;
      if (m.how == expected::kind::fresh) m = {expected::kind::armed, later(now_, m.due)};
      if (m.how != expected::kind::armed) continue;
      if (m.due <= now_) {
        ++count;
      } else if (m.due < next) {
        next = m.due;
      }
    }
    wake_list nobody;
    fired_.clear();
    const nanoseconds_t look = set_->poll(now_, nobody);
    expect(nobody.empty(), "no goroutine is woken");
    expect(fired_.size() == count, "who is due fires, and nobody else");
    nanoseconds_t last = 0;
    for (noting_timer* t : fired_) {
      expect(t->model.how == expected::kind::armed && t->model.due <= now_, "who fires is due");
      expect(t->model.due >= last, "they fire in the order of their times");
      last = t->model.due;
      t->model = {};
    }
    expect(look <= next, "the next look is not after the next timer");
    expect(look > now_, "the next look is later");
    // For one that is due never, there may be one.
    expect(look == never || set_->armed() != 0, "there is a next look only if there is a timer");
  }

  std::unique_ptr<timer_set> set_{new timer_set};
  std::array<noting_timer, 12> timers_;
  std::vector<noting_timer*> fired_;
  nanoseconds_t now_ = 1'000'000'000'000;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  world w;
  while (!in.empty()) {
    w.step(in);
    w.check_armed();
  }
  w.end();
  return 0;
}
