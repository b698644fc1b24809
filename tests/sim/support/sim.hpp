// SPDX-License-Identifier: MIT
// Simulation: programs made from a seed, run in a bubble of the same seed, and judged by a naive
// model that is recomputed from a log.
//
// A theme (`chan`, `context` ...) is a function that makes the program of a seed, describes it in a
// few lines, runs it and notes what was wrong. Times are chosen so that what the model has to tell
// apart never happens at one instant: the steps of a program come at even times, what they set is
// due at odd ones. Between two instants everything waits; so what began at an earlier instant has
// come to its place in every queue before what begins at a later one.
#pragma once

#include <doctest/doctest.h>
// behind doctest.h
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

using namespace burrow;
using std::chrono::nanoseconds;

/// Random numbers for a program; those of the schedule are the bubble's own.
class dice {
 public:
  explicit dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  /// 0 to n - 1.
  std::uint32_t operator()(std::uint32_t n) {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32) % n;
  }
  bool one_in(std::uint32_t n) { return (*this)(n) == 0; }

 private:
  std::uint64_t state_;
};

/// What is known of one run.
struct report {
  std::string program;  ///< before it runs
  std::vector<std::string> wrong;
  std::uint64_t trace = 0;

  void fail(std::string what) { wrong.push_back(std::move(what)); }
  void expect(bool holds, std::string_view what) {
    if (!holds) fail(std::string(what));
  }
};

using theme = void (*)(std::uint64_t seed, report& r);

/// By the bubble's clock, since its beginning.
inline long now() {
  static constexpr std::chrono::seconds year_2000(946'684'800);
  return (runtime_clock::utc().time_since_epoch() - year_2000).count();
}

/// Runs `main` in the bubble of `seed`; what leaves it is wrong.
void in_bubble(std::uint64_t seed, report& r, const std::function<task<>()>& main);

/// Runs the theme's seeds of seeds.txt, then `seeds` others, up to the first that fails. The
/// environment overrides: BURROW_SIM_SEEDS, how many; BURROW_SIM_FIRST, where they begin (1).
void run_theme(const char* name, unsigned seeds, theme run);

/// The same seeds, each twice: both runs have made the same choices.
void repeat_theme(const char* name, unsigned seeds, theme run);

}  // namespace sim
