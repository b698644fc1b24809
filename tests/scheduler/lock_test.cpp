// SPDX-License-Identifier: MIT
// The one lock: mutual exclusion, and what its version tells.
#include <burrow/detail/compiler.hpp>
#include <burrow/detail/lock.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

using namespace burrow::detail;

TEST_CASE("the version: stable while nobody holds the lock, and another one after a holder") {
  wait_lock lock;
  const std::uint32_t before = lock.version();
  CHECK_FALSE(wait_lock::is_held(before));
  CHECK(lock.version() == before);
  {
    const locked hold(lock);
    CHECK(wait_lock::is_held(lock.version()));
    CHECK_FALSE(lock.try_lock());
  }
  const std::uint32_t after = lock.version();
  CHECK_FALSE(wait_lock::is_held(after));
  CHECK(after != before);
  CHECK(lock.try_lock());
  CHECK(wait_lock::is_held(lock.version()));
  lock.unlock();
  CHECK(lock.version() != after);
}

TEST_CASE("one holder at a time, with more threads than CPUs") {
#if BURROW_ASAN || BURROW_TSAN
  constexpr long rounds = 5'000;
#else
  constexpr long rounds = 100'000;
#endif
  constexpr int threads = 8;
  wait_lock lock;
  long count = 0;  // guarded by the lock
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (long i = 0; i < rounds; ++i) {
        if (t % 2 == 0) {
          const locked hold(lock);
          ++count;
        } else {
          while (!lock.try_lock()) std::this_thread::yield();
          ++count;
          lock.unlock();
        }
      }
    });
  }
  for (std::thread& t : all) t.join();
  CHECK(count == threads * rounds);
}

TEST_CASE("a reader that sees the same version twice has seen one instant") {
#if BURROW_ASAN || BURROW_TSAN
  constexpr long rounds = 20'000;
#else
  constexpr long rounds = 300'000;
#endif
  wait_lock lock;
  std::atomic<long> a{0};  // equal whenever nobody holds the lock
  std::atomic<long> b{0};
  std::atomic<bool> over{false};
  long judged = 0;
  long torn = 0;
  std::thread reader([&] {
    while (!over.load() || judged == 0) {
      const std::uint32_t before = lock.version();
      if (wait_lock::is_held(before)) continue;
      const long x = a.load(acquire);
      const long y = b.load(acquire);
      if (lock.version() != before) continue;
      ++judged;
      if (x != y) ++torn;
    }
  });
  for (long i = 0; i < rounds; ++i) {
    const locked hold(lock);
    a.store(a.load(relaxed) + 1, release);
    b.store(b.load(relaxed) + 1, release);
  }
  over.store(true);
  reader.join();
  CHECK(torn == 0);
}
