// SPDX-License-Identifier: MIT
// Tests of concurrent code that take no time and can be repeated: Go's testing/synctest, with a
// seed.
//
//   TEST_CASE("a request gives up after five seconds") {
//     burrow::synctest::test([]() -> burrow::task<> {
//       auto [ctx, cancel] = burrow::with_timeout(burrow::background(), 5s);
//       co_await burrow::sleep(ctx, 5s - 1ns);
//       co_await burrow::synctest::wait();
//       CHECK(!ctx.err());
//       co_await burrow::synctest::sleep(1ns);
//       CHECK(ctx.err() == burrow::errc::deadline_exceeded);
//     });
//   }
//
// Include it behind doctest.h or gtest.h: then a check that fails in a bubble says the seed.
// See docs/guide/09-testing.md.
#pragma once

#include <burrow/detail/operation.hpp>
#include <burrow/runtime_clock.hpp>
#include <burrow/sleep.hpp>
#include <burrow/task.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace burrow {

namespace detail {

class bubble;

/// By a goroutine of a bubble: waits until all others of it wait durably, or have ended.
class [[nodiscard("wait() does nothing until it is awaited")]] quiet_form {
 public:
  class awaiter {
   public:
    explicit awaiter(goroutine& g);
    bool await_ready() noexcept;
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept;
    void await_resume();

   private:
    goroutine& g_;
    bubble& bubble_;
    bool refused_ = false;
  };
  awaiter bind(goroutine& g) && { return awaiter(g); }
};

}  // namespace detail

/// Go: testing/synctest.
namespace synctest {

/// How the bubbles of a test() are made.
struct options {
  /// Decides every choice in the first bubble; the others count up from it. None: a random one. The
  /// environment variable BURROW_SEED overrides it, and then there is one bubble alone.
  std::optional<std::uint64_t> seed = std::nullopt;
  /// So many bubbles, one after the other, up to the first that fails; at least 1.
  unsigned runs = 1;
};

/// Of the last bubble.
struct result {
  std::uint64_t seed = 0;
  /// A hash over all choices: two runs with the same seed have the same, unless the program depends
  /// on something else, such as an address, a real clock or a thread.
  std::uint64_t trace = 0;
  std::uint64_t turns = 0;              ///< how often a goroutine was chosen to run
  std::chrono::nanoseconds elapsed{0};  ///< by the bubble's clock
};

/// All goroutines of a bubble wait, and nothing can end that; or main has ended and others, which
/// nothing wakes, are left. what() lists them, and where each was started.
class deadlock : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The seed of the bubble that runs on this thread, or ran there last.
std::uint64_t seed() noexcept;

/// Awaited: lets all other goroutines of the bubble run until each waits durably (for another
/// goroutine of the bubble, or for its clock) or has ended. The clock does not move. Throws
/// std::logic_error outside of a bubble, and while another goroutine is in it. Go: synctest.Wait().
inline detail::quiet_form wait() noexcept { return {}; }

/// sleep(d), then wait(). Go: synctest.Sleep(d).
task<> sleep(std::chrono::nanoseconds d);

}  // namespace synctest

namespace detail {

/// How often a bubble is made, and with which seeds.
struct seed_range {
  std::uint64_t first;
  std::uint64_t count;
};

/// Throws std::invalid_argument.
seed_range seeds_of(const synctest::options& opt);

/// Runs `main` in a bubble of its own, and all that it starts. Rethrows what left it.
synctest::result run_in_bubble(std::uint64_t seed, const std::function<task<>()>& main,
                               std::source_location where);

}  // namespace detail

namespace synctest {

// In each source file its own: it depends on the framework which that one includes.
namespace {

[[maybe_unused]] result run_and_say_seed(std::uint64_t seed, const std::function<task<>()>& main,
                                         std::source_location where) {
#if defined(DOCTEST_LIBRARY_INCLUDED)
  DOCTEST_INFO("BURROW_SEED=", seed);
#elif defined(GOOGLETEST_INCLUDE_GTEST_GTEST_H_) || defined(GTEST_INCLUDE_GTEST_GTEST_H_)
  const ::testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()),
                                     "BURROW_SEED=" + std::to_string(seed));
#endif
  return detail::run_in_bubble(seed, main, where);
}

}  // namespace

/// Runs `main`, a callable that returns a task<>, in a bubble: a runtime of its own, on the calling
/// thread, whose clock begins at 2000-01-01 00:00 UTC, and moves, to the next timer, only when all
/// its goroutines wait durably. When main has ended, the Context that it carries is cancelled, the
/// clock stops, and the goroutines that it has started must end.
///
/// Every choice, who runs next, which ready case a select takes, when a goroutine yields, is drawn
/// from the seed. Where the test fails, the seed is printed; BURROW_SEED=N repeats the run.
///
/// Rethrows the first exception that left a goroutine. Throws synctest::deadlock;
/// std::invalid_argument; std::logic_error in a goroutine. Go: synctest.Test(t, f).
template <class F>
result test(const options& opt, F&& main,
            std::source_location where = std::source_location::current()) {
  static_assert(std::is_invocable_r_v<task<>, F&>,
                "synctest::test takes a callable without parameters that returns a burrow::task<>");
  const detail::seed_range seeds = detail::seeds_of(opt);
  const std::function<task<>()> call = [&main]() -> task<> { return main(); };
  result last;
  for (std::uint64_t i = 0; i < seeds.count; ++i) {
    last = run_and_say_seed(seeds.first + i, call, where);
  }
  return last;
}

template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, options>)
result test(F&& main, std::source_location where = std::source_location::current()) {
  return test(options(), main, where);
}

}  // namespace synctest
}  // namespace burrow
