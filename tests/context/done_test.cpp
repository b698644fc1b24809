// SPDX-License-Identifier: MIT
// Goroutines that wait for the end of a context, and that after_func starts.
#include <doctest/doctest.h>

#include <burrow/burrow.hpp>
#include <context_test.hpp>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <thread>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

inline constexpr context_key<int> number_key{"number"};

task<> wait_for_end(context ctx, wait_group& wg) {
  co_await ctx.done();
  CHECK(ctx.err());
  wg.done();
}

}  // namespace

TEST_CASE("a goroutine waits for the end, also through values, and after the end not at all") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    const context value = with_value(ctx, number_key, 1);
    wait_group wg;
    wg.add(2);
    go(wait_for_end, ctx, std::ref(wg));
    go(wait_for_end, value, std::ref(wg));
    co_await until_quiet();
    cancel();
    CHECK(parked_goroutines() == 0);  // claimed, and has not run: W8
    co_await wg.wait();
    co_await value.done();
    co_await context(value).done();
  });
}

TEST_CASE("done as a case of select") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    auto [ctx, cancel] = with_cancel(background());
    int v = 0;
    int chosen = co_await select(ctx.done(), c.recv(v), otherwise);
    CHECK(chosen == 2);
    chosen = co_await select(background().done(), c.recv(v), otherwise);
    CHECK(chosen == 2);
    c.try_send(1);
    chosen = co_await select(ctx.done(), c.recv(v));
    CHECK(chosen == 1);
    go([](chan<int> out) -> task<> { co_await out.send(2); }, c);
    chosen = co_await select(ctx.done(), c.recv(v), ctx.done());
    CHECK(chosen == 1);
    go(
        [](cancel_trigger stop) -> task<> {
          stop();
          co_return;
        },
        cancel.trigger());
    chosen = co_await select(c.recv(v), with_value(ctx, number_key, 1).done());
    CHECK(chosen == 1);
    chosen = co_await select(c.recv(v), ctx.done(), otherwise);
    CHECK(chosen == 1);
  });
}

TEST_CASE("one cancel wakes ten thousand, on one context or on one each") {
  for (const int workers : {1, 2}) {
    run_test(workers, []() -> task<> {
      constexpr int count = 5000;
      auto [root, cancel] = with_cancel(background());
      wait_group wg;
      wg.add(2 * count);
      for (int i = 0; i < count; ++i) {
        go(wait_for_end, root, std::ref(wg));
        go(
            [](context parent, wait_group& group) -> task<> {
              auto [own, cancel_own] = with_cancel(parent);
              co_await own.done();
              CHECK(own.err());
              group.done();
            },
            root, std::ref(wg));
      }
      while (parked_goroutines() != 2 * count) co_await sleep(1ms);
      cancel();
      co_await wg.wait();
      CHECK(children_of(root) == 0);
    });
  }
}

TEST_CASE("CX14 CX16: woken goroutines cancel children while the parent still propagates") {
  run_test(2, []() -> task<> {
    for (int round = 0; round < 20; ++round) {
      auto [root, cancel] = with_cancel(background());
      std::vector<cancel_function> cancels;
      wait_group wg;
      for (int i = 0; i < 3000; ++i) {
        auto [child, cancel_child] = with_cancel(root);
        cancels.push_back(std::move(cancel_child));
        wg.add(1);
        go(
            [](context ctx, cancel_trigger stop, wait_group& group) -> task<> {
              co_await ctx.done();
              stop();
              group.done();
            },
            i % 2 == 0 ? child : root, cancels.back().trigger(), std::ref(wg));
      }
      co_await this_goroutine::yield();
      cancel();
      co_await wg.wait();
    }
  });
}

TEST_CASE("a context is kept while a goroutine waits for it, whatever becomes of the handles") {
  run_test(1, []() -> task<> {
    for (int round = 0; round < 300; ++round) {
      context handle;
      auto c = make_chan<int>();
      wait_group wg;
      wg.add(4);
      std::optional<cancel_function> stop;
      {
        auto [ctx, cancel] = with_cancel(background());
        handle = std::move(ctx);
        stop.emplace(std::move(cancel));
      }
      for (int i = 0; i < 4; ++i) {
        go(
            [](context& ctx, recv_chan<int> in, wait_group& group) -> task<> {
              int v = 0;
              int chosen = co_await select(ctx.done(), in.recv(v));
              CHECK((chosen == 0 || chosen == 1));
              group.done();
            },
            std::ref(handle), c, std::ref(wg));
      }
      co_await until_quiet();
      handle = nullptr;  // nobody has a handle, but four wait
      // Cancels, and gives back the last reference, while two of the four are claimed by a send.
      std::thread canceller([&] { stop.reset(); });
      for (int spin = 0; spin < round; ++spin) detail::cpu_relax();
      for (int i = 0; i < 2; ++i) c.try_send(i);
      co_await wg.wait();
      canceller.join();
    }
  });
}

TEST_CASE("abandonment ends a wait for a context, while that is cancelled too") {
  run_test(2, []() -> task<> {
    for (int round = 0; round < 200; ++round) {
      auto [ctx, cancel] = with_cancel(background());
      const int first = co_await any(
          [](context c) -> task<int> {
            co_await c.done();
            co_return 1;
          }(ctx),
          [](cancel_trigger stop, bool also) -> task<int> {
            co_await this_goroutine::yield();
            if (also) stop();
            co_return 2;
          }(cancel.trigger(), round % 2 == 0));
      CHECK((first == 1 || first == 2));
    }
  });
}

TEST_CASE("CX15 CX44: after_func starts a goroutine, not inside cancel") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto ran = make_chan<unsigned long long>(2);
    auto stop = after_func(ctx, [ran] { ran.try_send(this_goroutine::id()); });
    auto stop_task = after_func(ctx, [ran]() -> task<> {
      co_await this_goroutine::yield();
      co_await ran.send(this_goroutine::id());
    });
    cancel();
    CHECK(ran.size() == 0);
    const auto a = co_await ran.recv();
    const auto b = co_await ran.recv();
    CHECK(*a != this_goroutine::id());
    CHECK(*b != this_goroutine::id());
    CHECK(!stop());
    CHECK(!stop_task());
  });
}

TEST_CASE("CX44: after_func on a deadline, and on one that has passed") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_timeout(background(), 1ms);
    auto ran = make_chan<>(1);
    auto stop = after_func(ctx, [ran] { ran.try_send(); });
    co_await ran.recv();
    CHECK(ctx.err() == errc::deadline_exceeded);
    auto at_once = after_func(ctx, [ran] { ran.try_send(); });
    CHECK(!at_once());
    co_await ran.recv();
  });
}

TEST_CASE("a context that is cancelled by a plain thread wakes goroutines") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    wait_group wg;
    wg.add(100);
    for (int i = 0; i < 100; ++i) go(wait_for_end, ctx, std::ref(wg));
    co_await until_quiet();
    std::thread canceller([stop = cancel.trigger()] { stop(); });
    co_await wg.wait();
    canceller.join();
  });
}
