// SPDX-License-Identifier: MIT
// Scopes: trees of children that end, fail, wait for ever, clean up and open scopes of their own;
// the first error wins, nobody outlives a scope, and a failure ends all others at that instant.
// all, any and race of sleepers, whose results can be foretold.
#include "support/sim.hpp"

#include <algorithm>
#include <deque>
#include <memory>

using namespace burrow;
using namespace sim;

namespace {

enum class kind { sleeps, fails, waits, waits_for_end, cleans_up, scope, all, any, race };

struct part {
  kind what = kind::scope;
  long time = 0;  // all different
  int limit = -1;
  int number = 0;
  bool is_async = false;
  bool body_fails = false;
  bool takes_slots = false;
  std::vector<part> parts;
};

class maker {
 public:
  explicit maker(std::uint64_t seed) : dice_(seed) {}

  part scope_of(int depth) {
    part p = leaf(kind::scope);
    if (dice_.one_in(3)) p.limit = static_cast<int>(1 + dice_(3));
    p.body_fails = dice_.one_in(5);
    p.takes_slots = dice_.one_in(3);
    for (std::uint32_t i = 0, n = dice_(6); i < n; ++i) p.parts.push_back(child_of(depth));
    return p;
  }

 private:
  part leaf(kind what) {
    part p;
    p.what = what;
    p.number = ++number_;
    p.time = 1'000L * dice_(30) + 2 * p.number + 1;
    p.is_async = dice_.one_in(4);
    return p;
  }
  part child_of(int depth) {
    const std::uint32_t k = dice_(14);
    if (k < 4) return leaf(kind::sleeps);
    if (k < 5) return leaf(kind::fails);
    if (k < 6) return leaf(kind::waits);
    if (k < 7) return leaf(kind::waits_for_end);
    if (k < 8) return leaf(kind::cleans_up);
    if (k < 11 && depth < 3) return scope_of(depth + 1);
    part p = leaf(k == 11 ? kind::all : k == 12 ? kind::any : kind::race);
    for (std::uint32_t i = 0, n = 1 + dice_(4); i < n; ++i) {
      p.parts.push_back(leaf(dice_.one_in(3) ? kind::fails : kind::sleeps));
    }
    return p;
  }

  dice dice_;
  int number_ = 0;
};

std::string text_of(const part& p, const std::string& indent = "") {
  static const char* const kinds[] = {"sleeps",    "fails", "waits", "waits for its Context",
                                      "cleans up", "scope", "all",   "any",
                                      "race"};
  std::string t = indent + std::to_string(p.number) + " " + kinds[static_cast<int>(p.what)];
  if (p.is_async) t += ", async";
  if (p.limit >= 0) t += ", limit " + std::to_string(p.limit);
  if (p.takes_slots) t += ", takes slots";
  t += (p.body_fails ? ", body fails at " : ", ") + std::to_string(p.time) + "\n";
  for (const part& child : p.parts) t += text_of(child, indent + "  ");
  return t;
}

struct failure {
  int number;
};

/// A scope, or a part that is running.
struct life {
  int scope;  // in which; -1: the outermost
  long ended = -1;
};

struct scope_life {
  int parent;
  int running = 0;
  std::vector<std::pair<int, long>> failures;  // number, when
  long ended = -1;
  long shielded_until = 0;  // a clean-up takes so long
};

class world {
 public:
  explicit world(report& r) : report_(r) {}

  task<> run(const part& root) {
    try {
      co_await run_scope(root, -1);
    } catch (const failure&) {
    }
    for (const life& l : lives_) report_.expect(l.ended >= 0, "a child has not ended");
  }

 private:
  static std::string name(int number) { return "part " + std::to_string(number); }

  task<> run_scope(const part& p, int parent) {
    const int me = static_cast<int>(scopes_.size());
    scopes_.push_back({parent, 0, {}, -1, 0});
    scope_life& self = scopes_.back();
    int thrown = 0;
    context of_group;
    bool is_exit = false;
    try {
      co_await scope([&, this](group& g) -> task<> {
        of_group = g.context();
        if (p.limit >= 0) g.limit(p.limit);
        for (const part& child : p.parts) {
          if (p.takes_slots) co_await g.slot();
          start(g, child, me, p.limit);
        }
        if (p.body_fails) {
          co_await after(nanoseconds(p.time));
          self.failures.emplace_back(p.number, now());
          throw failure{p.number};
        }
        if (p.number % 3 == 0) {
          co_await g.wait();
          report_.expect(self.running == 0, name(p.number) + ": wait() returns, and one runs");
        }
      });
    } catch (const failure& f) {
      thrown = f.number;
    } catch (const goroutine_exit&) {
      is_exit = true;
    }
    self.ended = now();
    judge(p, self, thrown, of_group);
    if (thrown != 0) throw failure{thrown};
    if (is_exit) this_goroutine::exit();
  }

  void judge(const part& p, const scope_life& self, int thrown, const context& ctx) {
    const std::string who = name(p.number) + ": ";
    const int first = self.failures.empty() ? 0 : self.failures.front().first;
    report_.expect(thrown == first, who + "ends with the error " + std::to_string(thrown) +
                                        ", and the first is " + std::to_string(first));
    report_.expect(self.running == 0, who + "returns before its last child");
    if (first != 0) {
      const long at = std::max(self.failures.front().second, self.shielded_until);
      report_.expect(self.ended <= at, who + "ends at " + std::to_string(self.ended) +
                                           ", and should at " + std::to_string(at));
    }
    if (ctx) report_.expect(bool(ctx.err()), who + "its Context lives on");
    if (ctx && first != 0 && ctx.cause()) {
      try {
        std::rethrow_exception(ctx.cause());
      } catch (const failure& f) {
        report_.expect(f.number == first || f.number != thrown, who + "another cause");
      } catch (const std::system_error&) {  // it was cancelled from outside before
      }
    }
  }

  void start(group& g, const part& child, int me, int limit) {
    auto body = [this, &child, me, limit]() -> task<> { co_await live(child, me, limit); };
    if (child.is_async) {
      auto d = g.async(body);
      static_cast<void>(d);
    } else if (child.number % 5 == 0) {
      if (!g.try_go(body)) g.go(body);
    } else {
      g.go(body);
    }
  }

  struct guard {
    scope_life& of;
    life& mine;
    ~guard() {
      --of.running;
      mine.ended = now();
    }
  };

  task<> live(const part& p, int in, int limit) {
    scope_life& s = scopes_[static_cast<std::size_t>(in)];
    life& mine = lives_.emplace_back(life{in});
    const guard at_end{s, mine};
    ++s.running;
    if (limit >= 0) report_.expect(s.running <= limit, name(p.number) + ": beyond the limit");
    report_.expect(s.ended < 0, name(p.number) + ": starts after the end of its scope");
    try {
      co_await act(p, in);
    } catch (const failure& f) {
      s.failures.emplace_back(f.number, now());
      throw;
    }
  }

  task<> act(const part& p, int in) {
    switch (p.what) {
      case kind::sleeps: co_await sleep(nanoseconds(p.time)); co_return;
      case kind::fails: {
        const auto error = co_await sleep(nanoseconds(p.time));
        if (!error) throw failure{p.number};
        co_return;
      }
      case kind::waits: co_await select(never_.recv(), after(nanoseconds(100'000))); co_return;
      case kind::waits_for_end: {
        const context ctx = this_goroutine::context();
        co_await select(ctx.done(), after(nanoseconds(90'000)));
        co_return;
      }
      case kind::cleans_up: {
        const context shield = without_cancel(this_goroutine::context());
        shield_until(in, now() + p.time);
        co_await under(shield,
                       [](long time) -> task<> { co_await after(nanoseconds(time)); }(p.time));
        co_return;
      }
      case kind::scope: co_await run_scope(p, in); co_return;
      default: co_await combine(p, in);
    }
  }

  void shield_until(int scope_number, long t) {
    for (int i = scope_number; i >= 0; i = scopes_[static_cast<std::size_t>(i)].parent) {
      scope_life& s = scopes_[static_cast<std::size_t>(i)];
      s.shielded_until = std::max(s.shielded_until, t);
    }
  }

  static task<int> sleeper(const part& p) {
    co_await after(nanoseconds(p.time));
    if (p.what == kind::fails) throw failure{p.number};
    co_return p.number;
  }

  bool is_abandoned(int scope_number) const {
    if (scope_number < 0) return false;
    const scope_life& s = scopes_[static_cast<std::size_t>(scope_number)];
    return !s.failures.empty() || is_abandoned(s.parent);
  }

  task<> combine(const part& p, int in) {
    const long begin = now();
    std::vector<const part*> order;
    for (const part& child : p.parts) order.push_back(&child);
    std::sort(order.begin(), order.end(),
              [](const part* a, const part* b) { return a->time < b->time; });
    const auto fails = [](const part* c) { return c->what == kind::fails; };
    const part* decides = order.front();
    const part* culprit = order.front();
    if (p.what != kind::race) {
      const auto found = p.what == kind::all ? std::find_if(order.begin(), order.end(), fails)
                                             : std::find_if_not(order.begin(), order.end(), fails);
      decides = found != order.end() ? *found : order.back();
      culprit = p.what == kind::all ? decides : order.front();
    }
    std::vector<task<int>> tasks;
    for (const part& child : p.parts) tasks.push_back(sleeper(child));
    int got = 0;
    int thrown = 0;
    try {
      if (p.what == kind::all) {
        const auto numbers = co_await all(std::move(tasks));
        for (std::size_t i = 0; i < numbers.size(); ++i) {
          report_.expect(numbers[i] == p.parts[i].number, name(p.number) + ": another result");
        }
        got = decides->number;
      } else if (p.what == kind::any) {
        got = co_await any(std::move(tasks));
      } else {
        got = co_await race(std::move(tasks));
      }
    } catch (const failure& f) {
      thrown = f.number;
    }
    if (is_abandoned(in)) co_return;  // then what it gives, if it gives anything, is its own affair
    report_.expect(now() == begin + decides->time, name(p.number) + ": ends at another time");
    if (fails(decides)) {
      report_.expect(thrown == culprit->number, name(p.number) + ": another error");
    } else {
      report_.expect(got == decides->number, name(p.number) + ": another result");
    }
  }

  report& report_;
  std::deque<life> lives_;  // both stay where they are
  std::deque<scope_life> scopes_;
  chan<int> never_ = make_chan<int>();
};

void scope_theme(std::uint64_t seed, report& r) {
  const part root = maker(seed).scope_of(0);
  r.program = text_of(root);
  in_bubble(seed, r, [&]() -> task<> {
    world w(r);
    co_await w.run(root);
  });
}

constexpr unsigned seeds = 6000;

}  // namespace

TEST_CASE("sim: scopes, by their log") { run_theme("scope", seeds, scope_theme); }
TEST_CASE("sim: scopes, twice the same") { repeat_theme("scope", seeds, scope_theme); }
