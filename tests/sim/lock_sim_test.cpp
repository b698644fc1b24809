// SPDX-License-Identifier: MIT
// Locks: who is inside, who waits, and in which order they were served, kept in plain counters and
// queues. Goroutines that hold a mutex only yield, since a lock holds up the bubble's clock.
#include "support/sim.hpp"

#include <algorithm>
#include <deque>
#include <run_test.hpp>

using namespace burrow;
using namespace sim;

namespace {

enum class kind { mutex_free, mutex_queue, rw, semaphore, cond, wait_group };

struct step {
  std::uint32_t what;
  int yields;
  long units;
  long time;  // even; who holds a semaphore holds it for time + 1
};

struct program {
  kind what;
  long size;
  std::vector<std::vector<step>> actors;
};

program make_program(std::uint64_t seed) {
  dice d(seed);
  program p{static_cast<kind>(d(6)), static_cast<long>(1 + d(4)), {}};
  p.actors.resize(2 + d(6));
  for (auto& steps : p.actors) {
    for (std::uint32_t i = 0, n = 1 + d(6); i < n; ++i) {
      steps.push_back({d(8), static_cast<int>(d(4)), static_cast<long>(d(6)), 2 * (1L + d(20))});
    }
  }
  return p;
}

std::string text_of(const program& p) {
  static const char* const kinds[] = {"mutex",     "mutex in turn", "rw_mutex",
                                      "semaphore", "cond",          "wait_group"};
  std::string t = kinds[static_cast<int>(p.what)];
  t += ", size " + std::to_string(p.size) + "\n";
  for (const auto& steps : p.actors) {
    t += "actor (form, yields, units, time):";
    for (const step& s : steps) {
      t += " " + std::to_string(s.what) + " " + std::to_string(s.yields) + " " +
           std::to_string(s.units) + " " + std::to_string(s.time) + ";";
    }
    t += "\n";
  }
  return t;
}

task<> yields(int n) {
  for (int i = 0; i < n; ++i) co_await this_goroutine::yield();
}

/// Exclusion: counts who is inside.
class inside {
 public:
  explicit inside(report& r) : report_(r) {}
  task<> visit(bool writes, int n) {
    (writes ? writers_ : readers_) += 1;
    judge();
    co_await yields(n);
    judge();
    (writes ? writers_ : readers_) -= 1;
  }

 private:
  void judge() {
    report_.expect(writers_ <= 1 && (writers_ == 0 || readers_ == 0), "two are inside at once");
  }
  report& report_;
  int writers_ = 0;
  int readers_ = 0;
};

// --- mutex and rw_mutex --------------------------------------------------------------------------

task<> visit_mutex(mutex& mu, inside& in, const step& s, const context& ended) {
  switch (s.what % 5) {
    case 0: {
      auto held = co_await mu.guard();
      co_await in.visit(true, s.yields);
      co_return;
    }
    case 1:
      if (!mu.try_lock()) co_return;
      break;
    case 2: co_await select(mu.lock(), chan<int>().recv()); break;
    case 3: {
      // A Context that has ended, or one that does while this waits.
      auto [ctx, cancel] = with_cancel(s.units == 0 ? ended : background());
      go([n = s.yields, trigger = cancel.trigger()]() -> task<> {
        co_await yields(n);
        trigger();
      });
      const auto error = co_await mu.lock(ctx);
      if (error) co_return;
      break;
    }
    default: co_await mu.lock();
  }
  co_await in.visit(true, s.yields);
  mu.unlock();
}

task<> run_mutex(const program& p, report& r) {
  mutex mu;
  inside in(r);
  auto [ended, cancel] = with_cancel(background());
  cancel();
  const context over = ended;
  co_await scope([&](group& g) -> task<> {
    for (const auto& steps : p.actors) {
      g.go([&]() -> task<> {
        for (const step& s : steps) co_await visit_mutex(mu, in, s, over);
      });
    }
    co_return;
  });
  r.expect(mu.try_lock(), "the mutex is held in the end");
}

task<> visit_rw(rw_mutex& mu, inside& in, const step& s) {
  const bool writes = s.what % 3 == 0;
  switch (s.units) {
    case 0:
      if (writes ? !mu.try_lock() : !mu.try_rlock()) co_return;
      break;
    case 1:
    case 2: {
      auto [ctx, cancel] = with_cancel(background());
      go([n = s.yields, trigger = cancel.trigger()]() -> task<> {
        co_await yields(n);
        trigger();
      });
      std::error_code error;
      if (writes) {
        error = co_await mu.lock(ctx);
      } else {
        error = co_await mu.rlock(ctx);
      }
      if (error) co_return;
      break;
    }
    default:
      if (writes) {
        co_await mu.lock();
      } else {
        co_await mu.rlock();
      }
  }
  co_await in.visit(writes, s.yields);
  writes ? mu.unlock() : mu.runlock();
}

task<> run_rw(const program& p, report& r) {
  rw_mutex mu;
  inside in(r);
  co_await scope([&](group& g) -> task<> {
    for (const auto& steps : p.actors) {
      g.go([&]() -> task<> {
        for (const step& s : steps) co_await visit_rw(mu, in, s);
      });
    }
    co_return;
  });
  r.expect(mu.try_lock(), "the rw_mutex is held in the end");
}

/// One after the other comes to wait for a held mutex; some give up; the others are served in the
/// order in which they came.
task<> run_mutex_queue(const program& p, report& r) {
  mutex mu;
  co_await mu.lock();
  std::deque<std::size_t> expected;
  std::vector<std::size_t> served;
  std::vector<cancel_function> cancels;
  co_await scope([&](group& g) -> task<> {
    for (std::size_t i = 0; i < p.actors.size(); ++i) {
      auto [ctx, cancel] = with_cancel(background());
      cancels.push_back(std::move(cancel));
      g.go([&, i, own = ctx]() -> task<> {
        const auto error = co_await mu.lock(own);
        if (error) co_return;
        served.push_back(i);
        co_await yields(p.actors[i][0].yields);
        mu.unlock();
      });
      co_await until_quiet();
      expected.push_back(i);
    }
    for (std::size_t i = 0; i < p.actors.size(); ++i) {
      if (p.actors[i][0].what > 2) continue;
      cancels[i]();
      co_await until_quiet();
      std::erase(expected, i);
    }
    mu.unlock();
  });
  r.expect(std::equal(served.begin(), served.end(), expected.begin(), expected.end()),
           "not served in the order in which they came");
}

// --- semaphore -----------------------------------------------------------------------------------

struct request {
  long units;
  long since;
  bool waits = true;
  bool is_served = false;
};

class semaphore_world {
 public:
  semaphore_world(const program& p, report& r) : program_(p), report_(r), sem_(p.size) {}

  task<> run() {
    co_await scope([this](group& g) -> task<> {
      for (const auto& steps : program_.actors) {
        g.go([this, &steps]() -> task<> {
          for (const step& s : steps) {
            co_await after(nanoseconds(s.time));
            co_await take(s);
          }
        });
      }
      g.go([this]() -> task<> {
        for (int i = 0; i < 100; ++i) {
          co_await synctest::sleep(nanoseconds(5));
          judge();
        }
      });
      co_return;
    });
    report_.expect(sem_.try_acquire(program_.size), "units are missing in the end");
  }

 private:
  task<> take(const step& s) {
    const std::size_t i = requests_.size();
    requests_.push_back(request{s.units, now()});
    auto [ctx, cancel] = with_timeout(background(), nanoseconds(s.time * 3 + 1));
    const auto error = co_await sem_.acquire(ctx, s.units);
    requests_[i].waits = false;
    if (error) co_return;
    requests_[i].is_served = true;
    held_ += s.units;
    report_.expect(held_ <= program_.size, "more units are held than there are");
    co_await after(nanoseconds(s.time + 1));
    held_ -= s.units;
    sem_.release(s.units);
  }
  /// While everybody waits: nobody was served before one who came earlier, and the first of those
  /// who wait does not fit.
  void judge() {
    const request* first = nullptr;
    for (const request& q : requests_) {
      if (!q.waits || q.units > program_.size) continue;
      if (first == nullptr || q.since < first->since) first = &q;
    }
    if (first == nullptr) return;
    for (const request& q : requests_) {
      if (q.is_served && q.since > first->since) {
        report_.fail("overtaken at " + std::to_string(now()));
      }
    }
    for (const request& q : requests_) {
      // Of several that came at one instant, any may be the first.
      if (q.waits && q.since == first->since && q.units > program_.size - held_) return;
    }
    report_.fail("at " + std::to_string(now()) + " one waits, and what it wants is free");
  }

  const program& program_;
  report& report_;
  semaphore sem_;
  std::deque<request> requests_;
  long held_ = 0;
};

// --- cond and wait_group -------------------------------------------------------------------------

/// Waiters come one by one; each signal wakes the first of them, a broadcast all.
task<> run_cond(const program& p, report& r) {
  mutex mu;
  cond changed(mu);
  std::deque<int> expected;
  std::vector<int> woken;
  int number = 0;
  for (const auto& steps : p.actors) {
    for (const step& s : steps) {
      woken.clear();
      std::vector<int> wakes;
      if (s.what < 4) {
        go([&, n = ++number]() -> task<> {
          auto held = co_await mu.guard();
          co_await changed.wait();
          woken.push_back(n);
          r.expect(!mu.try_lock(), "wait() returns without the mutex");
        });
        expected.push_back(number);
      } else if (s.what < 7) {
        changed.signal();
        if (!expected.empty()) {
          wakes.push_back(expected.front());
          expected.pop_front();
        }
      } else {
        changed.broadcast();
        wakes.assign(expected.begin(), expected.end());
        expected.clear();
      }
      co_await synctest::wait();
      std::sort(woken.begin(), woken.end());
      r.expect(woken == wakes, "a signal wakes others");
    }
  }
  changed.broadcast();
  co_await synctest::wait();
}

/// Waiters go on at the instant at which the count becomes zero.
task<> run_wait_group(const program& p, report& r) {
  wait_group wg;
  long last = 0;
  wg.add(1);
  co_await scope([&](group& g) -> task<> {
    for (const auto& steps : p.actors) {
      long until = 0;
      for (const step& s : steps) until += s.time;
      last = std::max(last, until);
      wg.go([&steps]() -> task<> {
        for (const step& s : steps) co_await after(nanoseconds(s.time));
      });
      g.go([&]() -> task<> {
        if (steps[0].what == 0) {
          const int chosen = co_await select(wg.wait(), after(nanoseconds(1)));
          r.expect(chosen == 1, "wait() ends before the last is done");
        }
        co_await wg.wait();
        r.expect(now() == last, "wait() ends at another time than the last is done");
      });
    }
    co_await after(nanoseconds(1));
    wg.done();
  });
}

void lock_theme(std::uint64_t seed, report& r) {
  const program p = make_program(seed);
  r.program = text_of(p);
  in_bubble(seed, r, [&]() -> task<> {
    switch (p.what) {
      case kind::mutex_free: co_await run_mutex(p, r); break;
      case kind::mutex_queue: co_await run_mutex_queue(p, r); break;
      case kind::rw: co_await run_rw(p, r); break;
      case kind::semaphore: {
        semaphore_world w(p, r);
        co_await w.run();
        break;
      }
      case kind::cond: co_await run_cond(p, r); break;
      case kind::wait_group: co_await run_wait_group(p, r); break;
    }
    co_await synctest::wait();
  });
}

constexpr unsigned seeds = 8000;

}  // namespace

TEST_CASE("sim: locks, by counters and queues") { run_theme("lock", seeds, lock_theme); }
TEST_CASE("sim: locks, twice the same") { repeat_theme("lock", seeds, lock_theme); }
