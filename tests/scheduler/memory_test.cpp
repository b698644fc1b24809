// SPDX-License-Identifier: MIT
// The pools of small blocks, and the slab of goroutine slots.
#include <burrow/detail/compiler.hpp>
#include <burrow/detail/memory.hpp>
#include <burrow/detail/slab.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

using namespace burrow::detail;

namespace {

/// Makes a cache the cache of this thread for a block.
class with_cache {
 public:
  with_cache() { set_thread_cache(&cache_); }
  with_cache(const with_cache&) = delete;
  with_cache& operator=(const with_cache&) = delete;
  ~with_cache() { set_thread_cache(nullptr); }

 private:
  block_cache cache_;
};

void fill(void* memory, std::size_t size, unsigned char with) { std::memset(memory, with, size); }

bool is_filled(const void* memory, std::size_t size, unsigned char with) {
  const auto* bytes = static_cast<const unsigned char*>(memory);
  for (std::size_t i = 0; i < size; ++i) {
    if (bytes[i] != with) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("blocks of every size are aligned, whole, and do not overlap") {
#if BURROW_ASAN || BURROW_TSAN
  MESSAGE(
      "two cases are not built: a sanitizer wants each block to be its own, none is used again");
#endif
  for (const bool cached : {false, true}) {
    CAPTURE(cached);
    std::unique_ptr<with_cache> cache;
    if (cached) cache = std::make_unique<with_cache>();
    std::vector<std::pair<void*, std::size_t>> all;
    for (std::size_t size = 1; size <= 1100; ++size) {
      void* p = allocate_block(size);
      REQUIRE(reinterpret_cast<std::uintptr_t>(p) % 16 == 0);
      fill(p, size, static_cast<unsigned char>(size));
      all.push_back({p, size});
    }
    for (const auto& [p, size] : all) {
      REQUIRE(is_filled(p, size, static_cast<unsigned char>(size)));
      free_block_memory(p, size);
    }
  }
}

#if !BURROW_ASAN && !BURROW_TSAN

TEST_CASE("what was given back is used again, also for another size of the same class") {
  const with_cache cache;
  void* p = allocate_block(100);
  free_block_memory(p, 100);
  void* again = allocate_block(97);  // the same class of 16 bytes
  CHECK(again == p);
  void* other = allocate_block(200);
  CHECK(other != p);
  free_block_memory(again, 97);
  free_block_memory(other, 200);
}

TEST_CASE("a block wanders: it is freed by another thread, and comes back through the pool") {
  constexpr std::size_t count = 1000;
  constexpr std::size_t size = 336;
  std::vector<void*> mine;
  {
    const with_cache cache;
    for (std::size_t i = 0; i < count; ++i) mine.push_back(allocate_block(size));
  }
  std::thread([&] {
    const with_cache cache;
    for (void* p : mine) free_block_memory(p, size);
  }).join();
  const std::set<void*> known(mine.begin(), mine.end());
  const with_cache cache;
  std::vector<void*> later;
  std::size_t seen = 0;
  for (std::size_t i = 0; i < count; ++i) {
    later.push_back(allocate_block(size));
    seen += known.count(later.back());
  }
  CHECK(seen >= count - 64);  // a batch that was there before may come first
  for (void* p : later) free_block_memory(p, size);
}

#endif

TEST_CASE("threads with and without a cache exchange blocks: none is given out twice") {
#if BURROW_ASAN || BURROW_TSAN
  constexpr int rounds = 3'000;
#else
  constexpr int rounds = 60'000;
#endif
  struct block {
    void* memory;
    std::size_t size;
    unsigned char with;
  };
  std::mutex mutex;
  std::deque<block> exchange;  // under the mutex
  int broken = 0;              // under the mutex
  const auto work = [&](bool cached, std::uint32_t seed) {
    std::unique_ptr<with_cache> cache;
    if (cached) cache = std::make_unique<with_cache>();
    for (int i = 0; i < rounds; ++i) {
      seed = seed * 1664525 + 1013904223;
      const std::size_t size = 16 + (seed >> 8) % 400;
      block made{allocate_block(size), size, static_cast<unsigned char>(seed >> 24)};
      fill(made.memory, size, made.with);
      block taken{};
      {
        const std::lock_guard hold(mutex);
        exchange.push_back(made);
        if (exchange.size() < 500) continue;
        taken = exchange.front();
        exchange.pop_front();
        broken += is_filled(taken.memory, taken.size, taken.with) ? 0 : 1;
      }
      free_block_memory(taken.memory, taken.size);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) threads.emplace_back(work, t % 2 == 0, t + 1);
  for (std::thread& t : threads) t.join();
  CHECK(broken == 0);
  for (const block& b : exchange) free_block_memory(b.memory, b.size);
}

// --- the slab ------------------------------------------------------------------------------------

namespace {

std::vector<goroutine*> slots_of(goroutine* list) {
  std::vector<goroutine*> all;
  for (; list != nullptr; list = list->next) all.push_back(list);
  return all;
}

goroutine* linked(const std::vector<goroutine*>& all, std::size_t from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    all[from + i]->next = i + 1 < count ? all[from + i + 1] : nullptr;
  }
  return all[from];
}

}  // namespace

TEST_CASE("a slab gives out each slot once, grows, and takes slots back for use") {
  slab s;
  std::vector<goroutine*> all;
  const std::size_t wanted = 3 * slab::slots_per_chunk + 10;
  while (all.size() < wanted) {
    std::size_t count = 0;
    const std::vector<goroutine*> batch = slots_of(s.take_batch(count));
    REQUIRE(count == batch.size());
    REQUIRE(count > 0);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  const std::set<goroutine*> distinct(all.begin(), all.end());
  CHECK(distinct.size() == all.size());
  const std::size_t returned = 5 * slab::batch_size;
  for (std::size_t i = 0; i < 5; ++i) {
    s.give_batch(linked(all, i * slab::batch_size, slab::batch_size), slab::batch_size);
  }
  std::set<goroutine*> again;
  for (std::size_t i = 0; i < 5; ++i) {
    std::size_t count = 0;
    for (goroutine* g : slots_of(s.take_batch(count))) again.insert(g);
  }
  CHECK(again == std::set<goroutine*>(all.begin(), all.begin() + returned));
}

TEST_CASE("the registry is a walk over the slots in use") {
  slab s;
  std::size_t seen = 0;
  const auto count_all = [&] {
    seen = 0;
    s.for_each([&](goroutine&) { ++seen; });
    return seen;
  };
  CHECK(count_all() == 0);
  std::size_t count = 0;
  const std::vector<goroutine*> batch = slots_of(s.take_batch(count));
  CHECK(count_all() == 0);  // taken, and not started
  batch[0]->id.store(7, release);
  batch[5]->id.store(8, release);
  CHECK(count_all() == 2);
  auto* name = new char[2]{'x', '\0'};
  s.rename(*batch[0], name);
  s.rename(*batch[0], nullptr);
  batch[0]->id.store(0, release);
  CHECK(count_all() == 1);
  batch[5]->id.store(0, release);
  CHECK(count_all() == 0);
}

TEST_CASE("threads take and give slots at the same time as a walk") {
  constexpr int rounds = 2'000;
  slab s;
  std::atomic<int> running{3};
  std::atomic<int> shared{0};
  std::vector<std::thread> threads;
  for (unsigned t = 1; t <= 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < rounds; ++i) {
        std::size_t count = 0;
        goroutine* first = s.take_batch(count);
        for (goroutine* g = first; g != nullptr; g = g->next) {
          if (g->id.exchange(t, acq_rel) != 0) ++shared;
        }
        for (goroutine* g = first; g != nullptr; g = g->next) {
          if (g->id.exchange(0, acq_rel) != t) ++shared;
        }
        s.give_batch(first, count);
      }
      --running;
    });
  }
  std::size_t walked = 0;
  while (running.load() != 0) s.for_each([&](goroutine&) { ++walked; });
  for (std::thread& t : threads) t.join();
  CHECK(shared.load() == 0);
  walked = 0;
  s.for_each([&](goroutine&) { ++walked; });
  CHECK(walked == 0);
}
