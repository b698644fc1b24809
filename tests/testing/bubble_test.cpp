// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
// behind doctest.h
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>
#include <string>
#include <thread>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

std::chrono::nanoseconds elapsed() {
  return runtime_clock::utc().time_since_epoch() - std::chrono::seconds(946'684'800);
}

/// What synctest::test(main) throws as a deadlock; "" where it throws none.
template <class F>
std::string deadlock_in(F main) {
  try {
    synctest::test(main);
  } catch (const synctest::deadlock& e) {
    return e.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

// --- the clock -----------------------------------------------------------------------------------

TEST_CASE("ST2: the clock begins at 2000-01-01 00:00 UTC") {
  synctest::test([]() -> task<> {
    CHECK(runtime_clock::utc() == std::chrono::sys_days(std::chrono::January / 1 / 2000));
    CHECK(runtime_clock::now().time_since_epoch() == runtime_clock::utc().time_since_epoch());
    co_return;
  });
}

TEST_CASE("ST3: time moves when all wait, and exactly to the next event") {
  const auto result = synctest::test([]() -> task<> {
    std::vector<std::chrono::nanoseconds> seen;
    auto done = make_chan<>();
    for (const auto d : {3ns, 1'000'000'000ns, 86'400'000'000'000ns}) {
      go([&seen, d, done]() -> task<> {
        co_await sleep(d);
        seen.push_back(elapsed());
        co_await done.send();
      });
    }
    for (int i = 0; i < 3; ++i) co_await done.recv();
    CHECK(seen == std::vector<std::chrono::nanoseconds>{3ns, 1s, 24h});
  });
  CHECK(result.elapsed == 24h);
}

TEST_CASE("ST3: time stands still while something can run") {
  synctest::test([]() -> task<> {
    auto t = timer(1ns);
    for (int i = 0; i < 1000; ++i) co_await this_goroutine::yield();
    CHECK(elapsed() == 0ns);
    co_await t.recv();
    CHECK(elapsed() == 1ns);
  });
}

TEST_CASE("a timer that was called off does not hold up the clock, nor a deadlock") {
  const std::string text = deadlock_in([]() -> task<> {
    {
      auto [ctx, cancel] = with_timeout(background(), 1h);
      co_await this_goroutine::yield();
    }
    co_await make_chan<int>().recv();
  });
  CHECK(contains(text, "all goroutines in bubble are blocked"));
}

TEST_CASE("ST8: what is due fires at once") {
  synctest::test([]() -> task<> {
    co_await timer(0ns).recv();
    co_await after(-1s);
    bool ran = false;
    auto f = after_func(0ns, [&ran] { ran = true; });
    co_await synctest::wait();
    CHECK(ran);
    auto t = timer(1h);
    t.reset(0ns);
    co_await t.recv();
    CHECK(elapsed() == 0ns);
  });
}

TEST_CASE("ST9: what is due at one instant runs in any order") {
  const auto order = [](std::uint64_t seed) {
    std::string order;
    synctest::test({.seed = seed}, [&order]() -> task<> {
      co_await scope([&order](group& g) -> task<> {
        for (const char name : {'a', 'b', 'c'}) {
          g.go([&order, name]() -> task<> {
            co_await sleep(1s);
            order += name;
          });
        }
        co_return;
      });
    });
    return order;
  };
  std::vector<std::string> orders;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::string found = order(seed);
    if (std::find(orders.begin(), orders.end(), found) == orders.end()) orders.push_back(found);
  }
  CHECK(orders.size() == 6);
}

TEST_CASE("ST20: a timer read late tells when it was due") {
  synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    auto t = timer(1s);
    co_await sleep(5s);
    const auto at = co_await t.recv();
    CHECK(*at - begin == 1s);
  });
}

TEST_CASE("ST21: timers, tickers and deadlines go by the bubble's clock") {
  synctest::test([]() -> task<> {
    ticker every(10min);
    for (int i = 1; i <= 100; ++i) {
      co_await every.recv();
      CHECK(elapsed() == i * 10min);
    }
    every.stop();
    auto [ctx, cancel] = with_timeout(background(), 5s);
    CHECK(*ctx.deadline() - runtime_clock::now() == 5s);
    co_await sleep(5s - 1ns);
    co_await synctest::wait();
    CHECK(!ctx.err());
    co_await synctest::sleep(1ns);  // ST21
    CHECK(ctx.err() == errc::deadline_exceeded);
  });
}

// --- wait ----------------------------------------------------------------------------------------

TEST_CASE("ST6: wait returns once all others wait, or have ended") {
  synctest::test({.runs = 100}, []() -> task<> {
    auto c = make_chan<int>();
    int done = 0;  // what they did before happens before
    go([&done]() -> task<> {
      for (int i = 0; i < 10; ++i) co_await this_goroutine::yield();
      ++done;
    });
    go([&done, c]() -> task<> {
      for (int i = 0; i < 10; ++i) co_await this_goroutine::yield();
      ++done;
      co_await c.recv();
      ++done;
    });
    co_await synctest::wait();
    CHECK(done == 2);
    co_await c.send(1);
    co_await synctest::wait();
    CHECK(done == 3);
  });
}

TEST_CASE("ST7: what is due runs before wait returns, and wait comes before the clock") {
  synctest::test({.runs = 20}, []() -> task<> {
    int ran = 0;
    auto now = after_func(0ns, [&ran] { ++ran; });
    auto later = after_func(1ns, [&ran] { ++ran; });
    co_await synctest::wait();
    CHECK(ran == 1);
    CHECK(elapsed() == 0ns);
    co_await synctest::sleep(1ns);
    CHECK(ran == 2);
  });
}

TEST_CASE("ST18: only one waits at a time") {
  CHECK_THROWS_WITH_AS(synctest::test([]() -> task<> {
                         for (int i = 0; i < 2; ++i) {
                           go([]() -> task<> {
                             co_await synctest::wait();
                             co_await this_goroutine::yield();
                           });
                         }
                         co_await make_chan<>().recv();
                       }),
                       "synctest::wait: already in progress", std::logic_error);
}

TEST_CASE("ST18: wait outside of a bubble throws, and so does a bubble inside of one") {
  run([]() -> task<> {
    std::string text;
    try {
      co_await synctest::wait();
    } catch (const std::logic_error& e) {
      text = e.what();
    }
    CHECK(text == "synctest::wait: goroutine is not in a bubble");
    CHECK_THROWS_WITH_AS(synctest::test([]() -> task<> { co_return; }),
                         "synctest::test was called by a goroutine: it would block its worker",
                         std::logic_error);
  });
  synctest::test([]() -> task<> {
    CHECK_THROWS_WITH_AS(synctest::test([]() -> task<> { co_return; }),
                         "synctest::test was called from within a bubble", std::logic_error);
    co_return;
  });
}

TEST_CASE("ST6: wait returns, too, when the last timer has been stopped") {
  synctest::test([]() -> task<> {
    auto t = timer(1s);
    auto receives = make_chan<>();
    go([t, receives]() -> task<> { co_await select(t.recv(), receives.recv()); });
    co_await synctest::wait();
    t.stop();
    co_await synctest::wait();
    receives.close();
  });
}

TEST_CASE("ST11: a deadlock is found, too, when the last timer has been stopped") {
  const std::string text = deadlock_in([]() -> task<> {
    auto t = timer(1s);
    go([t]() mutable -> task<> {
      co_await this_goroutine::yield();
      co_await sleep(1ms);
      t.stop();
    });
    co_await t.recv();
  });
  CHECK(contains(text, "deadlock: all goroutines in bubble are blocked"));
}

// --- what is durable -----------------------------------------------------------------------------

TEST_CASE("ST4: channels, select, cond, wait groups and sleeps let the clock move") {
  synctest::test([]() -> task<> {
    auto c = make_chan<int>();
    chan<int> nil;
    mutex mu;
    cond changed(mu);
    wait_group wg;
    wg.add(1);
    bool is_ready = false;
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> { co_await c.recv(); });
      g.go([&]() -> task<> { co_await select(c.recv(), nil.recv(), after(24h)); });
      g.go([&]() -> task<> { co_await wg.wait(); });
      g.go([&]() -> task<> {
        auto held = co_await mu.guard();
        while (!is_ready) co_await changed.wait();
      });
      g.go([&]() -> task<> {
        co_await sleep(1h);
        CHECK(elapsed() == 1h);
        c.close();
        wg.done();
        is_ready = true;
        changed.broadcast();
      });
      co_return;
    });
    CHECK(elapsed() == 1h);
  });
}

TEST_CASE("ST4: an empty select and a nil channel are for ever, and let the clock move") {
  const std::string text = deadlock_in([]() -> task<> {
    go([]() -> task<> { co_await select(); });
    go([]() -> task<> { co_await chan<int>().send(1); });
    co_await sleep(1h);
    CHECK(elapsed() == 1h);
  });
  CHECK(contains(text, "main bubble goroutine has exited but blocked goroutines remain"));
  CHECK(contains(text, "[select (no cases)]"));
  CHECK(contains(text, "[chan send (nil chan)]"));
}

TEST_CASE("ST5 ST17: a lock whose holder sleeps holds up the clock, and that is said") {
  const std::string text = deadlock_in([]() -> task<> {
    mutex mu;
    auto held = co_await mu.guard();
    wait_group wg;
    wg.go([&mu]() -> task<> { auto also = co_await mu.guard(); });
    co_await sleep(1s);
    FAIL_CHECK("the clock moved");
  });
  CHECK(contains(text, "all goroutines in bubble are blocked; some wait for a lock"));
  CHECK(contains(text, "[sync.Mutex.Lock]"));
  CHECK(contains(text, "[sleep]"));
}

TEST_CASE("ST16: for what is outside real time counts, and the clock stands still") {
  auto outside = make_chan<int>();
  std::thread sender([outside]() mutable { outside.send_blocking(7); });
  synctest::test([outside]() -> task<> {
    auto t = after_func(1ns, [] { FAIL_CHECK("the clock moved"); });
    const auto received = co_await outside.recv();
    CHECK(received == 7);
    CHECK(elapsed() == 0ns);
    t.stop();
  });
  sender.join();
}

TEST_CASE("ST5 ST16: a Context, a wait group and a timer from outside hold up the clock, too") {
  auto [ctx, cancel] = with_cancel(background());
  wait_group wg;
  wg.add(1);
  auto begun = make_chan<>(2);
  std::thread helper([&, begun]() mutable {
    begun.recv_blocking();
    begun.recv_blocking();
    cancel();
    wg.done();
  });
  const context& outer = ctx;
  synctest::test([&]() -> task<> {
    auto t = after_func(1ns, [] { FAIL_CHECK("the clock moved"); });
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> {
        begun.try_send();
        co_await outer.done();
      });
      g.go([&]() -> task<> {
        begun.try_send();
        co_await wg.wait();
      });
      co_return;
    });
    CHECK(elapsed() == 0ns);
    t.stop();
  });
  helper.join();
}

TEST_CASE("blocking() holds up the clock, and belongs to the bubble") {
  synctest::test([]() -> task<> {
    auto c = make_chan<int>(1);
    auto t = after_func(1ns, [] { FAIL_CHECK("the clock moved"); });
    co_await blocking([&c] {
      c.send_blocking(1);
      CHECK(elapsed() == 0ns);
    });
    const auto received = co_await c.recv();
    CHECK(received == 1);
    t.stop();
  });
}

// --- ends ----------------------------------------------------------------------------------------

TEST_CASE("ST1 ST12: what is started inside belongs to the bubble, and ends before test returns") {
  int ended = 0;
  synctest::test([&ended]() -> task<> {
    go([&ended]() -> task<> {
      auto f = after_func(0ns, [&ended]() -> task<> {
        co_await this_goroutine::yield();
        CHECK(elapsed() == 0ns);
        ++ended;
      });
      for (int i = 0; i < 100; ++i) co_await this_goroutine::yield();
      ++ended;
    });
    auto [ctx, cancel] = with_cancel(background());
    after_func(ctx, [&ended] { ++ended; });
    co_return;
  });
  CHECK(ended >= 2);
}

TEST_CASE("ST10: when main has ended, the clock stops, and no timer fires") {
  const std::string text = deadlock_in([]() -> task<> {
    go([]() -> task<> {
      co_await after(1ns);
      FAIL_CHECK("the clock moved");
    });
    co_return;
  });
  CHECK(contains(text, "main bubble goroutine has exited but blocked goroutines remain"));
  synctest::test([]() -> task<> {
    auto t = after_func(1ns, [] { FAIL_CHECK("the clock moved"); });
    co_return;
  });
}

TEST_CASE("ST11: all goroutines wait: a deadlock, with where each was started") {
  const std::string text = deadlock_in([]() -> task<> {
    this_goroutine::set_name("the test");
    go([]() -> task<> {
      this_goroutine::set_name("the other");
      co_await make_chan<int>().send(1);
    });
    co_await make_chan<int>().recv();
  });
  CHECK(contains(text, "deadlock: all goroutines in bubble are blocked"));
  CHECK(contains(text, "[chan receive]: the test\n"));
  CHECK(contains(text, "[chan send]: the other\n"));
  CHECK(contains(text, "bubble_test.cpp:"));
}

TEST_CASE("ST11: a leak is reported, and unwound, so that the next test is not troubled") {
  bool unwound = false;
  struct note {
    bool& set;
    ~note() { set = true; }
  };
  const std::string text = deadlock_in([&unwound]() -> task<> {
    auto never = make_chan<int>();
    go([&unwound, never]() -> task<> {
      const note n{unwound};
      co_await never.recv();
    });
    co_return;
  });
  CHECK(contains(text, "blocked goroutines remain"));
  CHECK(unwound);
}

TEST_CASE("ST19: the Context that main carries is cancelled when main has ended") {
  std::error_code seen;
  synctest::test([&seen]() -> task<> {
    go([&seen]() -> task<> {
      const context ctx = this_goroutine::context();
      co_await ctx.done();
      seen = ctx.err();
    });
    co_return;
  });
  CHECK(seen == errc::canceled);
}

TEST_CASE("what leaves a goroutine fails the test, and the others are unwound") {
  int unwound = 0;
  struct note {
    int& count;
    ~note() { ++count; }
  };
  const auto failing = [&unwound](bool in_main) {
    synctest::test([&unwound, in_main]() -> task<> {
      auto never = make_chan<int>();
      go([&unwound, never]() -> task<> {
        const note n{unwound};
        co_await never.recv();
      });
      co_await synctest::wait();
      go([in_main]() -> task<> {
        if (!in_main) throw std::runtime_error("from a goroutine");
        co_return;
      });
      co_await synctest::wait();
      if (in_main) throw std::runtime_error("from main");
      co_await never.recv();
    });
  };
  CHECK_THROWS_WITH_AS(failing(true), "from main", std::runtime_error);
  CHECK(unwound == 1);
  CHECK_THROWS_WITH_AS(failing(false), "from a goroutine", std::runtime_error);
  CHECK(unwound == 2);
}

TEST_CASE("a goroutine that swallows its end does not hold up a failed test for ever") {
  CHECK_THROWS_AS(synctest::test([]() -> task<> {
                    go([]() -> task<> {
                      auto never = make_chan<int>();
                      for (int i = 0; i < 10'000; ++i) {
                        try {
                          co_await never.recv();
                        } catch (...) {
                        }
                      }
                    });
                    co_return;
                  }),
                  synctest::deadlock);
}

TEST_CASE("this_goroutine::exit() ends main like a return") {
  bool ran = false;
  synctest::test([&ran]() -> task<> {
    go([&ran]() -> task<> {
      co_await this_goroutine::yield();
      ran = true;
    });
    this_goroutine::exit();
    co_return;
  });
  CHECK(ran);
}

TEST_CASE("bubbles run on several threads at once, beside a runtime") {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&right, i] {
      const auto result = synctest::test({.runs = 20}, [i]() -> task<> {
        co_await scope([i](group& g) -> task<> {
          for (int k = 0; k <= i; ++k) g.go([k]() -> task<> { co_await sleep(k * 1h); });
          co_return;
        });
      });
      right += result.elapsed == i * 1h ? 1 : 0;
    });
  }
  run([]() -> task<> { co_await sleep(1ms); });
  for (auto& t : threads) t.join();
  CHECK(right == 4);
}
