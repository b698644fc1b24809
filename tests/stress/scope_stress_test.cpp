// SPDX-License-Identifier: MIT
// Trees of scopes that fail at random places: the error comes up to the root, and when it is there
// every goroutine has ended and every local has been destroyed.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <run_test.hpp>
#include <stdexcept>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

#if BURROW_ASAN || BURROW_TSAN
constexpr int trees = 40;
#else
constexpr int trees = 300;
#endif

struct pcg {
  std::uint64_t state;
  std::uint32_t operator()(std::uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33) % n;
  }
};

struct tally {
  std::atomic<long> alive{0};
  std::atomic<long> begun{0};
  std::atomic<long> over{0};  // ended in any way
};

/// A local that outlives nothing.
class presence {
 public:
  explicit presence(tally& t) noexcept : t_(t) {
    ++t_.alive;
    ++t_.begun;
  }
  presence(const presence&) = delete;
  presence& operator=(const presence&) = delete;
  ~presence() {
    --t_.alive;
    ++t_.over;
  }

 private:
  tally& t_;
};

task<> leaf(std::uint64_t seed, tally& t) {
  const presence here(t);
  pcg random{seed};
  switch (random(6)) {
    case 0: co_await this_goroutine::yield(); break;
    case 1: co_await sleep(std::chrono::microseconds(random(50))); break;
    case 2: co_await sleep(1h); break;  // only a failure ends it
    case 3: co_await chan<int>().recv(); break;
    case 4: throw std::runtime_error("leaf");
    default: break;
  }
}

task<> branch(std::uint64_t seed, int depth, tally& t) {
  const presence here(t);
  pcg random{seed};
  co_await scope([&](group& g) -> task<> {
    if (random(4) == 0) g.limit(1 + random(3));
    const std::uint32_t children = 1 + random(4);
    for (std::uint32_t i = 0; i < children; ++i) {
      const std::uint64_t next = seed * 31 + i + 1;
      if (depth > 0 && random(2) == 0) {
        g.go(branch, next, depth - 1, std::ref(t));
      } else {
        g.go(leaf, next, std::ref(t));
      }
    }
    if (random(8) == 0) throw std::runtime_error("body");
    if (random(3) == 0) co_await g.wait();
  });
}

}  // namespace

TEST_CASE("trees of scopes that fail at random: all have ended when the root's await returns") {
  for (const int workers : {1, 2, 4}) {
    CAPTURE(workers);
    long failed = 0;
    tally t;
    run_test(workers, [&]() -> task<> {
      for (int i = 0; i < trees; ++i) {
        // Where nothing fails, leaves may wait for ever: then this ends them.
        const auto root = [](std::uint64_t seed, tally& all) -> task<> {
          co_await race(branch(seed, 4, all), [](tally& also) -> task<> {
            const presence here(also);
            co_await sleep(100us);
          }(all));
        };
        try {
          co_await root(static_cast<std::uint64_t>(i) * 7919 + 1, t);
        } catch (const std::runtime_error&) {
          ++failed;
        }
        if (t.alive != 0 || t.begun != t.over) CHECK(t.alive.load() == 0);
      }
      co_await until_quiet();  // slots are given back a moment after the join
      CHECK(detail::current_worker()->owner().live() == 1);
    });
    CHECK(t.begun.load() == t.over.load());
    CHECK(failed > trees / 10);
  }
}
