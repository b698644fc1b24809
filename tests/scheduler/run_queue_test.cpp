// SPDX-License-Identifier: MIT
// The queues of runnable goroutines: order, overflow, stealing, and that nothing is lost or doubled
// when owner and thieves are at it together.
#include <burrow/detail/run_queue.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

using namespace burrow::detail;

namespace {

#if BURROW_ASAN || BURROW_TSAN
constexpr std::size_t rounds = 20'000;
#else
constexpr std::size_t rounds = 300'000;
#endif

constexpr std::size_t capacity = run_queue::capacity;
using slots = std::vector<goroutine>;

std::size_t length(const goroutine* g) {
  std::size_t n = 0;
  for (; g != nullptr; g = g->next) ++n;
  return n;
}

}  // namespace

TEST_CASE("a ring is first in, first out, also where its indices go around") {
  run_queue q;
  slots g(capacity);
  CHECK(q.empty());
  CHECK(q.pop() == nullptr);
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < 100; ++i) {
      REQUIRE((i % 2 == 0 ? q.push(&g[i]) : q.push_quietly(&g[i])));
    }
    CHECK(q.size() == 100);
    CHECK_FALSE(q.empty());
    for (std::size_t i = 0; i < 100; ++i) REQUIRE(q.pop() == &g[i]);
    CHECK(q.pop() == nullptr);
  }
}

TEST_CASE("a full ring refuses, and half of it can be taken, the oldest, in order") {
  run_queue q;
  slots g(capacity + 1);
  for (std::size_t i = 0; i < capacity; ++i) REQUIRE(q.push(&g[i]));
  CHECK_FALSE(q.push(&g[capacity]));
  CHECK_FALSE(q.push_quietly(&g[capacity]));
  goroutine_list half = q.take_half();
  REQUIRE(half.length == goroutine_list::most - 1);  // room for the one that was refused
  half.add(&g[capacity]);
  CHECK(half.last == &g[capacity]);
  std::size_t i = 0;
  for (goroutine* taken = half.first; taken != half.last; taken = taken->next) {
    CHECK(taken == &g[i++]);
  }
  CHECK(i == goroutine_list::most - 1);
  for (; i < capacity; ++i) CHECK(q.pop() == &g[i]);
  CHECK(q.empty());
}

TEST_CASE("half of a ring that thieves have emptied meanwhile is nothing") {
  run_queue q;
  slots g(capacity / 2);
  constexpr std::size_t few = goroutine_list::most - 2;
  for (std::size_t i = 0; i < few; ++i) REQUIRE(q.push(&g[i]));
  CHECK(q.take_half().empty());
  CHECK(q.size() == few);
}

TEST_CASE("a thief takes half, rounded up; the rest stays in order") {
  for (const std::size_t count : {0, 1, 2, 3, 7, 100, 255, 256}) {
    CAPTURE(count);
    run_queue from;
    run_queue into;
    slots g(capacity);
    for (std::size_t i = 0; i < count; ++i) REQUIRE(from.push(&g[i]));
    const std::size_t taken = count - count / 2;
    goroutine* got = from.steal_into(into);
    CHECK((got != nullptr) == (count != 0));
    CHECK(from.size() == count - taken);
    CHECK(into.size() == (taken == 0 ? 0 : taken - 1));
    std::vector<char> seen(count, 0);
    const auto see = [&](goroutine* x) { ++seen[static_cast<std::size_t>(x - g.data())]; };
    if (got != nullptr) see(got);
    while (goroutine* x = into.pop()) see(x);
    for (std::size_t i = 0; i < count; ++i) CHECK(seen[i] == (i < taken ? 1 : 0));
    for (std::size_t i = taken; i < count; ++i) CHECK(from.pop() == &g[i]);
  }
}

TEST_CASE("owner and three thieves: each goroutine comes out exactly once") {
  constexpr std::size_t thieves = 3;
  run_queue q;
  global_queue spilled;
  slots g(1000);
  std::vector<std::atomic<std::size_t>> seen(g.size());
  std::atomic<bool> over{false};
  std::atomic<std::size_t> stolen{0};
  std::atomic<std::size_t> twice{0};
  // Whoever takes one out owns it until it puts it into the channel of free ones, `spilled`.
  const auto take = [&](goroutine* x) {
    if (seen[static_cast<std::size_t>(x - g.data())].fetch_add(1) % 2 != 1) ++twice;
    x->next = nullptr;
    spilled.push({x, x, 1});
  };
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < thieves; ++t) {
    threads.emplace_back([&] {
      run_queue own;
      while (!over.load()) {
        goroutine* x = q.steal_into(own);
        if (x == nullptr) {
          std::this_thread::yield();
          continue;
        }
        ++stolen;
        take(x);
        while (goroutine* y = own.pop()) take(y);
      }
    });
  }
  for (goroutine& x : g) spilled.push({&x, &x, 1});
  for (std::size_t i = 0; i < rounds || stolen.load() == 0; ++i) {
    goroutine* x = spilled.pop(true);
    if (x == nullptr) {
      if (goroutine* y = q.pop()) take(y);
      continue;
    }
    if (seen[static_cast<std::size_t>(x - g.data())].fetch_add(1) % 2 != 0) ++twice;
    if (!q.push(x)) {
      goroutine_list half = q.take_half();
      for (goroutine* y = half.first; half.length != 0; --half.length) {
        goroutine* following = y->next;
        take(y);
        y = following;
      }
      take(x);
    } else if (i % 3 == 0) {
      if (goroutine* y = q.pop()) take(y);
    }
  }
  over.store(true);
  for (std::thread& t : threads) t.join();
  while (goroutine* x = q.pop()) take(x);
  CHECK(twice.load() == 0);
  CHECK(spilled.size() == g.size());
  std::size_t left = 0;
  while (goroutine* x = spilled.pop(false)) left += length(x);
  CHECK(left == g.size());
  CHECK(spilled.empty());
}

TEST_CASE("the global queue keeps the order of what is pushed, singly and in lists") {
  global_queue q;
  slots g(10);
  CHECK(q.empty());
  CHECK(q.pop(false) == nullptr);
  q.push({&g[0], &g[0], 1});
  goroutine_list list;
  for (std::size_t i = 1; i < 10; ++i) list.add(&g[i]);
  q.push(list);
  CHECK(q.size() == 10);
  goroutine* only = q.pop(true);
  CHECK(only == &g[0]);
  CHECK(length(only) == 1);
  CHECK(q.size() == 9);
  goroutine* rest = q.pop(false);
  CHECK(rest == &g[1]);
  CHECK(length(rest) == 9);
  CHECK(q.empty());
  q.push({&g[3], &g[3], 1});
  CHECK(q.pop(true) == &g[3]);
  CHECK(q.pop(true) == nullptr);
}

TEST_CASE("what comes singly leaves the global queue together, up to a list's length") {
  constexpr std::size_t most = goroutine_list::most;
  global_queue q;
  slots g(2 * most + 5);
  for (goroutine& x : g) q.push({&x, &x, 1});
  CHECK(q.size() == g.size());
  std::size_t next = 0;
  for (const std::size_t expected : {most, most, std::size_t{5}}) {
    goroutine* first = q.pop(false);
    CHECK(length(first) == expected);
    for (goroutine* x = first; x != nullptr; x = x->next) CHECK(x == &g[next++]);
  }
  CHECK(q.empty());
}
