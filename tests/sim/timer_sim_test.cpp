// SPDX-License-Identifier: MIT
// Timers, tickers and functions called later, as entries of a multimap by the time they are due.
// Steps come at even times and all is due at odd ones, so what a step finds is certain.
#include "support/sim.hpp"

#include <algorithm>
#include <map>
#include <optional>

using namespace burrow;
using namespace sim;

namespace {

enum class kind { timer, timer_with_receiver, ticker, call };
enum class verb { make, stop, reset, poll, none };

struct step {
  verb what;
  long time;   // odd; a period is even, and begins at an odd time
  long pause;  // before it; even
};

struct actor {
  kind what;
  std::vector<step> steps;
};

/// Any magnitude from nanoseconds to weeks: all levels of the wheel.
long any_time(dice& d) {
  const long whole = 1L << d(50);
  return whole + static_cast<long>(d(1u << 30)) % whole;
}

std::vector<actor> make_program(std::uint64_t seed) {
  dice d(seed);
  std::vector<actor> p;
  const bool is_near = d.one_in(2);  // all times alike, or of all magnitudes
  const auto time = [&] { return is_near ? static_cast<long>(d(2000)) : any_time(d); };
  for (std::uint32_t i = 0, n = 1 + d(12); i < n; ++i) {
    actor a{static_cast<kind>(d(4)), {{verb::make, time() | 1, time() & ~1L}}};
    for (std::uint32_t k = 0, m = d(12); k < m; ++k) {
      const verb what = static_cast<verb>(1 + d(4));
      a.steps.push_back({what, d.one_in(16) ? 0 : time() | 1, time() & ~1L});
    }
    p.push_back(std::move(a));
  }
  return p;
}

std::string text_of(const std::vector<actor>& p) {
  static const char* const kinds[] = {"timer", "timer with a receiver", "ticker", "after_func"};
  static const char* const verbs[] = {"make", "stop", "reset", "poll", "nothing"};
  std::string t;
  for (const actor& a : p) {
    t += std::string(kinds[static_cast<int>(a.what)]) + ":";
    for (const step& s : a.steps) {
      t += " +" + std::to_string(s.pause) + " " + verbs[static_cast<int>(s.what)];
      if (s.what == verb::make || s.what == verb::reset) t += " " + std::to_string(s.time);
      t += ";";
    }
    t += "\n";
  }
  return t;
}

/// All that is due, and what has fired.
class agenda {
 public:
  explicit agenda(report& r) : report_(r) {}

  void set(int who, long due) {
    forget(who);
    entries_.emplace(due, who);
  }
  /// True: there was one.
  bool forget(int who) {
    return std::erase_if(entries_, [&](const auto& e) { return e.second == who; }) != 0;
  }
  std::optional<long> due(int who) const {
    for (const auto& [due, owner] : entries_) {
      if (owner == who) return due;
    }
    return {};
  }
  /// Somebody was told by `who`, now. What stays in the agenda and is due earlier is late.
  void fired(int who, long said_due) {
    const auto expected = due(who);
    const std::string text = "at " + std::to_string(now()) + ", actor " + std::to_string(who);
    report_.expect(expected.has_value(), text + ": fires, and is not set");
    report_.expect(expected == now(),
                   text + ": fires, and is due at " + std::to_string(expected.value_or(-1)));
    report_.expect(said_due == now(), text + ": says that it was due at another time");
    forget(who);
  }
  /// Nothing is left that somebody waits for and that is due before this moment.
  void judge(const std::vector<bool>& is_awaited) {
    for (const auto& [due, who] : entries_) {
      if (due < now() && is_awaited[static_cast<std::size_t>(who)]) {
        report_.fail("at " + std::to_string(now()) + ", actor " + std::to_string(who) +
                     ": has not fired, due at " + std::to_string(due));
      }
    }
  }

 private:
  report& report_;
  std::multimap<long, int> entries_;
};

class world {
 public:
  world(const std::vector<actor>& p, report& r) : program_(p), report_(r), agenda_(r) {
    for (const actor& a : p) {
      awaited_.push_back(a.what == kind::timer_with_receiver || a.what == kind::call);
    }
  }

  task<> run() {
    begin_ = runtime_clock::now();
    co_await scope([this](group& g) -> task<> {
      for (std::size_t i = 0; i < program_.size(); ++i) {
        g.go([this, i]() -> task<> { co_await perform(static_cast<int>(i)); });
      }
      co_return;
    });
    agenda_.judge(awaited_);
    // What is still set and awaited fires in the order of its times.
    co_await after(nanoseconds(1L << 55));
    agenda_.judge(awaited_);
    over_.close();
  }

 private:
  struct handles {
    timer one;
    ticker many;
    long period = 0;
  };

  task<> perform(int who) {
    const actor& a = program_[static_cast<std::size_t>(who)];
    handles h;
    for (const step& s : a.steps) {
      co_await after(nanoseconds(s.pause));
      agenda_.judge(awaited_);
      switch (s.what) {
        case verb::make: make(who, a.what, s, h); break;
        case verb::stop: stop(who, a.what, h); break;
        case verb::reset: co_await reset(who, a.what, s, h); break;
        case verb::poll: co_await poll(who, a.what, h); break;
        case verb::none: break;
      }
    }
    if (a.what == kind::ticker) h.many.stop();
  }

  void make(int who, kind what, const step& s, handles& h) {
    if (what == kind::call) {
      h.one = after_func(nanoseconds(s.time), [this, who] { agenda_.fired(who, now()); });
    } else if (what == kind::ticker) {
      h.many = ticker(nanoseconds(s.time));
      h.period = s.time;
    } else {
      h.one = timer(nanoseconds(s.time));
    }
    agenda_.set(who, now() + s.time);
    if (what != kind::timer_with_receiver) return;
    go([this, who, t = h.one]() -> task<> {
      for (;;) {
        std::chrono::steady_clock::time_point at;
        const int chosen = co_await select(t.recv(at), over_.recv());
        if (chosen == 1) co_return;
        agenda_.fired(who, (at - begin_).count());
      }
    });
  }

  void stop(int who, kind what, handles& h) {
    if (what == kind::ticker) {
      h.many.stop();
      agenda_.forget(who);
      return;
    }
    const bool prevents = h.one.stop();
    report_.expect(prevents == agenda_.forget(who),
                   "stop() tells otherwise: actor " + std::to_string(who));
  }

  task<> reset(int who, kind what, const step& s, handles& h) {
    if (what == kind::ticker) {
      if (s.time == 0) co_return;
      h.many.reset(nanoseconds(s.time));
      h.period = s.time;
      agenda_.set(who, now() + s.time);
      co_return;
    }
    const bool prevents = h.one.reset(nanoseconds(s.time));
    report_.expect(prevents == agenda_.forget(who),
                   "reset() tells otherwise: actor " + std::to_string(who));
    agenda_.set(who, now() + s.time);
    // What is due now fires before the next instant.
    if (s.time == 0) co_await after(nanoseconds(2));
  }

  task<> poll(int who, kind what, handles& h) {
    std::chrono::steady_clock::time_point at;
    int chosen = 0;
    if (what == kind::ticker) {
      chosen = co_await select(h.many.recv(at), otherwise);
    } else {
      chosen = co_await select(h.one.recv(at), otherwise);
    }
    const std::string text = "at " + std::to_string(now()) + ", actor " + std::to_string(who);
    const auto due = agenda_.due(who);
    const bool is_ready = what != kind::call && due && *due <= now();
    report_.expect((chosen == 0) == is_ready, text + ": a receive finds otherwise");
    if (chosen != 0 || !is_ready) co_return;
    const long said = (at - begin_).count();
    report_.expect(said == *due, text + ": says due at " + std::to_string(said) + ", not " +
                                     std::to_string(*due));
    agenda_.forget(who);
    // The next tick comes in phase, behind this moment.
    if (what == kind::ticker) {
      agenda_.set(who, *due + ((now() - *due) / h.period + 1) * h.period);
    }
  }

  const std::vector<actor>& program_;
  report& report_;
  agenda agenda_;
  std::vector<bool> awaited_;
  std::chrono::steady_clock::time_point begin_;
  chan<> over_ = make_chan<>();
};

void timer_theme(std::uint64_t seed, report& r) {
  const std::vector<actor> p = make_program(seed);
  r.program = text_of(p);
  in_bubble(seed, r, [&]() -> task<> {
    world w(p, r);
    co_await w.run();
    co_await synctest::wait();
  });
}

constexpr unsigned seeds = 4000;

}  // namespace

TEST_CASE("sim: timers, as a multimap") { run_theme("timer", seeds, timer_theme); }
TEST_CASE("sim: timers, twice the same") { repeat_theme("timer", seeds, timer_theme); }
