// SPDX-License-Identifier: MIT
// blocking: calls that block, on threads where that is allowed.
#include "run_test.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace burrow;

/// A call that blocks until it is told to go on.
struct blocker {
  std::promise<void> promise;
  std::shared_future<void> released = promise.get_future().share();
  std::atomic<int> inside{0};
  void wait() {
    inside.fetch_add(1);
    released.wait();
  }
  void release() { promise.set_value(); }
};

TEST_CASE("blocking gives what the call returns: values, void, what can only be moved") {
  run_test(1, []() -> task<> {
    const int four = co_await blocking([] { return 4; });
    CHECK(four == 4);
    bool ran = false;
    co_await blocking([&ran] { ran = true; });
    CHECK(ran);
    auto box =
        co_await blocking([kept = std::make_unique<int>(5)]() mutable { return std::move(kept); });
    CHECK(*box == 5);
  });
}

TEST_CASE("what the call throws reaches the await") {
  run_test(1, []() -> task<> {
    std::string text;
    try {
      co_await blocking([]() -> int { throw std::runtime_error("blocked badly"); });
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    CHECK(text == "blocked badly");
  });
}

TEST_CASE("the call runs on another thread than any worker") {
  run_test(1, []() -> task<> {
    const std::thread::id worker = std::this_thread::get_id();
    const auto [id, on_worker] = co_await blocking(
        [] { return std::pair(std::this_thread::get_id(), detail::current_worker() != nullptr); });
    CHECK(id != worker);
    CHECK_FALSE(on_worker);
    CHECK(std::this_thread::get_id() == worker);
  });
}

TEST_CASE("G17: a call that blocks keeps no worker from running others") {
  run_test(1, []() -> task<> {
    blocker b;
    auto done = make_chan<>();
    go(
        [](blocker& bl, chan<> out) -> task<> {
          co_await blocking([&bl] { bl.wait(); });
          co_await out.send();
        },
        std::ref(b), done);
    // This goroutine runs on the only worker while the call blocks, and it is what lets it go on.
    while (b.inside.load() == 0) co_await this_goroutine::yield();
    b.release();
    co_await done.recv();
    CHECK(b.inside.load() == 1);
  });
}

TEST_CASE("calls block at the same time, each on a thread of its own") {
  run_test(1, []() -> task<> {
    blocker b;
    constexpr int calls = 20;
    auto done = make_chan<>();
    for (int i = 0; i < calls; ++i) {
      go(
          [](blocker& bl, chan<> out) -> task<> {
            co_await blocking([&bl] { bl.wait(); });
            co_await out.send();
          },
          std::ref(b), done);
    }
    while (b.inside.load() != calls) co_await this_goroutine::yield();
    b.release();
    for (int i = 0; i < calls; ++i) co_await done.recv();
    CHECK(b.inside.load() == calls);
  });
}

TEST_CASE("beyond 512 calls the others wait for their turn, and all are made") {
  run_test(1, []() -> task<> {
    blocker b;
    constexpr int calls = 600;
    auto done = make_chan<>(calls);
    for (int i = 0; i < calls; ++i) {
      go(
          [](blocker& bl, chan<> out) -> task<> {
            co_await blocking([&bl] { bl.wait(); });
            co_await out.send();
          },
          std::ref(b), done);
    }
    while (b.inside.load() != 512) co_await this_goroutine::yield();
    co_await until_quiet();
    CHECK(b.inside.load() == 512);
    b.release();
    for (int i = 0; i < calls; ++i) co_await done.recv();
    CHECK(b.inside.load() == calls);
  });
}

TEST_CASE("the callable lives until the call has returned, and is gone with the statement") {
  run_test(1, []() -> task<> {
    auto shared = std::make_shared<int>(1);
    const long inside = co_await blocking([shared] { return shared.use_count(); });
    CHECK(inside >= 2);
    CHECK(shared.use_count() == 1);
  });
}

TEST_CASE("rule 2: blocking always waits for the call, whatever becomes of the Context") {
  run_test(1, []() -> task<> {
    blocker b;
    auto [ctx, cancel] = with_cancel(background());
    auto out = make_chan<int>();
    go(
        ctx,
        [](blocker& bl, chan<int> c) -> task<> {
          const int n = co_await blocking([&bl] {
            bl.wait();
            return 7;
          });
          co_await c.send(n);
        },
        std::ref(b), out);
    while (b.inside.load() == 0) co_await this_goroutine::yield();
    cancel();
    const int chosen = co_await select(out.recv(), otherwise);
    CHECK(chosen == 1);
    b.release();
    const std::optional<int> n = co_await out.recv();
    CHECK(n == 7);
  });
}

TEST_CASE("a call may use channels from its thread") {
  run_test(1, []() -> task<> {
    auto out = make_chan<int>();
    auto back = make_chan<int>();
    go(
        [](chan<int> o, chan<int> b) -> task<> {
          co_await blocking([o, b] {
            int n = 0;
            b.recv_blocking(n);
            o.send_blocking(n + 1);
          });
        },
        out, back);
    co_await back.send(1);
    const std::optional<int> two = co_await out.recv();
    CHECK(two == 2);
  });
}

TEST_CASE("ten thousand short calls, one after the other and at the same time") {
  run_test(2, []() -> task<> {
    std::atomic<int> made{0};
    auto done = make_chan<>(100);
    for (int g = 0; g < 100; ++g) {
      go(
          [](std::atomic<int>& n, chan<> out) -> task<> {
            for (int i = 0; i < 100; ++i) co_await blocking([&n] { n.fetch_add(1); });
            co_await out.send();
          },
          std::ref(made), done);
    }
    for (int g = 0; g < 100; ++g) co_await done.recv();
    CHECK(made.load() == 10'000);
  });
}

TEST_CASE("blocking gives a reference where the call does") {
  run_test(1, []() -> task<> {
    int value = 1;
    int& same = co_await blocking([&]() -> int& { return value; });
    CHECK(&same == &value);
  });
}

}  // namespace
