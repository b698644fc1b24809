// SPDX-License-Identifier: MIT
#include "recorder.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace linear {

using namespace burrow;

namespace {

struct pcg {
  std::uint64_t state;
  std::uint32_t operator()(std::uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33) % n;
  }
};

/// One run of a program. Each operation is written by its party alone until all have been joined.
struct recording {
  history h;
  std::vector<unsigned> pauses;  // before each operation
  std::size_t count = 0;         // parties
  std::array<chan<int>, channels> channel;
  std::array<context, contexts> ctx;
  std::array<cancel_function, contexts> cancel;
  std::atomic<stamp> clock{0};
  std::atomic<std::size_t> begun{0};
  std::atomic<std::size_t> finished{0};

  stamp tick() { return clock.fetch_add(1) + 1; }
  const chan<int>& of(const channel_case& c) const {
    return channel[static_cast<std::size_t>(c.channel)];
  }
  /// The Context that an operation watches or cancels.
  std::size_t target(const operation& o) const { return static_cast<std::size_t>(o.target); }
};

// --- the program ---------------------------------------------------------------------------------

operation random_operation(pcg& random, int party, int& value, bool is_thread) {
  operation o;
  o.party = party;
  const std::uint32_t kind = random(32);
  if (kind == 0 || kind == 1) {
    o.what = verb::close;
    o.target = static_cast<int>(random(channels));
    return o;
  }
  if (kind <= 4) {
    o.what = verb::cancel;
    o.target = static_cast<int>(random(contexts));
    return o;
  }
  // Most on the first channel, so that they meet.
  const auto one_case = [&](int channel) {
    const bool sends = random(2) == 0;
    return channel_case{channel, sends, sends ? ++value : 0};
  };
  o.cases.push_back(one_case(random(3) == 0 ? 1 : 0));
  o.has_otherwise = random(3) == 0;
  if (is_thread) return o;
  if (random(2) == 0) {
    o.cases.push_back(one_case(random(4) == 0 ? o.cases[0].channel : 1 - o.cases[0].channel));
  } else if (!o.has_otherwise && random(2) == 0) {
    o.target = static_cast<int>(random(contexts));
  }
  return o;
}

bool is_thread(parties who, std::size_t party) {
  return who == parties::threads || (who == parties::both && party % 2 == 1);
}

void make_program(recording& r, pcg& random, parties who) {
  r.count = 2 + random(2);
  for (std::size_t i = 0; i < channels; ++i) {
    r.h.capacity[i] = random(3);
    r.channel[i] = make_chan<int>(r.h.capacity[i]);
  }
  for (std::size_t i = 0; i < contexts; ++i) {
    auto [ctx, cancel] = with_cancel(background());
    r.ctx[i] = ctx;
    r.cancel[i] = std::move(cancel);
  }
  int value = 0;
  for (std::size_t party = 0; party < r.count; ++party) {
    for (std::uint32_t n = 2 + random(3); n > 0; --n) {
      r.h.operations.push_back(
          random_operation(random, static_cast<int>(party), value, is_thread(who, party)));
      // Mostly none; else long enough for the others to come between.
      r.pauses.push_back(random(2) == 0 ? 0 : random(12));
    }
  }
}

// --- one operation -------------------------------------------------------------------------------

outcome received(std::size_t which, std::optional<int> v) {
  const int index = static_cast<int>(which);
  return v ? outcome{ending::done, index, *v} : outcome{ending::closed, index, 0};
}

outcome with_error(std::error_code error, int value) {
  if (!error) return {ending::done, 0, value};
  return {error == errc::closed ? ending::closed : ending::canceled, 0, 0};
}

/// What needs no goroutine.
outcome act(recording& r, const operation& o) {
  if (o.what == verb::cancel) {
    r.cancel[r.target(o)]();
    return {ending::done, none, 0};
  }
  if (o.what == verb::close) {
    r.channel[static_cast<std::size_t>(o.target)].close();
    return {ending::done, none, 0};
  }
  const channel_case& c = o.cases[0];
  const chan<int>& channel = r.of(c);
  if (c.sends) {
    if (o.has_otherwise) {
      return channel.try_send(c.value) ? outcome{ending::done, 0, 0}
                                       : outcome{ending::nothing, none, 0};
    }
    channel.send_blocking(c.value);
    return {ending::done, 0, 0};
  }
  if (!o.has_otherwise) return received(0, channel.recv_blocking());
  int v = 0;
  const recv_status status = channel.try_recv(v);
  if (status == recv_status::empty) return {ending::nothing, none, 0};
  return received(0, status == recv_status::received ? std::optional(v) : std::nullopt);
}

/// The select of two operations in each of its spellings.
template <class A, class B>
task<int> choose(A a, B b, bool has_otherwise, bool at_run_time) {
  if (at_run_time) {
    std::array<select_case, 2> cases{select_case(std::move(a)), select_case(std::move(b))};
    int chosen = 0;
    if (has_otherwise) {
      chosen = co_await select(std::span<select_case>(cases), otherwise);
    } else {
      chosen = co_await select(std::span<select_case>(cases));
    }
    co_return chosen;
  }
  if (has_otherwise) co_return co_await select(std::move(a), std::move(b), otherwise);
  co_return co_await select(std::move(a), std::move(b));
}

task<outcome> choose_of_two(recording& r, const operation& o) {
  const channel_case& x = o.cases[0];
  const channel_case& y = o.cases[1];
  const bool late = (x.value + y.value + x.channel) % 3 == 0;
  std::array<int, 2> v{};
  std::array<bool, 2> ok{true, true};
  int chosen = 0;
  if (x.sends && y.sends) {
    chosen = co_await choose(r.of(x).send(x.value), r.of(y).send(y.value), o.has_otherwise, late);
  } else if (x.sends) {
    chosen =
        co_await choose(r.of(x).send(x.value), r.of(y).recv(v[1], ok[1]), o.has_otherwise, late);
  } else if (y.sends) {
    chosen =
        co_await choose(r.of(x).recv(v[0], ok[0]), r.of(y).send(y.value), o.has_otherwise, late);
  } else {
    chosen = co_await choose(r.of(x).recv(v[0], ok[0]), r.of(y).recv(v[1], ok[1]), o.has_otherwise,
                             late);
  }
  if (chosen == 2) co_return outcome{ending::nothing, none, 0};
  const auto which = static_cast<std::size_t>(chosen);
  if (o.cases[which].sends) co_return outcome{ending::done, chosen, 0};
  co_return received(which, ok[which] ? std::optional(v[which]) : std::nullopt);
}

/// As act(), for the operations that only a goroutine can do.
task<outcome> await(recording& r, const operation& o) {
  if (o.cases.size() == 2) co_return co_await choose_of_two(r, o);
  const channel_case& c = o.cases[0];
  if (c.sends && o.target != none) {
    const std::error_code error = co_await r.of(c).send(r.ctx[r.target(o)], c.value);
    co_return with_error(error, 0);
  }
  if (c.sends) {
    co_await r.of(c).send(c.value);
    co_return outcome{ending::done, 0, 0};
  }
  if (o.target != none) {
    int v = 0;
    const std::error_code error = co_await r.of(c).recv(r.ctx[r.target(o)], v);
    co_return with_error(error, v);
  }
  const std::optional<int> v = co_await r.of(c).recv();
  co_return received(0, v);
}

/// To the other goroutines, and to the threads that they may wait for.
task<> give_way() {
  std::this_thread::yield();
  co_await this_goroutine::yield();
}

// --- the parties ---------------------------------------------------------------------------------

void pause(unsigned turns) {
  for (unsigned i = 0; i < turns; ++i) detail::cpu_relax();
}

constexpr outcome thrown_closed{ending::closed, none, 0};  // closed_channel was thrown

void begin(recording& r, std::size_t i) {
  pause(r.pauses[i]);
  r.h.operations[i].invoked = r.tick();
}

void end(recording& r, std::size_t i, const outcome& result) {
  r.h.operations[i].result = result;
  r.h.operations[i].returned = r.tick();
}

bool is_of(const recording& r, std::size_t i, std::size_t party) {
  return r.h.operations[i].party == static_cast<int>(party);
}

task<> goroutine_party(recording& r, std::size_t party) {
  // All begin together.
  ++r.begun;
  for (unsigned spins = 0; r.begun < r.count; ++spins) {
    detail::cpu_relax();
    if (spins > 200) co_await give_way();
  }
  for (std::size_t i = 0; i < r.h.operations.size(); ++i) {
    if (!is_of(r, i, party)) continue;
    const operation& o = r.h.operations[i];
    begin(r, i);
    outcome result;
    try {
      if (o.what != verb::communicate || (o.has_otherwise && o.cases.size() == 1)) {
        result = act(r, o);
      } else {
        result = co_await await(r, o);
      }
    } catch (const closed_channel&) {
      result = thrown_closed;
    }
    end(r, i, result);
  }
  ++r.finished;
}

void thread_party(recording& r, std::size_t party) {
  ++r.begun;
  for (unsigned spins = 0; r.begun < r.count; ++spins) {
    detail::cpu_relax();
    if (spins > 200) std::this_thread::yield();
  }
  for (std::size_t i = 0; i < r.h.operations.size(); ++i) {
    if (!is_of(r, i, party)) continue;
    begin(r, i);
    outcome result;
    try {
      result = act(r, r.h.operations[i]);
    } catch (const closed_channel&) {
      result = thrown_closed;
    }
    end(r, i, result);
  }
  ++r.finished;
}

/// Until all have finished, or nothing has happened for a while: then they wait for each other. It
/// need not be true: whenever the end comes, the history has to be linearizable.
task<> until_nothing_happens(recording& r, unsigned looks) {
  stamp last = 0;
  for (unsigned quiet = 0; quiet < looks && r.finished < r.count; ++quiet) {
    co_await give_way();
    const stamp now = r.clock;
    if (now != last) quiet = 0;
    last = now;
  }
}

/// Not among the operations that the parties look at meanwhile.
std::vector<operation> close_channels(recording& r) {
  std::vector<operation> closes;
  for (int i = 0; i < channels; ++i) {
    operation o;
    o.party = static_cast<int>(r.count);
    o.what = verb::close;
    o.target = i;
    o.invoked = r.tick();
    try {
      o.result = act(r, o);
    } catch (const closed_channel&) {
      o.result = thrown_closed;
    }
    o.returned = r.tick();
    closes.push_back(o);
  }
  return closes;
}

struct end_of_history {};

}  // namespace

/// Three threads that do what they are told: plain ones, or each with a runtime of one worker.
class crew {
 public:
  explicit crew(bool has_runtimes) {
    for (seat& s : seats_) {
      s.jobs = make_chan<job>();
      s.thread = std::jthread([&s, has_runtimes] {
        if (!has_runtimes) return work_in_thread(s.jobs);
        options opt;
        opt.workers = 1;
        run(opt, work, s.jobs);
      });
    }
  }
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() {
    for (seat& s : seats_) s.jobs.close();
  }

  task<> begin(recording& r, std::size_t party) {
    co_await seats_[party].jobs.send(job{&r, party});
  }

 private:
  struct job {
    recording* r;
    std::size_t party;
  };
  struct seat {
    chan<job> jobs;
    std::jthread thread;
  };

  static void work_in_thread(const chan<job>& jobs) {
    while (const std::optional<job> j = jobs.recv_blocking()) thread_party(*j->r, j->party);
  }
  static task<> work(chan<job> jobs) {
    for (;;) {
      const std::optional<job> j = co_await jobs.recv();
      if (!j) co_return;
      co_await goroutine_party(*j->r, j->party);
    }
  }

  std::array<seat, 3> seats_;
};

recorder::recorder(parties who) : who_(who) {
  if (who != parties::goroutines) crew_ = std::make_unique<crew>(who == parties::runtimes);
}
recorder::~recorder() = default;

task<history> recorder::record(std::uint64_t seed) {
  auto r = std::make_unique<recording>();
  pcg random{seed};
  make_program(*r, random, who_);
  const bool abandons = who_ == parties::goroutines && random(2) == 0;
  const unsigned looks = random(4) == 0 ? random(20) : 50;
  std::vector<operation> closes;
  const auto body = [&](group& g) -> task<> {
    for (std::size_t i = 0; i < r->count; ++i) {
      if (who_ == parties::runtimes || is_thread(who_, i)) {
        co_await crew_->begin(*r, i);
      } else {
        g.go(goroutine_party, std::ref(*r), i);
      }
    }
    // A child that is abandoned before it begins never does, and the others would wait for it.
    while (r->begun < r->count) co_await give_way();
    co_await until_nothing_happens(*r, looks);
    if (abandons) throw end_of_history();
    closes = close_channels(*r);
    while (r->finished < r->count) co_await give_way();
  };
  try {
    co_await scope(body);
  } catch (const end_of_history&) {
  }
  history h = std::move(r->h);
  // What was never invoked is no part of it.
  std::erase_if(h.operations, [](const operation& o) { return o.invoked == never; });
  h.operations.insert(h.operations.end(), closes.begin(), closes.end());
  co_return h;
}

}  // namespace linear
