// SPDX-License-Identifier: MIT
// Deadlines.
#include <doctest/doctest.h>

#include <burrow/burrow.hpp>
#include <chrono>
#include <context_test.hpp>
#include <limits>
#include <run_test.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

std::size_t armed_timers() { return detail::current_worker()->timers().armed(); }

}  // namespace

TEST_CASE("CX25 CX27: a timeout ends the context, in time and with all that is below") {
  run_test(1, []() -> task<> {
    auto [root, cancel_root] = with_cancel(background());
    const auto begin = steady_clock::now();
    auto [ctx, cancel] = with_timeout(root, 5ms);
    auto [child, cancel_child] = with_cancel(ctx);
    CHECK(ctx.deadline() >= begin + 5ms);
    CHECK(ctx.deadline() <= steady_clock::now() + 5ms);
    CHECK(child.deadline() == ctx.deadline());
    CHECK(!ctx.err());
    CHECK(armed_timers() == 1);
    co_await child.done();
    CHECK(steady_clock::now() >= begin + 5ms);
    CHECK(ctx.err() == errc::deadline_exceeded);
    CHECK(child.err() == errc::deadline_exceeded);
    CHECK(why(child) == "context deadline exceeded");
    CHECK(children_of(root) == 0);
    CHECK(armed_timers() == 0);
    cancel();
    CHECK(ctx.err() == errc::deadline_exceeded);
  });
}

TEST_CASE("CX26 CX58: cancel before the deadline gives canceled, and disarms the timer") {
  run_test(1, []() -> task<> {
    auto [root, cancel_root] = with_cancel(background());
    auto [ctx, cancel] = with_timeout_cause(root, 1h, std::runtime_error("too slow"));
    CHECK(armed_timers() == 1);
    cancel();
    CHECK(armed_timers() == 0);
    CHECK(children_of(root) == 0);
    CHECK(ctx.err() == errc::canceled);
    CHECK(why(ctx) == "context canceled");
    auto [below, cancel_below] = with_timeout(root, 1h);
    auto [deeper, cancel_deeper] = with_timeout(below, 1min);
    CHECK(armed_timers() == 2);
    cancel_root();
    CHECK(armed_timers() == 0);
    CHECK(deeper.err() == errc::canceled);
    co_return;
  });
}

TEST_CASE("CX32: below an expired context its cause shows") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_timeout_cause(background(), 1ms, std::runtime_error("too slow"));
    auto [child, cancel_child] = with_cancel_cause(ctx);
    co_await child.done();
    cancel_child(std::runtime_error("after"));
    CHECK(child.err() == errc::deadline_exceeded);
    CHECK(why(child) == "too slow");
    CHECK(why(ctx) == "too slow");
  });
}

TEST_CASE("CX21 CX22: the earliest deadline on the path counts") {
  run_test(1, []() -> task<> {
    auto [outer, cancel_outer] = with_timeout(background(), 1h);
    auto [same, cancel_same] = with_timeout(outer, 2h);
    CHECK(same.deadline() == outer.deadline());
    CHECK(to_string(same).ends_with(".WithCancel"));
    CHECK(armed_timers() == 1);
    auto [sooner, cancel_sooner] = with_timeout(outer, 1min);
    CHECK(*sooner.deadline() < *outer.deadline());
    CHECK(armed_timers() == 2);
    auto [equal, cancel_equal] = with_deadline(outer, *outer.deadline());
    CHECK(!to_string(equal).ends_with(".WithCancel"));

    auto [brief, cancel_brief] = with_timeout_cause(outer, 1ms, std::runtime_error("outer"));
    auto [lost, cancel_lost] = with_timeout_cause(brief, 1h, std::runtime_error("inner"));
    co_await lost.done();
    CHECK(why(lost) == "outer");
    const context free = without_cancel(brief);
    CHECK(!free.deadline());
    auto [fresh, cancel_fresh] = with_timeout(free, 2h);
    CHECK(fresh.deadline());
    CHECK(!fresh.err());
  });
}

TEST_CASE("CX20 CX24: a deadline in the past, and a cancelled parent") {
  auto [ctx, cancel] = with_timeout(background(), 0s);
  CHECK(ctx.err() == errc::deadline_exceeded);
  auto [earlier, cancel_earlier] = with_deadline_cause(
      background(), steady_clock::time_point::min(), std::runtime_error("long ago"));
  CHECK(earlier.err() == errc::deadline_exceeded);
  CHECK(why(earlier) == "long ago");
  cancel_earlier();
  CHECK(earlier.err() == errc::deadline_exceeded);

  auto [parent, cancel_parent] = with_cancel(background());
  cancel_parent();
  auto [child, cancel_child] = with_timeout(parent, -1s);
  CHECK(child.err() == errc::canceled);
}

TEST_CASE("where no runtime runs, a deadline in the future is refused") {
  auto [parent, cancel] = with_cancel(background());
  CHECK_THROWS_AS(static_cast<void>(with_timeout(parent, 1s)), std::logic_error);
  CHECK(children_of(parent) == 0);
  cancel();
  auto [child, cancel_child] = with_timeout(parent, 1s);  // needs no timer
  CHECK(child.err() == errc::canceled);
}

TEST_CASE("durations of every kind") {
  run_test(1, []() -> task<> {
    const auto left = [](auto timeout) {
      auto [ctx, cancel] = with_timeout(background(), timeout);
      return *ctx.deadline() - steady_clock::now();
    };
    CHECK(left(std::chrono::hours::max()) > 24h * 365 * 100);
    CHECK(left(std::chrono::nanoseconds::max()) > 24h * 365 * 100);
    CHECK(left(std::chrono::duration<double>(1e300)) > 24h * 365 * 100);
    CHECK(left(std::chrono::duration<double>(10)) > 9s);
    CHECK(left(std::chrono::duration<int, std::ratio<1, 3>>(30)) > 9s);
    auto [past, cancel] = with_timeout(background(), std::chrono::hours::min());
    CHECK(past.err() == errc::deadline_exceeded);
    auto [end, cancel_end] = with_deadline(background(), steady_clock::time_point::max());
    CHECK(end.deadline());
    CHECK(!end.err());
    co_return;
  });
  static_assert(detail::saturated_ns(std::chrono::duration<double, std::nano>(1.5)) == 2);
  static_assert(detail::saturated_ns(std::chrono::duration<double, std::nano>(-1.5)) == -1);
}

TEST_CASE("a plain thread makes a deadline in the running runtime") {
  run_test(2, []() -> task<> {
    auto ended = make_chan<>(1);
    std::thread maker([ended] {
      auto [ctx, cancel] = with_timeout(background(), 2ms);
      while (!ctx.err()) std::this_thread::yield();
      if (ctx.err() == errc::deadline_exceeded) ended.try_send();
      auto [unused, cancel_unused] = with_timeout(background(), 1h);
    });
    co_await ended.recv();
    maker.join();
    CHECK(true);
  });
}

TEST_CASE("a context outlives the runtime that watched its deadline") {
  context outlives;
  cancel_function end_it;
  context below;
  run_test(1, [&]() -> task<> {
    auto [ctx, cancel] = with_timeout(background(), 1h);
    outlives = ctx;
    end_it = std::move(cancel);
    auto [child, cancel_child] = with_cancel(ctx);
    below = child;
    co_return;
  });
  CHECK(!outlives.err());
  CHECK(outlives.deadline());
  run_test(1, [&]() -> task<> {  // has the timers of the first runtime, perhaps
    auto [other, cancel] = with_timeout(background(), 1ms);
    CHECK(armed_timers() == 1);
    co_await other.done();
    end_it();
    CHECK(outlives.err() == errc::canceled);
  });
}

TEST_CASE("deadlines and cancels race") {
  run_test(2, []() -> task<> {
    for (int round = 0; round < 200; ++round) {
      auto [root, cancel_root] = with_cancel(background());
      auto [a, cancel_a] = with_timeout(root, std::chrono::microseconds(round));
      auto [b, cancel_b] = with_timeout(a, std::chrono::microseconds(200 - round));
      auto ended = make_chan<>(1);
      go(
          [](context ctx, chan<> done) -> task<> {
            co_await ctx.done();
            done.try_send();
          },
          b, ended);
      if (round % 3 == 0) {
        cancel_a();
      } else if (round % 3 == 1) {
        cancel_root();
      }
      co_await ended.recv();
      CHECK(b.err());
      CHECK(bool(b.cause()));
    }
  });
}
