// SPDX-License-Identifier: MIT
// wait_lock: mutual exclusion, and fields that are read under a version instead of the lock.
#include "checker.hpp"

#include <burrow/detail/lock.hpp>

using namespace burrow::detail;

/// What a holder wrote without any atomic, the next one sees.
MODEL(lock_excludes, {}) {
  wait_lock lock;
  int guarded = 0;
  const auto add = [&] {
    const locked hold(lock);
    ++guarded;
  };
  model::thread("first", add);
  model::thread("second", [&] {
    add();
    add();
  });
  model::thread("tries", [&] {
    if (!lock.try_lock()) return;
    ++guarded;
    lock.unlock();
  });
  model::join();
  model::check(guarded == 3 || guarded == 4, "no step was lost");
}

namespace {

/// Reads what a and b are under one version; false: no verdict.
bool look(const wait_lock& lock, const atomic<int>& a, const atomic<int>& b, int& saw_a,
          int& saw_b) {
  const std::uint32_t version = lock.version();
  if (wait_lock::is_held(version)) return false;
  saw_a = a.load(acquire);
  saw_b = b.load(acquire);
  return lock.version() == version;
}

}  // namespace

/// A pair of fields that a holder changes together is never seen half changed.
MODEL(lock_version_is_one_instant, {}) {
  wait_lock lock;
  atomic<int> a{0};
  atomic<int> b{0};
  model::thread("writer", [&] {
    for (int i = 1; i <= 2; ++i) {
      const locked hold(lock);
      a.store(i, release);
      b.store(i, release);
    }
  });
  model::thread("reader", [&] {
    int saw_a = 0;
    int saw_b = 0;
    if (look(lock, a, b, saw_a, saw_b)) model::check(saw_a == saw_b, "both are of one instant");
  });
  model::join();
}

/// As select judges: a is made ready before b is taken, so "neither is ready" is never right.
MODEL(lock_versions_of_two_sources, {}) {
  wait_lock lock_of_a;
  wait_lock lock_of_b;
  atomic<int> a{0};
  atomic<int> b{1};
  model::thread("peer", [&] {
    {
      const locked hold(lock_of_a);
      a.store(1, release);
    }
    const locked hold(lock_of_b);
    b.store(0, release);
  });
  model::thread("select", [&] {
    const std::uint32_t of_a = lock_of_a.version();
    const std::uint32_t of_b = lock_of_b.version();
    if (wait_lock::is_held(of_a) || wait_lock::is_held(of_b)) return;
    if (a.load(acquire) != 0 || b.load(acquire) != 0) return;
    model::check(lock_of_a.version() != of_a || lock_of_b.version() != of_b,
                 "there was no instant at which neither was ready");
  });
  model::join();
}
