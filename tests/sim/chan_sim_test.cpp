// SPDX-License-Identifier: MIT
// Channels: actors in groups that are cancelled and abandoned send, receive, select and close;
// each channel is judged as a deque with two queues of those who wait.
#include "support/sim.hpp"

#include <algorithm>
#include <map>
#include <memory>

using namespace burrow;
using namespace sim;
using namespace std::chrono_literals;

namespace {

// --- elements ------------------------------------------------------------------------------------

/// How many elements exist, and how often one was destroyed that did not.
struct census {
  long live = 0;
  long broken = 0;
};
census elements;

/// An element with a destructor, which can tell whether it runs once.
class tracked {
 public:
  tracked() : tracked(-1) {}
  tracked(int v) : value_(v), self_(this) { ++elements.live; }
  tracked(tracked&& other) noexcept : tracked(std::exchange(other.value_, -1)) {}
  tracked& operator=(tracked&& other) noexcept {
    value_ = std::exchange(other.value_, -1);
    return *this;
  }
  ~tracked() {
    if (self_ != this) ++elements.broken;
    self_ = nullptr;
    --elements.live;
  }
  int value() const { return value_; }

 private:
  int value_;
  tracked* self_;
};

int look(int v) { return v; }
int look(const tracked& v) { return v.value(); }

// --- programs ------------------------------------------------------------------------------------

enum class verb { send, recv, try_send, try_recv, send_under, recv_under, select, pause, close };
enum class also { nothing, otherwise, after, done };

struct port {
  bool sends;
  int chan;
};

struct step {
  verb what;
  std::vector<port> ports;
  also extra = also::nothing;
  bool is_dynamic = false;
  int time = 0;
};

struct actor {
  int group;
  std::vector<step> steps;
};

struct program {
  std::vector<int> capacities;
  bool is_tracked;
  struct ending {
    int time;
    bool fails;  // abandons its actors; else their Context is cancelled
  };
  std::vector<ending> groups;
  std::vector<actor> actors;
};

step make_step(dice& d, int chans) {
  const auto any_port = [&] { return port{d.one_in(2), static_cast<int>(d(chans))}; };
  step s{verb::pause, {any_port()}};
  const std::uint32_t k = d(20);
  s.time = 2 * static_cast<int>(1 + d(4));
  if (k < 8) {
    s.what = s.ports[0].sends ? verb::send : verb::recv;
  } else if (k < 10) {
    s.what = s.ports[0].sends ? verb::try_send : verb::try_recv;
  } else if (k < 12) {
    s.what = s.ports[0].sends ? verb::send_under : verb::recv_under;
  } else if (k < 16) {
    s.what = verb::select;
    s.is_dynamic = d.one_in(2);
    s.extra = static_cast<also>(d(4));
    s.ports.push_back(any_port());
    while (s.is_dynamic && d.one_in(2)) s.ports.push_back(any_port());
    s.time -= 1;
  } else if (k == 16 && d.one_in(4)) {
    s.what = verb::close;
  }
  return s;
}

program make_program(std::uint64_t seed) {
  dice d(seed);
  program p;
  for (std::uint32_t i = 0, n = 1 + d(3); i < n; ++i)
    p.capacities.push_back(static_cast<int>(d(4)));
  p.is_tracked = d.one_in(2);
  for (std::uint32_t i = 0, n = 1 + d(3); i < n; ++i) {
    p.groups.push_back({static_cast<int>(2 * d(20) + 1), d.one_in(2)});
  }
  p.groups[0].time = 61;
  for (std::uint32_t i = 0, n = 2 + d(6); i < n; ++i) {
    actor a{static_cast<int>(d(static_cast<std::uint32_t>(p.groups.size()))), {}};
    for (std::uint32_t k = 0, m = 2 + d(8); k < m; ++k) {
      a.steps.push_back(make_step(d, static_cast<int>(p.capacities.size())));
    }
    p.actors.push_back(std::move(a));
  }
  return p;
}

std::string text_of(const step& s) {
  static const char* const verbs[] = {"send",      "recv",   "try_send", "try_recv", "send(ctx)",
                                      "recv(ctx)", "select", "sleep",    "close"};
  static const char* const extras[] = {"", " otherwise", " after ", " done"};
  std::string t = verbs[static_cast<int>(s.what)];
  if (s.what == verb::pause) return t + " " + std::to_string(s.time);
  if (s.is_dynamic) t += " dynamic";
  for (const port& p : s.ports) {
    if (s.what == verb::select) t += p.sends ? " send" : " recv";
    t += " c" + std::to_string(p.chan);
  }
  t += extras[static_cast<int>(s.extra)];
  if (s.extra == also::after) t += std::to_string(s.time);
  return t;
}

std::string text_of(const program& p) {
  std::string t = p.is_tracked ? "elements with a destructor\n" : "elements of type int\n";
  for (std::size_t i = 0; i < p.capacities.size(); ++i) {
    t += "c" + std::to_string(i) + ": capacity " + std::to_string(p.capacities[i]) + "\n";
  }
  for (std::size_t i = 0; i < p.groups.size(); ++i) {
    t += "group " + std::to_string(i) + (p.groups[i].fails ? ": fails at " : ": cancelled at ") +
         std::to_string(p.groups[i].time) + "\n";
  }
  for (std::size_t i = 0; i < p.actors.size(); ++i) {
    t += "actor " + std::to_string(i) + " of group " + std::to_string(p.actors[i].group) + ":";
    for (const step& s : p.actors[i].steps) t += " " + text_of(s) + ";";
    t += "\n";
  }
  return t;
}

// --- the log -------------------------------------------------------------------------------------

enum class outcome { open, sent, received, closed, refused, nothing, abandoned };

struct record {
  int actor;
  verb what;
  std::vector<port> ports;
  int value;  // that it would send
  long begin;
  long begin_at;
  outcome how = outcome::open;
  int chan = -1;  // of the case that happened
  int got = -1;   // that was sent or received
  long end = -1;
  long end_at = -1;

  bool has(bool sends, int c) const {
    return std::any_of(ports.begin(), ports.end(),
                       [&](const port& p) { return p.sends == sends && p.chan == c; });
  }
};

std::string text_of(const record& r) {
  static const char* const outcomes[] = {"open",    "sent",    "received", "closed",
                                         "refused", "nothing", "abandoned"};
  return "actor " + std::to_string(r.actor) + ", " + std::to_string(r.begin_at) + " to " +
         std::to_string(r.end_at) + ": " + outcomes[static_cast<int>(r.how)] + " " +
         std::to_string(r.got) + " on c" + std::to_string(r.chan);
}

class history {
 public:
  std::vector<record> records;
  std::map<int, long> closed_at;

  std::size_t begin(int actor, const step& s) {
    records.push_back(
        {actor, s.what, s.ports, 100 + static_cast<int>(records.size()), ++clock_, now()});
    return records.size() - 1;
  }
  void end(std::size_t i, outcome how, int chan = -1, int got = -1) {
    record& r = records[i];
    r.how = how;
    r.chan = chan;
    r.got = got;
    r.end = ++clock_;
    r.end_at = now();
  }
  /// Accepted and not received; what the buffer holds while everybody waits.
  long held(int c) const {
    long n = 0;
    for (const record& r : records) {
      if (r.chan == c) n += (r.how == outcome::sent ? 1 : 0) - (r.how == outcome::received ? 1 : 0);
    }
    return n;
  }

 private:
  long clock_ = 0;
};

/// At a moment when everybody waits: who waits has a reason to.
void judge_quiet(const history& h, int c, long size, long capacity, report& r) {
  const std::string where = "at " + std::to_string(now()) + ", c" + std::to_string(c) + ": ";
  r.expect(size == h.held(c), where + "holds " + std::to_string(size) + " values, and of those " +
                                  "accepted " + std::to_string(h.held(c)) + " were not received");
  for (const record& a : h.records) {
    if (a.how != outcome::open) continue;
    if (a.has(true, c) || a.has(false, c)) {
      r.expect(h.closed_at.count(c) == 0, where + "closed, and one waits: " + text_of(a));
    }
    if (a.has(true, c)) r.expect(size == capacity, where + "has room, and one waits to send");
    if (!a.has(false, c)) continue;
    r.expect(size == 0, where + "holds a value, and one waits to receive");
    for (const record& b : h.records) {
      if (b.how != outcome::open || &a == &b || !b.has(true, c)) continue;
      r.fail(where + "one waits to send, and another to receive");
    }
  }
}

/// First come, first served, among those who came at different instants.
void judge_queue(const history& h, int c, bool sends, report& r) {
  const outcome served = sends ? outcome::sent : outcome::received;
  for (const record& b : h.records) {
    if (b.chan != c || b.how != served) continue;
    for (const record& a : h.records) {
      const bool waited = a.end_at < 0 || a.end_at > b.end_at;
      if (a.begin_at < b.begin_at && waited && a.has(sends, c)) {
        r.fail("overtaken: " + text_of(a) + " by " + text_of(b));
      }
    }
  }
}

bool certainly_before(const record& a, const record& b) {
  return a.end < b.begin || a.begin_at < b.begin_at || a.end_at < b.end_at;
}

/// Each accepted value comes out once, and in order; none after a receiver was told "closed".
void judge_values(const history& h, int c, report& r) {
  std::vector<std::pair<const record*, const record*>> values;
  for (const record& s : h.records) {
    if (s.chan != c || s.how != outcome::sent) continue;
    const record* taken = nullptr;
    for (const record& t : h.records) {
      if (t.chan != c || t.how != outcome::received || t.got != s.got) continue;
      if (taken != nullptr) r.fail("received twice: " + text_of(s));
      taken = &t;
    }
    if (taken == nullptr) {
      r.fail("lost: " + text_of(s));
    } else {
      values.emplace_back(&s, taken);
    }
  }
  for (const record& t : h.records) {
    if (t.chan != c || t.how != outcome::received) continue;
    const bool was_sent =
        std::any_of(values.begin(), values.end(), [&](const auto& v) { return v.second == &t; });
    if (!was_sent) r.fail("received, and not sent: " + text_of(t));
    for (const record& k : h.records) {
      if (k.chan == c && k.how == outcome::closed && k.end < t.begin) {
        r.fail("after \"closed\": " + text_of(t));
      }
    }
  }
  for (const auto& [sent_a, taken_a] : values) {
    for (const auto& [sent_b, taken_b] : values) {
      if (certainly_before(*sent_a, *sent_b) && certainly_before(*taken_b, *taken_a)) {
        r.fail("out of order: " + text_of(*taken_b) + " before " + text_of(*taken_a));
      }
    }
  }
}

// --- running -------------------------------------------------------------------------------------

template <class T>
class world {
 public:
  world(const program& p, report& r) : program_(p), report_(r) {
    for (int capacity : p.capacities)
      chans_.push_back(make_chan<T>(static_cast<std::size_t>(capacity)));
  }

  task<> run() {
    co_await scope([this](group& g) -> task<> {
      for (std::size_t i = 0; i < program_.groups.size(); ++i) {
        g.go([this, i]() -> task<> { co_await run_group(static_cast<int>(i)); });
      }
      g.go([this]() -> task<> {
        for (int i = 0; i < 64; i += 2) {
          co_await synctest::sleep(nanoseconds(i % 4 == 0 ? 3 : 1));
          for (int c = 0; c < count(); ++c) judge_quiet(history_, c, size(c), capacity(c), report_);
        }
      });
      co_return;
    });
    for (int c = 0; c < count(); ++c) drain(c);
    for (int c = 0; c < count(); ++c) {
      judge_values(history_, c, report_);
      judge_queue(history_, c, true, report_);
      judge_queue(history_, c, false, report_);
    }
  }

 private:
  int count() const { return static_cast<int>(chans_.size()); }
  chan<T>& at(int c) { return chans_[static_cast<std::size_t>(c)]; }
  long size(int c) { return static_cast<long>(at(c).size()); }
  long capacity(int c) { return static_cast<long>(at(c).capacity()); }

  struct end_of_group {};

  task<> run_group(int number) {
    const program::ending& end = program_.groups[static_cast<std::size_t>(number)];
    try {
      co_await scope([&](group& g) -> task<> {
        auto [ctx, cancel] = with_cancel(g.context());
        const context inner = ctx;
        for (std::size_t i = 0; i < program_.actors.size(); ++i) {
          if (program_.actors[i].group != number) continue;
          g.go([this, inner, i]() -> task<> {
            for (const step& s : program_.actors[i].steps)
              co_await act(static_cast<int>(i), s, inner);
          });
        }
        co_await after(nanoseconds(end.time));
        if (end.fails) throw end_of_group{};
        cancel();
        // Who waits for a channel goes on waiting.
        co_await after(nanoseconds(63 - end.time));
        throw end_of_group{};
      });
    } catch (const end_of_group&) {
    }
  }

  task<> act(int who, const step& s, context ctx) {
    if (s.what == verb::pause) {
      co_await after(nanoseconds(s.time));
      co_return;
    }
    const std::size_t i = history_.begin(who, s);
    try {
      if (s.what == verb::select) {
        co_await act_select(i, s, ctx);
      } else {
        co_await act_alone(i, s, ctx);
      }
    } catch (const goroutine_exit&) {
      history_.end(i, outcome::abandoned);
      throw;
    } catch (const closed_channel&) {
      check_closed(s);
      history_.end(i, outcome::refused);
    }
  }

  void check_closed(const step& s) {
    const bool any = std::any_of(s.ports.begin(), s.ports.end(), [&](const port& p) {
      return history_.closed_at.count(p.chan) != 0;
    });
    report_.expect(any, "refused as closed, and it is open: " + text_of(s));
  }

  task<> act_alone(std::size_t i, const step& s, const context& ctx) {
    const int c = s.ports[0].chan;
    chan<T> ch = at(c);
    T mine(history_.records[i].value);
    const int value = look(mine);
    T got{};
    bool ok = false;
    switch (s.what) {
      case verb::send:
        co_await ch.send(std::move(mine));
        history_.end(i, outcome::sent, c, value);
        co_return;
      case verb::recv:
        ok = co_await ch.recv(got);
        end_receive(i, c, ok, got);
        co_return;
      case verb::try_send: {
        const bool has_room = ch.size() < ch.capacity();
        ok = ch.try_send(std::move(mine));
        if (has_room) report_.expect(ok, "try_send: no, and there is room");
        history_.end(i, ok ? outcome::sent : outcome::nothing, c, value);
        co_return;
      }
      case verb::try_recv: {
        const bool has_value = ch.size() > 0;
        const recv_status status = ch.try_recv(got);
        if (has_value) report_.expect(status == recv_status::received, "try_recv: no, and one is");
        if (status == recv_status::empty) {
          history_.end(i, outcome::nothing);
        } else {
          end_receive(i, c, status == recv_status::received, got);
        }
        co_return;
      }
      case verb::send_under: {
        const auto error = co_await ch.send(ctx, std::move(mine));
        if (error == errc::closed) {
          check_closed(s);
          history_.end(i, outcome::refused);
        } else {
          report_.expect(!error || error == ctx.err(),
                         "send(ctx): another error than the Context's");
          history_.end(i, error ? outcome::nothing : outcome::sent, c, value);
        }
        co_return;
      }
      case verb::recv_under: {
        const auto error = co_await ch.recv(ctx, got);
        if (error && error != errc::closed) {
          report_.expect(error == ctx.err(), "recv(ctx): another error than the Context's");
          history_.end(i, outcome::nothing);
        } else {
          end_receive(i, c, !error, got);
        }
        co_return;
      }
      default:
        history_.closed_at.emplace(c, now());
        ch.close();
        history_.end(i, outcome::nothing);
    }
  }

  void end_receive(std::size_t i, int c, bool ok, const T& got) {
    if (!ok) {
      report_.expect(history_.closed_at.count(c) != 0, "receives \"closed\", and it is open");
      report_.expect(look(got) == look(T{}), "\"closed\" comes with a value");
    }
    history_.end(i, ok ? outcome::received : outcome::closed, c, ok ? look(got) : -1);
  }

  task<> act_select(std::size_t i, const step& s, const context& ctx) {
    std::vector<T> values(s.ports.size());
    std::unique_ptr<bool[]> oks(new bool[s.ports.size()]());
    const int mine = history_.records[i].value;
    int chosen = 0;
    if (s.is_dynamic) {
      std::vector<select_case> cases;
      for (std::size_t k = 0; k < s.ports.size(); ++k) {
        add_case(cases, s.ports[k], values[k], oks[k], mine);
      }
      if (s.extra == also::after) cases.emplace_back(after(nanoseconds(s.time)));
      if (s.extra == also::done) cases.emplace_back(ctx.done());
      if (s.extra == also::otherwise) {
        chosen = co_await select(std::span(cases), otherwise);
      } else {
        chosen = co_await select(std::span(cases));
      }
    } else {
      T out(mine);
      const port& a = s.ports[0];
      const port& b = s.ports[1];
      if (a.sends && b.sends) {
        T other(mine);
        chosen = co_await choose(s, ctx, at(a.chan).send(std::move(out)),
                                 at(b.chan).send(std::move(other)));
      } else if (a.sends) {
        chosen = co_await choose(s, ctx, at(a.chan).send(std::move(out)),
                                 at(b.chan).recv(values[1], oks[1]));
      } else if (b.sends) {
        chosen = co_await choose(s, ctx, at(a.chan).recv(values[0], oks[0]),
                                 at(b.chan).send(std::move(out)));
      } else {
        chosen = co_await choose(s, ctx, at(a.chan).recv(values[0], oks[0]),
                                 at(b.chan).recv(values[1], oks[1]));
      }
    }
    const auto k = static_cast<std::size_t>(chosen);
    if (k >= s.ports.size()) {
      report_.expect(s.extra != also::nothing, "select: a case that there is not");
      if (s.extra == also::done) report_.expect(bool(ctx.err()), "select: done, and it lives");
      const long due = history_.records[i].begin_at + s.time;
      if (s.extra == also::after) report_.expect(now() == due, "select: after() is not on time");
      history_.end(i, outcome::nothing);
    } else if (s.ports[k].sends) {
      history_.end(i, outcome::sent, s.ports[k].chan, mine);
    } else {
      end_receive(i, s.ports[k].chan, oks[k], values[k]);
    }
  }

  template <class A, class B>
  static task<int> choose(const step& s, const context& ctx, A a, B b) {
    switch (s.extra) {
      case also::otherwise: co_return co_await select(std::move(a), std::move(b), otherwise);
      case also::after:
        co_return co_await select(std::move(a), std::move(b), after(nanoseconds(s.time)));
      case also::done: co_return co_await select(std::move(a), std::move(b), ctx.done());
      default: co_return co_await select(std::move(a), std::move(b));
    }
  }

  void add_case(std::vector<select_case>& cases, const port& p, T& value, bool& ok, int mine) {
    if (!p.sends) {
      cases.emplace_back(at(p.chan).recv(value, ok));
    } else {
      cases.emplace_back(at(p.chan).send(mine));  // converted now, and owned by the operation
    }
  }

  void drain(int c) {
    for (;;) {
      const std::size_t i = history_.begin(-1, {verb::try_recv, {{false, c}}});
      T got{};
      const recv_status status = at(c).try_recv(got);
      if (status != recv_status::received) {
        history_.end(i, outcome::nothing);
        return;
      }
      history_.end(i, outcome::received, c, look(got));
    }
  }

  const program& program_;
  report& report_;
  history history_;
  std::vector<chan<T>> chans_;
};

template <class T>
void run_program(const program& p, std::uint64_t seed, report& r) {
  in_bubble(seed, r, [&]() -> task<> {
    world<T> w(p, r);
    co_await w.run();
  });
}

void chan_theme(std::uint64_t seed, report& r) {
  const program p = make_program(seed);
  r.program = text_of(p);
  elements = {};
  if (p.is_tracked) {
    run_program<tracked>(p, seed, r);
  } else {
    run_program<int>(p, seed, r);
  }
  r.expect(elements.live == 0, "elements are left");
  r.expect(elements.broken == 0, "elements were destroyed that did not exist");
}

constexpr unsigned seeds = 8000;

}  // namespace

TEST_CASE("sim: channels, as deques") { run_theme("chan", seeds, chan_theme); }
TEST_CASE("sim: channels, twice the same") { repeat_theme("chan", seeds, chan_theme); }
