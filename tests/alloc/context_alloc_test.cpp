// SPDX-License-Identifier: MIT
// A Context allocates no more often than one of Go, whose limits these are.
#include <allocations.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <run_test.hpp>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

inline constexpr context_key<int> number_key{"number"};

constexpr int warm_up = 300;
constexpr int measured = 2'000;

/// What the runtime's other threads may allocate meanwhile, when they begin.
constexpr std::size_t of_others = 8;

/// How often one round of `f`, which returns a task, allocates, rounded up.
template <class F>
task<std::size_t> allocations_of(F f) {
  std::size_t before = 0;
  for (int i = 0; i < warm_up + measured; ++i) {
    if (i == warm_up) before = allocations();
    co_await f();
  }
  const std::size_t all = allocations() - before;
  co_return all <= of_others ? 0 : (all - of_others + measured - 1) / measured;
}

task<> bind_and_find_a_value() {
  const context ctx = with_value(background(), number_key, 7);
  if (ctx.value(number_key) == nullptr) FAIL("it is bound");
  co_return;
}

task<> wait_for_a_deadline() {
  auto [ctx, cancel] = with_timeout(background(), 1ns);
  co_await ctx.done();
}

task<> cancel_and_wait() {
  auto [ctx, cancel] = with_cancel(background());
  cancel();
  co_await ctx.done();
}

task<> cancel_before_a_deadline() {
  auto [ctx, cancel] = with_timeout(background(), 1h);
  cancel();
  co_await ctx.done();
}

}  // namespace

TEST_CASE("CX62: a Context allocates no more often than one of Go") {
  struct row {
    const char* name;
    task<> (*use)();
    std::size_t most;
  };
  const std::size_t before = allocations();
  const bool has_ended = static_cast<bool>(background().err());
  const std::size_t of_background = allocations() - before;
  CHECK_FALSE(has_ended);
  CHECK(of_background == 0);
  run_test(1, []() -> task<> {
    // The frame of the task counts, too.
    for (const row& r : {row{"a value", bind_and_find_a_value, 3},
                         row{"a deadline that passes", wait_for_a_deadline, 12},
                         row{"a cancel", cancel_and_wait, 5},
                         row{"a deadline that is cancelled", cancel_before_a_deadline, 8}}) {
      CAPTURE(r.name);
      const std::size_t found = co_await allocations_of(r.use);
      CHECK(found <= r.most);
    }
  });
}
