// SPDX-License-Identifier: MIT
// Bubbles: what Go's own tests assert and no other test here does. docs/go-tests.md tells which is
// which.
#include <doctest/doctest.h>
// behind doctest.h
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// In a bubble `inside` uses a channel of int that was made outside, while a plain thread does
/// `outside` with it and ends at once: the bubble may be alone in the process from then on, and is
/// not stuck all the same. The clock stands still.
template <class Outside, class Inside>
void cross_the_border(Outside outside, Inside inside) {
  auto c = make_chan<int>();
  std::thread other([=] { outside(c); });
  const auto result = synctest::test([inside, c]() -> task<> {
    auto t = after_func(1ns, [] { FAIL_CHECK("the clock moved"); });
    co_await inside(c);
    t.stop();
  });
  other.join();
  CHECK(result.elapsed == 0ns);
}

template <class Outside, class Inside>
void across_the_border(Outside outside, Inside inside) {
#if BURROW_ASAN || BURROW_TSAN
  constexpr int rounds = 20;
#else
  constexpr int rounds = 500;
#endif
  for (int i = 0; i < rounds; ++i) cross_the_border(outside, inside);
}

/// Two counters, each counted up by one goroutine at a time, which only wait() keeps apart.
struct counters {
  int first = 0;
  int second = 0;
  void count_up() { ++first, ++second; }
};

}  // namespace

// --- the clock -----------------------------------------------------------------------------------

TEST_CASE("ST3 ST4: waits for a condition let the clock move to the signal and to the broadcast") {
  synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    mutex mu;
    cond changed(mu);
    go([&]() -> task<> {
      co_await sleep(1ms);
      {
        auto held = co_await mu.guard();
        changed.signal();
      }
      co_await sleep(1ms);
      auto held = co_await mu.guard();
      changed.broadcast();
    });
    {
      auto held = co_await mu.guard();
      co_await changed.wait();
    }
    CHECK(runtime_clock::now() - begin == 1ms);
    bool other_is_done = false;
    go([&]() -> task<> {
      auto held = co_await mu.guard();
      co_await changed.wait();
      other_is_done = true;
    });
    {
      auto held = co_await mu.guard();
      co_await changed.wait();
    }
    co_await synctest::wait();
    CHECK(other_is_done);
    CHECK(runtime_clock::now() - begin == 2ms);
  });
}

TEST_CASE(
    "ST3 ST21: a timer that is reset, before and after it was due, gives its time each time") {
  synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    timer t(1s);
    auto at = co_await t.recv();
    CHECK(*at - begin == 1s);
    t.reset(2s);
    at = co_await t.recv();
    CHECK(*at - begin == 3s);
    t.reset(3s);
    co_await sleep(1s);
    t.reset(3s);
    at = co_await t.recv();
    CHECK(*at - begin == 7s);
  });
}

TEST_CASE("ST9: of two timers that are due at once a select gets now this one, now that one") {
  synctest::test([]() -> task<> {
    bool seen[] = {false, false};
    for (int i = 0; i < 1000; ++i) {
      timer a(1ns);
      timer b(1ns);
      const int chosen = co_await select(a.recv(), b.recv());
      seen[chosen] = true;
      co_await synctest::wait();
    }
    CHECK(seen[0]);
    CHECK(seen[1]);
  });
}

TEST_CASE("ST9: of two sleepers that are due at once now this one is first, now that one") {
  synctest::test([]() -> task<> {
    bool seen[] = {false, false};
    for (int i = 0; i < 1000; ++i) {
      int first = -1;
      for (int me : {0, 1}) {
        go([&first, me]() -> task<> {
          co_await sleep(1ns);
          if (first == -1) first = me;
        });
      }
      co_await synctest::sleep(1ns);
      REQUIRE(first != -1);
      seen[first] = true;
    }
    CHECK(seen[0]);
    CHECK(seen[1]);
  });
}

TEST_CASE("ST8: a timer that is reset to nothing while it is waited for holds up no wait") {
  synctest::test([]() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    timer t(0ns);
    int received = 0;
    go(
        [&received, t](context until) -> task<> {
          for (;;) {
            const int chosen = co_await select(until.done(), t.recv());
            if (chosen == 0) co_return;
            ++received;
          }
        },
        ctx);
    co_await synctest::wait();
    CHECK(received == 1);
    t.reset(0ns);
    co_await synctest::wait();
    CHECK(received == 2);
    cancel();
    co_await synctest::wait();
  });
}

TEST_CASE("ST1 ST3: a function that is called may start who sleeps on the same clock") {
  synctest::test([]() -> task<> {
    int steps = 0;
    after_func(1s, [&steps] {
      ++steps;
      go([&steps]() -> task<> {
        co_await sleep(1s);
        ++steps;
      });
    });
    co_await synctest::sleep(1s);
    CHECK(steps == 1);
    co_await synctest::sleep(2s);
    CHECK(steps == 2);
  });
}

// --- waiting -------------------------------------------------------------------------------------

TEST_CASE("ST6: wait outlasts a chain of a hundred goroutines that start each other") {
  synctest::test([]() -> task<> {
    struct chain {
      static task<> link(chan<int> c, bool& done) {
        const auto left = co_await c.recv();
        if (*left == 0) {
          done = true;
          co_return;
        }
        go(link, c, std::ref(done));
        co_await c.send(*left - 1);
      }
    };
    bool done = false;
    auto c = make_chan<int>();
    go(chain::link, c, std::ref(done));
    co_await c.send(100);
    co_await synctest::wait();
    CHECK(done);
  });
}

TEST_CASE(
    "ST1 ST4: a wait for a group lets the clock move, in a hundred bubbles one after another") {
  const auto result = synctest::test({.runs = 100}, []() -> task<> {
    auto cancel = make_chan<>();
    wait_group wg;
    for (int i = 0; i < 100; ++i) {
      wg.go([cancel]() -> task<> {
        co_await cancel.recv();
        co_await sleep(1s);
      });
    }
    co_await synctest::wait();
    cancel.close();
    co_await wg.wait();
  });
  CHECK(result.elapsed == 1s);
}

TEST_CASE("ST6 ST7 ST12: what goroutines and functions did before they waited is seen after wait") {
  counters n;
  synctest::test([&n]() -> task<> {
    auto leave = make_chan<>();
    const auto count_one = [](int& counter) -> task<> {
      ++counter;
      co_return;
    };
    const auto count_and_wait = [leave](int& counter) -> task<> {
      ++counter;
      co_await leave.recv();
    };
    n.count_up();
    go(count_one, std::ref(n.first));
    go(count_one, std::ref(n.second));
    co_await synctest::wait();
    n.count_up();
    go(count_and_wait, std::ref(n.first));
    go(count_and_wait, std::ref(n.second));
    co_await synctest::wait();
    n.count_up();
    after_func(0s, [&n] { ++n.first; });
    after_func(0s, [&n] { ++n.second; });
    co_await synctest::wait();
    n.count_up();
    after_func(0s, [&n, count_and_wait]() -> task<> { co_await count_and_wait(n.first); });
    after_func(0s, [&n, count_and_wait]() -> task<> { co_await count_and_wait(n.second); });
    co_await synctest::wait();
    n.count_up();
    leave.close();
    for (int* counter : {&n.first, &n.second}) {
      go([counter]() -> task<> {
        go([counter]() -> task<> {
          ++*counter;
          co_return;
        });
        co_return;
      });
    }
  });
  CHECK(n.first == 10);
  CHECK(n.second == 10);
}

TEST_CASE("ST12: what main does last lets the others end, and test returns after them") {
  bool ended = false;
  synctest::test([&ended]() -> task<> {
    struct closing {
      chan<> c;
      ~closing() { c.close(); }
    };
    const closing last{make_chan<>()};
    go([&ended, c = last.c]() -> task<> {
      co_await c.recv();
      ended = true;
    });
    co_return;
  });
  CHECK(ended);
}

// --- what is outside -----------------------------------------------------------------------------

TEST_CASE("ST5 ST16: every way to wait for a channel from outside waits for what happens there") {
  const auto closes = [](const chan<int>& c) { c.close(); };
  across_the_border(closes, [](chan<int> c) -> task<> {
    const auto v = co_await c.recv();
    CHECK_FALSE(v);
  });
  across_the_border([](const chan<int>& c) { c.send_blocking(7); },
                    [](chan<int> c) -> task<> {
                      const auto v = co_await c.recv();
                      CHECK(v == 7);
                    });
  across_the_border(
      [](const chan<int>& c) {
        const auto v = c.recv_blocking();
        CHECK(v == 8);
      },
      [](chan<int> c) -> task<> { co_await c.send(8); });
  const auto elsewhere = make_chan<int>();
  across_the_border(closes, [elsewhere](chan<int> c) -> task<> {
    const int chosen = co_await select(c.recv(), elsewhere.recv());
    CHECK(chosen == 0);
  });
  across_the_border(closes, [](chan<int> c) -> task<> {
    auto own = make_chan<>();
    const int chosen = co_await select(c.recv(), own.recv());
    CHECK(chosen == 0);
  });
}

TEST_CASE("ST5: a wait group from outside may serve one bubble after the other") {
  wait_group wg;
  for (int round = 0; round < 2; ++round) {
    synctest::test([&wg]() -> task<> {
      wg.add(1);
      bool waited = false;
      go([&]() -> task<> {
        co_await wg.wait();
        waited = true;
      });
      // It waits for what is outside; nothing but to give way lets it come to that.
      co_await this_goroutine::yield();
      CHECK_FALSE(waited);
      wg.done();
      co_await wg.wait();
      while (!waited) co_await this_goroutine::yield();
    });
  }
}
