// SPDX-License-Identifier: MIT
// The lock for readers or one writer: a writer is alone, nobody is forgotten, whoever gives up does
// not hold back others, and whoever has it last may destroy it.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/rw_mutex.hpp>

#include <memory>

using namespace burrow::detail;
using model::stand_ins;

/// A writer that knows that the readers are through destroys it after its unlock().
MODEL(rw_mutex_destroyed_by_writer, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(3);
  auto owner = std::make_unique<burrow::rw_mutex>();
  burrow::rw_mutex* const mu = owner.get();
  int value = 0;
  atomic<int> have_read{0};  // relaxed: orders nothing
  const auto read = [&](unsigned i) {
    g[i].await(mu->rlock());
    model::check(value == 0 || value == 1, "a reader sees what a writer has left");
    have_read.fetch_add(1, relaxed);
    mu->runlock();
    g.deliver();
  };
  model::thread("reader 1", [&] { read(0); });
  model::thread("reader 2", [&] { read(1); });
  model::thread("writer", [&] {
    g[2].await(mu->lock());
    value = 1;
    const bool is_last = have_read.load(relaxed) == 2;
    mu->unlock();
    if (is_last) owner.reset();
    g.deliver();
  });
  model::join();
  model::check(value == 1 && have_read.load(relaxed) == 2, "all have had it");
}

MODEL(rw_mutex_writers, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(2);
  auto owner = std::make_unique<burrow::rw_mutex>();
  burrow::rw_mutex* const mu = owner.get();
  int entered = 0;
  const auto write = [&](unsigned i) {
    g[i].await(mu->lock());
    const bool is_last = ++entered == 3;
    mu->unlock();
    if (is_last) owner.reset();
    g.deliver();
  };
  model::thread("writer 1", [&] { write(0); });
  model::thread("writer 2", [&] { write(1); });
  model::thread("tries", [&] {
    bool is_last = false;
    while (!mu->try_lock()) model::pause();
    is_last = ++entered == 3;
    mu->unlock();
    if (is_last) owner.reset();
    g.deliver();
  });
  model::join();
  model::check(owner == nullptr, "all have had it");
}

/// A writer that waits is abandoned: the reader that it holds back gets in, and nobody is counted
/// who is not there.
MODEL(rw_mutex_writer_abandoned, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(2);
  burrow::rw_mutex mu;
  int value = 0;
  bool has_written = false;
  mu.try_rlock();
  model::thread("writer", [&] {
    if (!g[0].try_await(mu.lock())) return g.deliver();
    has_written = true;
    value = 1;
    mu.unlock();
    g.deliver();
  });
  model::thread("reader", [&] {
    g[1].await(mu.rlock());
    model::check(value == 0 || value == 1, "it reads");
    mu.runlock();
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  model::join();
  model::check(!has_written, "the first reader still has it");
  model::check(!mu.try_lock() && mu.try_rlock(), "and others may join it");
  mu.runlock();
  mu.runlock();
  model::check(mu.try_lock(), "it is free in the end");
}

/// A reader that waits behind a writer is abandoned.
MODEL(rw_mutex_reader_abandoned, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(2);
  burrow::rw_mutex mu;
  int value = 0;
  mu.try_lock();
  model::thread("reader", [&] {
    if (!g[0].try_await(mu.rlock())) return g.deliver();
    model::check(value <= 1, "it reads");
    mu.runlock();
    g.deliver();
  });
  model::thread("writer", [&] {
    g[1].await(mu.lock());
    ++value;
    mu.unlock();
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  model::thread("unlocks", [&] {
    mu.unlock();
    g.deliver();
  });
  model::join();
  model::check(value == 1 && mu.try_lock(), "it is free in the end");
}
