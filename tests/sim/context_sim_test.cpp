// SPDX-License-Identifier: MIT
// The Context tree: actors derive, cancel, watch and stop; at every step each Context's err, cause,
// deadline and value are those that a recursion over the log gives.
#include "support/sim.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>

using namespace burrow;
using namespace sim;

namespace {

inline constexpr context_key<int> mark{"mark"};

enum class verb {
  cancel_form,
  cause_form,
  timeout,
  deadline_cause,
  value,
  without,
  cancel,
  drop,
  watch,
  call,
  stop
};

struct step {
  verb what;
  std::uint32_t target;  // modulo how many there are by then
  long time;             // a timeout; odd
  long pause;            // before it; even
};

using program = std::vector<std::vector<step>>;  // of each actor

program make_program(std::uint64_t seed) {
  dice d(seed);
  program p(1 + d(3));
  long number = 0;
  for (auto& steps : p) {
    for (std::uint32_t i = 0, n = 3 + d(12); i < n; ++i) {
      // Each deadline is another, so no two fall on one instant.
      const long time = d.one_in(8) ? -1 : 1'000 * d(40) + 2 * ++number + 1;
      steps.push_back({static_cast<verb>(d(11)), d(1000), time, 1'000L * d(12)});
    }
  }
  return p;
}

std::string text_of(const program& p) {
  static const char* const verbs[] = {
      "with_cancel", "with_cancel_cause", "with_timeout", "with_deadline_cause",
      "with_value",  "without_cancel",    "cancel",       "drop",
      "watch",       "after_func",        "stop"};
  std::string t;
  for (const auto& steps : p) {
    t += "actor:";
    for (const step& s : steps) {
      t += " +" + std::to_string(s.pause) + " " + verbs[static_cast<int>(s.what)] + " " +
           std::to_string(s.target);
      if (s.what == verb::timeout || s.what == verb::deadline_cause) {
        t += " in " + std::to_string(s.time);
      }
      t += ";";
    }
    t += "\n";
  }
  return t;
}

/// How a Context ends.
struct ending {
  long at;
  long order;  // in the log, of those at one instant
  bool by_deadline;
  int cause;  // 0: the error itself
};

std::optional<ending> earlier(std::optional<ending> a, std::optional<ending> b) {
  if (!a || !b) return a ? a : b;
  return std::pair(b->at, b->order) < std::pair(a->at, a->order) ? b : a;
}

/// What a Context is cancelled with.
struct cause_number {
  int n;
};

int number_of(const std::exception_ptr& cause, std::error_code err) {
  try {
    std::rethrow_exception(cause);
  } catch (const cause_number& c) {
    return c.n;
  } catch (const std::system_error& e) {
    return e.code() == err ? 0 : -1;
  }
}

struct node {
  int parent = -1;
  verb how = verb::value;
  context ctx;
  std::unique_ptr<cancel_function> cancel;
  std::unique_ptr<cancel_cause_function> cancel_cause;
  std::optional<long> deadline;       // its own
  std::optional<ending> by_deadline;  // which that one brings
  std::optional<ending> cancelled;    // by its own cancel, the first time
  int value = 0;

  bool can_be_cancelled() const { return cancel || cancel_cause; }
};

/// One who waits for the end of a node: a goroutine, or a function to call.
struct watcher {
  int node;
  long since;
  bool is_call;
  stop_function stop = {};
  bool is_stopped = false;
  std::optional<long> woken = {};
  int runs = 0;
};

class world {
 public:
  world(const program& p, report& r) : program_(p), report_(r) {
    nodes_.emplace_back().ctx = background();
  }

  task<> run() {
    co_await scope([this](group& g) -> task<> {
      for (const auto& steps : program_) {
        g.go([this, &steps]() -> task<> {
          for (const step& s : steps) {
            co_await after(nanoseconds(s.pause));
            act(s);
            judge();
          }
        });
      }
      g.go([this]() -> task<> {
        for (int i = 0; i < 25; ++i) {
          co_await synctest::sleep(nanoseconds(7'000 + i % 2));
          judge();
          judge_watchers();
        }
      });
      co_return;
    });
    for (node& n : nodes_) drop(n);
    judge();
    co_await synctest::wait();
    judge_watchers();
    over_.close();  // for those who watch what never ends
  }

 private:
  // --- the model ---------------------------------------------------------------------------------

  const node& at(int i) const { return nodes_[static_cast<std::size_t>(i)]; }

  /// The first ending of a node or of what is above it; it may lie in the future.
  std::optional<ending> first_ending(int i) const {
    if (i < 0) return {};
    const node& n = at(i);
    const auto own = earlier(n.cancelled, n.by_deadline);
    return n.how == verb::without ? own : earlier(own, first_ending(n.parent));
  }
  std::optional<ending> ending_of(int i) const {
    const auto e = first_ending(i);
    return e && e->at <= now() ? e : std::nullopt;
  }
  std::optional<long> deadline_of(int i) const {
    if (i < 0 || at(i).how == verb::without) return {};
    const auto above = deadline_of(at(i).parent);
    const auto own = at(i).deadline;
    if (!own || !above) return own ? own : above;
    return std::min(*own, *above);
  }
  int value_of(int i) const {
    if (i < 0) return 0;
    return at(i).value != 0 ? at(i).value : value_of(at(i).parent);
  }

  // --- steps -------------------------------------------------------------------------------------

  void act(const step& s) {
    const int parent = static_cast<int>(s.target % nodes_.size());
    const context up = at(parent).ctx;
    const int number = static_cast<int>(++order_);
    const auto cause = std::make_exception_ptr(cause_number{number});
    switch (s.what) {
      case verb::cancel_form: {
        auto [ctx, cancel] = with_cancel(up);
        add(parent, s.what, ctx).cancel = own(cancel);
        break;
      }
      case verb::cause_form: {
        auto [ctx, cancel] = with_cancel_cause(up);
        add(parent, s.what, ctx).cancel_cause = own(cancel);
        break;
      }
      case verb::timeout: {
        auto [ctx, cancel] = with_timeout(up, nanoseconds(s.time));
        set_deadline(add(parent, s.what, ctx), s.time, 0).cancel = own(cancel);
        break;
      }
      case verb::deadline_cause: {
        const auto t = runtime_clock::now() + nanoseconds(s.time);
        auto [ctx, cancel] = with_deadline_cause(up, t, cause);
        set_deadline(add(parent, s.what, ctx), s.time, number).cancel = own(cancel);
        break;
      }
      case verb::value: add(parent, s.what, with_value(up, mark, number)).value = number; break;
      case verb::without: add(parent, s.what, without_cancel(up)); break;
      case verb::cancel: cancel(nodes_[s.target % nodes_.size()], number, cause); break;
      case verb::drop: drop(nodes_[s.target % nodes_.size()]); break;
      case verb::watch: watch(parent, up); break;
      case verb::call: {
        watcher& w = watchers_.emplace_back(watcher{parent, now(), true});
        w.stop = after_func(up, [&w] {
          w.woken = now();
          ++w.runs;
        });
        break;
      }
      case verb::stop: stop(s.target); break;
    }
  }

  template <class Cancel>
  static std::unique_ptr<Cancel> own(Cancel& c) {
    return std::make_unique<Cancel>(std::move(c));
  }
  node& add(int parent, verb how, context ctx) {
    node& n = nodes_.emplace_back();
    n.parent = parent;
    n.how = how;
    n.ctx = std::move(ctx);
    return n;
  }
  node& set_deadline(node& n, long time, int cause) {
    n.deadline = now() + time;
    n.by_deadline = ending{now() + std::max(time, 0L), order_, true, cause};
    return n;
  }
  void cancel(node& n, int number, const std::exception_ptr& cause) {
    if (!n.can_be_cancelled()) return;
    const bool with_cause = n.cancel_cause && number % 2 == 0;
    if (!n.cancelled) n.cancelled = ending{now(), ++order_, false, with_cause ? number : 0};
    if (n.cancel) {
      number % 2 == 0 ? (*n.cancel)() : n.cancel->trigger()();
    } else if (with_cause) {
      (*n.cancel_cause)(cause);
    } else {
      n.cancel_cause->trigger()();
    }
  }
  void drop(node& n) {
    if (n.can_be_cancelled() && !n.cancelled) n.cancelled = ending{now(), ++order_, false, 0};
    n.cancel.reset();
    n.cancel_cause.reset();
  }
  void watch(int i, const context& ctx) {
    watcher& w = watchers_.emplace_back(watcher{i, now(), false});
    go([this, &w, ctx]() -> task<> {
      if (w.node % 2 == 0) {
        const int chosen = co_await select(ctx.done(), over_.recv());
        if (chosen == 1) co_return;
      } else {
        const auto error = co_await over_.recv(ctx, unit_);
        if (error == errc::closed) co_return;
        report_.expect(error == ctx.err(), "recv(ctx): another error than the Context's");
      }
      w.woken = now();
      ++w.runs;
    });
  }
  void stop(std::uint32_t target) {
    if (watchers_.empty()) return;
    watcher& w = watchers_[target % watchers_.size()];
    if (!w.is_call) return;
    const bool prevents = !w.is_stopped && !ending_of(w.node);
    report_.expect(w.stop() == prevents, "stop() tells otherwise: node " + std::to_string(w.node));
    w.is_stopped = w.is_stopped || prevents;
  }

  // --- judging -----------------------------------------------------------------------------------

  void judge() {
    for (int i = 0; i < static_cast<int>(nodes_.size()); ++i) {
      const context& ctx = at(i).ctx;
      const std::string who = "at " + std::to_string(now()) + ", node " + std::to_string(i) + ": ";
      const auto e = ending_of(i);
      std::error_code expected;
      if (e) expected = make_error_code(e->by_deadline ? errc::deadline_exceeded : errc::canceled);
      report_.expect(ctx.err() == expected, who + "err is " + ctx.err().message());
      report_.expect(bool(ctx.cause()) == e.has_value(), who + "cause without end, or none");
      if (e && ctx.cause()) {
        const int number = number_of(ctx.cause(), ctx.err());
        report_.expect(number == e->cause, who + "cause " + std::to_string(number) + ", not " +
                                               std::to_string(e->cause));
      }
      std::optional<long> deadline;
      if (const auto t = ctx.deadline()) deadline = (*t - runtime_clock::now()).count() + now();
      report_.expect(deadline == deadline_of(i), who + "another deadline");
      const int* value = ctx.value(mark);
      report_.expect((value != nullptr ? *value : 0) == value_of(i), who + "another value");
    }
  }

  /// While everybody waits.
  void judge_watchers() {
    for (const watcher& w : watchers_) {
      const auto e = ending_of(w.node);
      std::optional<long> expected;
      if (e && !w.is_stopped) expected = std::max(e->at, w.since);
      const std::string who = std::string(w.is_call ? "after_func" : "watcher") + " of node " +
                              std::to_string(w.node) + " since " + std::to_string(w.since);
      report_.expect(w.woken == expected,
                     who + " woken " + (w.woken ? std::to_string(*w.woken) : "never") +
                         ", expected " + (expected ? std::to_string(*expected) : "never"));
      report_.expect(w.runs == (expected ? 1 : 0), who + " ran " + std::to_string(w.runs));
    }
  }

  const program& program_;
  report& report_;
  std::deque<node> nodes_;  // both stay where they are
  std::deque<watcher> watchers_;
  long order_ = 0;
  chan<> over_ = make_chan<>();
  unit unit_;
};

void context_theme(std::uint64_t seed, report& r) {
  const program p = make_program(seed);
  r.program = text_of(p);
  in_bubble(seed, r, [&]() -> task<> {
    world w(p, r);
    co_await w.run();
    co_await synctest::wait();
  });
}

constexpr unsigned seeds = 4000;

}  // namespace

TEST_CASE("sim: Contexts, as a tree") { run_theme("context", seeds, context_theme); }
TEST_CASE("sim: Contexts, twice the same") { repeat_theme("context", seeds, context_theme); }
