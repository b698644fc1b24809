// SPDX-License-Identifier: MIT
// Histories of real channels, with real threads, are linearizable.
//
//   BURROW_HISTORIES=N    how many each case checks; for a long run also BURROW_TEST_LIMIT=0
//   BURROW_LINEAR_SEED=N  the first seed; a failure prints its own
#include "checker.hpp"
#include "recorder.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <run_test.hpp>

using namespace burrow;
using namespace linear;

namespace {

#if BURROW_ASAN || BURROW_TSAN
constexpr std::uint64_t usual = 500;
#else
constexpr std::uint64_t usual = 2'000;
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise_this) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise_this;
}

/// What the histories were made of: a run in which nothing overlapped would prove little.
struct tally {
  std::uint64_t histories = 0;
  std::uint64_t operations = 0;
  std::uint64_t overlapping = 0;  // with an operation of another party that was invoked later
  std::array<std::uint64_t, 5> endings{};

  void add(const history& h) {
    ++histories;
    for (const operation& o : h.operations) {
      ++operations;
      ++endings[static_cast<std::size_t>(o.result.how)];
      for (const operation& other : h.operations) {
        if (other.party != o.party && o.invoked < other.invoked && other.invoked < o.returned) {
          ++overlapping;
          break;
        }
      }
    }
  }
  std::uint64_t of(ending e) const { return endings[static_cast<std::size_t>(e)]; }
};

task<> check_histories(parties who, std::uint64_t seed, std::uint64_t count, tally& all) {
  recorder from(who);
  for (std::uint64_t end = seed + count; seed < end; ++seed) {
    const history h = co_await from.record(seed);
    all.add(h);
    if (!is_linearizable(h)) FAIL("seed " << seed << " is not linearizable: " << to_string(h));
  }
}

void check_on(int workers, parties who) {
  tally all;
  const std::uint64_t seed = number_from("BURROW_LINEAR_SEED", 1);
  const std::uint64_t count = number_from("BURROW_HISTORIES", usual);
  run_test(workers, [&]() -> task<> { co_await check_histories(who, seed, count, all); });
  CHECK(all.histories == count);
  if (count >= usual) {
    CHECK(all.overlapping > 0);
    CHECK(all.of(ending::done) > 0);
    CHECK(all.of(ending::closed) > 0);
    CHECK(all.of(ending::nothing) > 0);
    CHECK((all.of(ending::canceled) > 0) == (who != parties::threads));
    CHECK((all.of(ending::pending) > 0) == (who == parties::goroutines));
  }
  std::printf(
      "linear: %llu histories of %llu operations, of which %llu overlapped; "
      "%llu done, %llu closed, %llu canceled, %llu nothing ready, %llu abandoned\n",
      static_cast<unsigned long long>(all.histories),
      static_cast<unsigned long long>(all.operations),
      static_cast<unsigned long long>(all.overlapping),
      static_cast<unsigned long long>(all.of(ending::done)),
      static_cast<unsigned long long>(all.of(ending::closed)),
      static_cast<unsigned long long>(all.of(ending::canceled)),
      static_cast<unsigned long long>(all.of(ending::nothing)),
      static_cast<unsigned long long>(all.of(ending::pending)));
}

}  // namespace

TEST_CASE("channels, select and Contexts are linearizable: goroutines on two workers") {
  check_on(2, parties::goroutines);
}

TEST_CASE("channels, select and Contexts are linearizable: goroutines on four workers") {
  check_on(4, parties::goroutines);
}

TEST_CASE("channels, select and Contexts are linearizable: goroutines of three runtimes") {
  check_on(1, parties::runtimes);
}

TEST_CASE("channels, select and Contexts are linearizable: plain threads") {
  check_on(2, parties::threads);
}

TEST_CASE("channels, select and Contexts are linearizable: goroutines and plain threads") {
  check_on(3, parties::both);
}
