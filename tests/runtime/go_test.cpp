// SPDX-License-Identifier: MIT
// go: what a goroutine sees of its starter, and how goroutines share the workers. What it takes
// with it is in go_arguments_test.cpp; what ends the program is in tests/process/.
#include "run_test.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace burrow;

// --- the carried Context -------------------------------------------------------------------------

TEST_CASE("rule 3: a goroutine carries the Context of the one that started it") {
  run_test(1, []() -> task<> {
    auto out = make_chan<context>();
    auto starts = [](context own, chan<context> c) -> task<context> {
      go([](chan<context> inner) -> task<> { co_await inner.send(this_goroutine::context()); }, c);
      std::optional<context> got = co_await c.recv();
      CHECK(*got == own);
      co_return *got;
    };
    auto [ctx, cancel] = with_cancel(background());
    const context carried = co_await starts(ctx, out);
    CHECK(carried == ctx);
  });
}

TEST_CASE("rule 3: go(f, ctx, args...) runs f under ctx, and go(ctx, f, args...) too") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto out = make_chan<bool>();
    go([](context own,
          chan<bool> c) -> task<> { co_await c.send(own == this_goroutine::context()); },
       ctx, out);
    const std::optional<bool> as_parameter = co_await out.recv();
    CHECK(as_parameter == true);
    go(
        ctx,
        [](const context* expected, chan<bool> c) -> task<> {
          co_await c.send(*expected == this_goroutine::context());
        },
        &ctx, out);
    const std::optional<bool> as_carried = co_await out.recv();
    CHECK(as_carried == true);
  });
}

TEST_CASE("go(ctx, f) keeps ctx alive") {
  run_test(1, []() -> task<> {
    auto out = make_chan<bool>();
    {
      auto [ctx, cancel] = with_cancel(background());
      go(
          ctx,
          [](chan<bool> c) -> task<> {
            co_await this_goroutine::yield();
            const bool ended = this_goroutine::context().err() == errc::canceled;
            co_await c.send(ended);
          },
          out);
    }
    const std::optional<bool> ended = co_await out.recv();
    CHECK(ended == true);
  });
}

TEST_CASE("go with a nil Context throws std::invalid_argument") {
  run_test(1, []() -> task<> {
    bool thrown = false;
    try {
      go(context(), []() -> task<> { co_return; });
    } catch (const std::invalid_argument&) {
      thrown = true;
    }
    CHECK(thrown);
    co_return;
  });
}

// --- order and visibility ------------------------------------------------------------------------

TEST_CASE("G5: what is done before the spawn is seen by the goroutine") {
  run_test(4, []() -> task<> {
    auto out = make_chan<int>();
    for (int i = 0; i < 200; ++i) {
      auto data = std::make_unique<std::array<int, 16>>();  // plain memory: ThreadSanitizer judges
      data->fill(i);
      go(
          [](std::array<int, 16>* d, chan<int> c) -> task<> {
            int sum = 0;
            for (const int v : *d) sum += v;
            co_await c.send(sum);
          },
          data.get(), out);
      int sum = 0;
      co_await out.recv(sum);
      REQUIRE(sum == 16 * i);
    }
  });
}

TEST_CASE("G2: 100 000 blocked goroutines are ordinary") {
  run_test(2, []() -> task<> {
    constexpr int count = 100'000;
    auto gate = make_chan<>();
    auto out = make_chan<int>(1024);
    for (int i = 0; i < count; ++i) {
      go(
          [](chan<> g, chan<int> o) -> task<> {
            co_await g.recv();
            co_await o.send(1);
          },
          gate, out);
    }
    co_await until_quiet();
    gate.close();
    int ended = 0;
    for (int i = 0; i < count; ++i) {
      int one = 0;
      co_await out.recv(one);
      ended += one;
    }
    CHECK(ended == count);
  });
}

TEST_CASE("G19: a woken goroutine does not run inside its waker's call") {
  run_test(1, []() -> task<> {
    int resumed = 0;
    auto c = make_chan<int>();
    auto closed = make_chan<int>();
    mutex mu;
    auto [ctx, cancel] = with_cancel(background());
    auto body = [](auto wait, int& n) -> task<> {
      co_await wait();
      ++n;
    };
    auto receives = [](chan<int> from) { return [from]() -> task<> { co_await from.recv(); }; };
    const bool locked = mu.try_lock();
    CHECK(locked);
    go(body, receives(c), std::ref(resumed));
    go(body, receives(closed), std::ref(resumed));
    go(body, [&mu]() -> task<> { co_await mu.lock(); }, std::ref(resumed));
    go(body, [own = ctx]() -> task<> { co_await own.done(); }, std::ref(resumed));
    co_await until_quiet();
    const bool sent = c.try_send(1);
    CHECK(sent);
    CHECK(resumed == 0);
    closed.close();
    CHECK(resumed == 0);
    mu.unlock();
    CHECK(resumed == 0);
    cancel();
    CHECK(resumed == 0);
    while (resumed != 4) co_await this_goroutine::yield();
    mu.unlock();
  });
}

TEST_CASE("G21: what a goroutine refers to that waits for ever lives until the runtime ends") {
  auto shared = std::make_shared<int>(1);
  run_test(1, [&]() -> task<> {
    go([](std::shared_ptr<int>) -> task<> { co_await make_chan<>().recv(); }, shared);
    co_await until_quiet();
    CHECK(shared.use_count() == 2);
  });
  CHECK(shared.use_count() == 1);
}

// --- from plain threads --------------------------------------------------------------------------

TEST_CASE("a plain thread may start goroutines, which carry the root Context") {
  run_test(2, []() -> task<> {
    const context root = this_goroutine::context();
    auto out = make_chan<bool>();
    std::thread t([&root, out] {
      for (int i = 0; i < 100; ++i) {
        go([&root](chan<bool> c) -> task<> { co_await c.send(this_goroutine::context() == root); },
           out);
      }
    });
    int right = 0;
    for (int i = 0; i < 100; ++i) {
      bool one = false;
      co_await out.recv(one);
      right += one ? 1 : 0;
    }
    CHECK(right == 100);
    t.join();
  });
}

TEST_CASE("go throws std::logic_error where no runtime runs") {
  auto shared = std::make_shared<int>(1);
  std::string text;
  try {
    go([](std::shared_ptr<int>) -> task<> { co_return; }, shared);
  } catch (const std::logic_error& e) {
    text = e.what();
  }
  CHECK(text == "no runtime is running: start one with burrow::run(main)");
  CHECK(shared.use_count() == 1);
}

// --- sharing the workers -------------------------------------------------------------------------

TEST_CASE("G16: with two workers two goroutines that spin run at the same time") {
  run_test(2, []() -> task<> {
    std::atomic<int> running{0};
    auto spins = [](std::atomic<int>& n) -> task<> {
      n.fetch_add(1);
      while (n.load() != 2) std::this_thread::yield();
      co_return;
    };
    if (detail::current_worker()->owner().worker_count() < 2) co_return;  // BURROW_PROCS=1
    co_await scope([&](group& g) -> task<> {
      g.go(spins, std::ref(running));
      co_await spins(running);
    });
    CHECK(running.load() == 2);
  });
}

/// Passes a ball on; who has it at the end closes the channel.
task<> plays(chan<int> from, chan<int> to, bool& stop) {
  for (;;) {
    int ball = 0;
    const bool still_plays = co_await from.recv(ball);
    if (!still_plays) co_return;
    if (stop) {
      to.close();
      co_return;
    }
    co_await to.send(ball);
  }
}

/// Runs `f(stop)` and more of the kind in a scope, while the caller is woken by a timer alone.
template <class... F>
task<> beside_a_timer(F... f) {
  bool stop = false;
  co_await scope([&](group& g) -> task<> {
    (g.go(f, std::ref(stop)), ...);
    const int fired = co_await select(after(std::chrono::milliseconds(1)));
    CHECK(fired == 0);
    stop = true;
  });
}

TEST_CASE("G18: a pair that plays ping-pong starves neither a third goroutine nor a timer") {
  run_test(1, []() -> task<> {
    auto ping = make_chan<int>();
    auto pong = make_chan<int>();
    int turns = 0;
    co_await beside_a_timer([ping, pong](bool& stop) -> task<> { return plays(ping, pong, stop); },
                            [ping, pong](bool& stop) -> task<> {
                              co_await ping.send(1);
                              co_await plays(pong, ping, stop);
                            },
                            [&turns](bool& stop) -> task<> {
                              while (!stop) {
                                ++turns;
                                co_await this_goroutine::yield();
                              }
                            });
    CHECK(turns > 0);
  });
}

TEST_CASE("a goroutine whose operations are always ready starves nobody") {
  run_test(1, []() -> task<> {
    co_await beside_a_timer([](bool& stop) -> task<> {
      auto c = make_chan<int>(1);
      while (!stop) {
        co_await c.send(1);
        co_await c.recv();
      }
    });
    co_await beside_a_timer([](bool& stop) -> task<> {
      auto closed = make_chan<int>();
      closed.close();
      while (!stop) co_await select(closed.recv());
    });
    co_await beside_a_timer([](bool& stop) -> task<> {
      auto empty = make_chan<int>();
      while (!stop) co_await select(empty.recv(), otherwise);
    });
    co_await beside_a_timer([](bool& stop) -> task<> {
      mutex mu;
      while (!stop) {
        co_await mu.lock();
        mu.unlock();
      }
    });
    co_await beside_a_timer([](bool& stop) -> task<> {
      while (!stop) co_await []() -> task<> { co_return; }();
    });
    co_await beside_a_timer([](bool& stop) -> task<> {
      while (!stop) co_await sleep(std::chrono::nanoseconds(0));
    });
    co_await beside_a_timer([](bool& stop) -> task<> {
      auto closed = make_chan<int>();
      closed.close();
      while (!stop) {
        std::vector<select_case> cases;
        cases.emplace_back(closed.recv());
        co_await select(std::span(cases));
      }
    });
    co_await beside_a_timer([](bool& stop) -> task<> {
      once o;
      while (!stop) co_await o.call([] {});
    });
  });
}

TEST_CASE("a goroutine whose Context has ended, and that goes on, starves nobody") {
  run_test(1, []() -> task<> {
    auto [ended, cancel] = with_cancel(background());
    cancel();
    co_await beside_a_timer([own = ended](bool& stop) -> task<> {
      while (!stop) co_await own.done();
    });
    co_await beside_a_timer([own = ended](bool& stop) -> task<> {
      while (!stop) co_await sleep(own, std::chrono::hours(1));
    });
    co_await beside_a_timer([own = ended](bool& stop) -> task<> {
      auto c = make_chan<int>();
      int v = 0;
      while (!stop) co_await c.recv(own, v);
    });
    co_await beside_a_timer([own = ended](bool& stop) -> task<> {
      auto c = make_chan<int>();
      while (!stop) co_await c.send(own, 1);
    });
    co_await beside_a_timer([own = ended](bool& stop) -> task<> {
      mutex mu;
      while (!stop) co_await mu.lock(own);
    });
    co_await beside_a_timer([own = ended](bool& stop) -> task<> {
      wait_group wg;
      while (!stop) co_await wg.wait(own);
    });
  });
}

TEST_CASE("RT1: the registry counts main and blocked goroutines, and a fresh main is alone") {
  run_test(1, []() -> task<> {
    detail::scheduler& s = detail::current_worker()->owner();
    CHECK(s.live() == 1);
    auto gate = make_chan<>();
    for (int i = 0; i < 10; ++i) go([](chan<> g) -> task<> { co_await g.recv(); }, gate);
    CHECK(s.live() == 11);
    auto pending = after(std::chrono::hours(1));
    CHECK(s.live() == 11);
    gate.close();
    while (s.live() != 1)
      co_await this_goroutine::yield();  // RT2: some time after their last action
    const int chosen = co_await select(std::move(pending), otherwise);
    CHECK(chosen == 1);
  });
}

}  // namespace
