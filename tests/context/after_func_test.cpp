// SPDX-License-Identifier: MIT
// after_func where no runtime runs: on threads. With goroutines: done_test.cpp.
#include <doctest/doctest.h>

#include <atomic>
#include <burrow/after_func.hpp>
#include <burrow/context.hpp>
#include <burrow/sleep.hpp>
#include <context_test.hpp>
#include <future>
#include <memory>
#include <thread>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

TEST_CASE("CX44 CX45: each callable runs once, after the end, not inside cancel") {
  auto [ctx, cancel] = with_cancel(background());
  std::promise<std::thread::id> first;
  std::promise<std::thread::id> second;
  auto stop_first = after_func(ctx, [&, ctx = ctx] {
    CHECK(ctx.err() == errc::canceled);
    first.set_value(std::this_thread::get_id());
  });
  auto stop_second = after_func(ctx, [&] { second.set_value(std::this_thread::get_id()); });
  CHECK(children_of(ctx) == 2);
  cancel();
  cancel();
  CHECK(first.get_future().get() != std::this_thread::get_id());
  CHECK(second.get_future().get() != std::this_thread::get_id());
  CHECK(!stop_first());
  CHECK(!stop_second());
}

TEST_CASE("CX46 CX49: stop tells whether it prevented the run, once, and leaves no child") {
  auto [ctx, cancel] = with_cancel(background());
  auto value = std::make_shared<int>();
  {
    auto stop = after_func(ctx, [value] { FAIL("it was stopped"); });
    auto copy = stop;
    CHECK(children_of(ctx) == 1);
    CHECK(copy());
    CHECK(!stop());
    CHECK(!copy());
    CHECK(children_of(ctx) == 0);
    CHECK(value.use_count() == 2);
  }
  CHECK(value.use_count() == 1);
  CHECK(!stop_function()());
}

TEST_CASE("CX47: on a context that has ended it runs at once, and cannot be stopped") {
  auto [ctx, cancel] = with_cancel(background());
  cancel();
  std::promise<void> ran;
  auto stop = after_func(ctx, [&] { ran.set_value(); });
  CHECK(!stop());
  ran.get_future().get();
}

TEST_CASE("CX50: on a context that never ends the first stop is true, the second false") {
  for (const context& ctx : {background(), without_cancel(background())}) {
    auto value = std::make_shared<int>();
    {
      auto stop = after_func(ctx, [value] { FAIL("it never ends"); });
      CHECK(stop());
      CHECK(!stop());
    }
    CHECK(value.use_count() == 1);
  }
}

TEST_CASE("a stop that is destroyed detaches: the callable still runs, and is then destroyed") {
  auto [ctx, cancel] = with_cancel(background());
  std::promise<void> ran;
  auto value = std::make_shared<int>();
  {
    auto stop = after_func(ctx, [&ran, value] { ran.set_value(); });
  }
  CHECK(children_of(ctx) == 1);
  CHECK(value.use_count() == 2);
  cancel();
  ran.get_future().get();
  while (value.use_count() != 1) std::this_thread::yield();
}

TEST_CASE("CX51: the callable may cancel, stop and register on the same contexts") {
  auto [ctx, cancel] = with_cancel(background());
  std::promise<void> ran;
  std::promise<int> prevented;
  auto trigger = cancel.trigger();
  auto other = after_func(ctx, [] {});
  auto stop = after_func(ctx, [&, ctx = ctx] {
    trigger();
    int count = other() ? 1 : 0;
    auto again = after_func(ctx, [&] { ran.set_value(); });
    count += again() ? 1 : 0;
    prevented.set_value(count);
  });
  cancel();
  ran.get_future().get();
  CHECK(prevented.get_future().get() == 0);
}

TEST_CASE("CX48 CX52: exactly one of run and stop happens, in a race") {
  for (int round = 0; round < 300; ++round) {
    auto [ctx, cancel] = with_cancel(background());
    constexpr int count = 4;
    std::atomic<int> ran{0};
    std::atomic<int> prevented{0};
    std::vector<stop_function> stops;
    for (int i = 0; i < count; ++i) {
      stops.push_back(after_func(ctx, [&] { ran.fetch_add(1); }));
    }
    std::thread stopper([&] {
      for (auto& stop : stops) prevented.fetch_add(stop() ? 1 : 0);
    });
    cancel();
    stopper.join();
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (ran + prevented < count && std::chrono::steady_clock::now() < limit) {
      std::this_thread::yield();
    }
    CHECK(ran + prevented == count);
    CHECK(children_of(ctx) == 0);
  }
}

TEST_CASE("a task runs in a runtime of its own where none runs when the Context ends") {
  auto [ctx, cancel] = with_cancel(background());
  std::promise<void> ran;
  auto stop = after_func(ctx, [&]() -> task<> {
    co_await sleep(1us);
    ran.set_value();
  });
  cancel();
  ran.get_future().get();
  CHECK(!stop());
}
