// SPDX-License-Identifier: MIT
// Runs a program again and again, and each time another of its allocations fails, from the start of
// its runtime to its end. Then std::bad_alloc reaches somebody, everything ends, and nothing is
// lost. Under AddressSanitizer each frame and each Context is an allocation of its own; elsewhere
// most come from the pools, and only the pools' own can fail.
#pragma once

#include <allocations.hpp>
#include <doctest/doctest.h>
#include <open_descriptors.hpp>
#include <run_test.hpp>

#include <burrow/result.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

/// Counts those that exist.
class tracked {
 public:
  tracked() noexcept { ++alive; }
  tracked(tracked&&) noexcept { ++alive; }
  tracked(const tracked&) noexcept { ++alive; }
  tracked& operator=(tracked&&) noexcept = default;
  tracked& operator=(const tracked&) noexcept = default;
  ~tracked() { --alive; }
  static inline std::atomic<int> alive{0};
};

/// What the goroutines of one run leave: closed by the first that go() has started in vain.
struct in_vain {
  std::atomic<bool> happened{false};
  burrow::chan<> closed;
};

/// Runs `main` again and again, and lets the n-th allocation fail, until none is left to fail.
template <class F>
void exhaust(F main) {
  for (const int workers : {1, 2}) {
    CAPTURE(workers);
    in_vain failed;
    burrow::options opt;
    opt.workers = workers;
    opt.on_unhandled = [&failed](const burrow::unhandled_exception& u) {
      try {
        std::rethrow_exception(u.error);
      } catch (const std::bad_alloc&) {
        if (!failed.happened.exchange(true)) failed.closed.close();
      }
    };
    std::size_t live = 0;
    std::size_t first_live = 0;
    int descriptors = 0;
    std::string unexpected;
    for (std::size_t n = 0;; ++n) {  // 0: none, to warm up
      CAPTURE(n);
      failed.happened = false;
      failed.closed = burrow::make_chan<>();
      bool ended_well = false;
      fail_allocation(n);
      try {
        burrow::run(opt, main, std::ref(failed));
        ended_well = true;
      } catch (const std::bad_alloc&) {
      } catch (const std::exception& e) {
        fail_allocation(0);
        unexpected = e.what();
      }
      const bool never_failed = allocation_is_to_fail();
      fail_allocation(0);
      REQUIRE(unexpected == "");
      REQUIRE(tracked::alive.load() == 0);
      if (n == 0) descriptors = open_descriptors();
      REQUIRE(open_descriptors() == descriptors);
      // A thread that made a call because there was no goroutine for it may be on its way out.
      live = live_allocations();
      if (n == 1) first_live = live;
      if (n == 0 || never_failed) REQUIRE(ended_well);
      if (never_failed) break;
    }
    failed.closed = burrow::chan<>();
    // Sets of timers and chunks of the pools are kept for ever; there are few of them.
    CHECK(live <= first_live + 20);
  }
}

/// The value. What has been ended by a failure elsewhere counts as a failure of its own.
template <class T>
T value_of(burrow::result<T> r) {
  if (r) return *std::move(r);
  if (!allocation_is_to_fail()) throw std::bad_alloc();
  throw std::logic_error(r.error().message());
}
inline void value_of(const burrow::result<void>& r) {
  if (r) return;
  if (!allocation_is_to_fail()) throw std::bad_alloc();
  throw std::logic_error(r.error().message());
}

inline void expect(bool holds) {
  if (!holds) throw std::logic_error("what has come is not what was sent");
}
