// SPDX-License-Identifier: MIT
// The threads for blocking calls: each call is made once, and as many at a time as there may be.
#include <burrow/detail/blocking_pool.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

using namespace burrow::detail;

namespace {

struct counting_job : blocking_job {
  std::atomic<int>* count = nullptr;
  std::atomic<bool>* gate = nullptr;  // if not null: waits until it is true

  static void call(blocking_job& job) noexcept {
    auto& self = static_cast<counting_job&>(job);
    if (self.gate != nullptr) self.gate->wait(false);
    self.count->fetch_add(1);
  }
};

std::vector<counting_job> jobs(std::size_t n, std::atomic<int>& count) {
  std::vector<counting_job> all(n);
  for (auto& job : all) {
    job.run = &counting_job::call;
    job.count = &count;
  }
  return all;
}

}  // namespace

TEST_CASE("each job is run once; none is in flight after that") {
  std::atomic<int> count{0};
  std::vector<counting_job> all = jobs(5'000, count);
  {
    blocking_pool pool;
    CHECK(pool.in_flight() == 0);
    for (auto& job : all) pool.submit(job);
    while (pool.in_flight() != 0) std::this_thread::yield();
    CHECK(count.load() == 5'000);
  }
  CHECK(count.load() == 5'000);
}

TEST_CASE("a pool that goes makes the calls that are queued, and waits for them") {
  std::atomic<int> count{0};
  std::vector<counting_job> all = jobs(2'000, count);
  {
    blocking_pool pool;
    for (auto& job : all) pool.submit(job);
  }
  CHECK(count.load() == 2'000);
}

TEST_CASE("jobs that block keep no other from running") {
  std::atomic<int> blocked{0};
  std::atomic<int> free_ones{0};
  std::atomic<bool> gate{false};
  std::vector<counting_job> stuck = jobs(50, blocked);
  std::vector<counting_job> quick = jobs(100, free_ones);
  blocking_pool pool;
  for (auto& job : stuck) {
    job.gate = &gate;
    pool.submit(job);
  }
  for (auto& job : quick) pool.submit(job);
  while (free_ones.load() != 100) std::this_thread::yield();
  CHECK(blocked.load() == 0);
  CHECK(pool.in_flight() >= 50);
  gate.store(true);
  gate.notify_all();
  while (blocked.load() != 50) std::this_thread::yield();
}

TEST_CASE("jobs from several threads") {
  std::atomic<int> count{0};
  std::vector<counting_job> all = jobs(8'000, count);
  {
    blocking_pool pool;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < all.size(); i += 4) pool.submit(all[i]);
      });
    }
    for (std::thread& t : threads) t.join();
  }
  CHECK(count.load() == 8'000);
}
