// SPDX-License-Identifier: MIT
// Which workers sleep: one is woken at a time, and no wake-up is lost.
#include <burrow/detail/idle_set.hpp>
#include <burrow/detail/worker.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

using namespace burrow::detail;

namespace {

/// The set never looks into a worker, so any distinct addresses will do.
class stand_ins {
 public:
  explicit stand_ins(std::size_t count) : places_(count) {}
  worker* operator[](std::size_t i) { return reinterpret_cast<worker*>(&places_[i]); }
  std::size_t index_of(worker* w) const {
    return static_cast<std::size_t>(reinterpret_cast<place*>(w) - places_.data());
  }

 private:
  struct alignas(64) place {
    char bytes[64];
  };
  std::vector<place> places_;
};

}  // namespace

TEST_CASE("one that sleeps is taken out by name, and counts as searching") {
  stand_ins w(2);
  idle_set set;
  set.reserve(2);
  CHECK_FALSE(set.take(w[0]));
  CHECK_FALSE(set.any_searching());
  set.enter(w[0], false, 2);
  set.enter(w[1], false, 2);
  CHECK(set.take(w[0]));
  CHECK_FALSE(set.take(w[0]));
  CHECK(set.any_searching());
  CHECK_FALSE(set.leave(w[0]));
  CHECK(set.leave(w[1]));
  CHECK(set.stop_searching());
  CHECK_FALSE(set.any_searching());
}

TEST_CASE("one is woken at a time: while it searches, nobody else is") {
  stand_ins w(3);
  idle_set set;
  set.reserve(3);
  CHECK_FALSE(set.should_wake());
  CHECK(set.take_one() == nullptr);
  CHECK_FALSE(set.enter(w[0], false, 3));
  CHECK_FALSE(set.enter(w[1], false, 3));
  CHECK_FALSE(set.all_asleep(3));
  CHECK(set.enter(w[2], false, 3));
  CHECK(set.all_asleep(3));
  CHECK(set.should_wake());
  CHECK(set.take_one() == w[2]);  // the one that slept last: its caches are warm
  CHECK_FALSE(set.all_asleep(3));
  CHECK_FALSE(set.should_wake());
  CHECK(set.take_one() == nullptr);
  CHECK(set.stop_searching());
  CHECK(set.should_wake());
  CHECK(set.take_one() == w[1]);
  CHECK(set.take_any() == w[0]);
  CHECK(set.take_any() == nullptr);
  CHECK_FALSE(set.stop_searching());
  CHECK(set.stop_searching());
}

TEST_CASE("who was taken out counts as searching; who was not leaves by himself") {
  stand_ins w(2);
  idle_set set;
  set.reserve(2);
  CHECK_FALSE(set.enter(w[0], false, 2));
  CHECK(set.leave(w[0]));
  CHECK_FALSE(set.leave(w[0]));
  CHECK_FALSE(set.enter(w[0], false, 2));
  REQUIRE(set.take_one() == w[0]);
  CHECK_FALSE(set.leave(w[0]));
  CHECK_FALSE(set.enter(w[1], false, 2));
  CHECK_FALSE(set.should_wake());   // w[0] searches
  CHECK(set.enter(w[0], true, 2));  // and finds nothing
  CHECK(set.all_asleep(2));
  CHECK(set.should_wake());
}

TEST_CASE("at most half of the workers search") {
  idle_set set;
  CHECK(set.try_search(4));
  CHECK(set.try_search(4));
  CHECK_FALSE(set.try_search(4));
  CHECK_FALSE(set.stop_searching());
  CHECK(set.try_search(4));
  CHECK_FALSE(set.stop_searching());
  CHECK(set.stop_searching());
  CHECK(set.try_search(1));
  CHECK_FALSE(set.try_search(1));
}

// Workers sleep on a word of their own, as a real one does in its driver; whoever adds work and
// sees a sleeper without a searcher wakes one. If a wake-up were lost, work would stay and all
// would sleep: then this hangs, and the limit on a case ends it.
TEST_CASE("no wake-up is lost between submitters and sleepers") {
#if BURROW_ASAN || BURROW_TSAN
  constexpr int pieces = 5'000;
#else
  constexpr int pieces = 60'000;
#endif
  constexpr std::size_t workers = 3;
  constexpr int submitters = 2;
  stand_ins w(workers);
  idle_set set;
  set.reserve(workers);
  std::atomic<int> work{0};
  std::atomic<int> done{0};
  std::vector<std::atomic<std::uint32_t>> woken(workers);
  std::atomic<bool> stopping{false};
  const auto notify = [&] {
    if (!set.should_wake()) return;
    if (worker* sleeper = set.take_one()) {
      auto& word = woken[w.index_of(sleeper)];
      word.store(1);
      word.notify_one();
    }
  };
  const auto take = [&] {
    int left = work.load();
    while (left > 0) {
      if (work.compare_exchange_weak(left, left - 1)) return true;
    }
    return false;
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      bool searching = false;
      while (!stopping.load()) {
        if (!searching) searching = set.try_search(workers);
        if (take()) {
          if (searching) {
            searching = false;
            if (set.stop_searching()) notify();
          }
          ++done;
          continue;
        }
        woken[i].store(0);
        set.enter(w[i], searching, workers);
        if (work.load() == 0 && !stopping.load()) woken[i].wait(0);
        searching = !set.leave(w[i]);
      }
    });
  }
  std::vector<std::thread> others;
  for (int s = 0; s < submitters; ++s) {
    others.emplace_back([&] {
      for (int i = 0; i < pieces; ++i) {
        work.fetch_add(1);
        notify();
        // Now and then all is done, and everybody goes to sleep.
        if (i % 16 == 0) {
          while (work.load() != 0) std::this_thread::yield();
        }
      }
    });
  }
  for (std::thread& t : others) t.join();
  while (done.load() != submitters * pieces) std::this_thread::yield();
  CHECK(work.load() == 0);
  stopping.store(true);
  for (auto& word : woken) {
    word.store(1);
    word.notify_one();
  }
  for (std::thread& t : threads) t.join();
}
