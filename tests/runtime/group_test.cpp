// SPDX-License-Identifier: MIT
// group: limits, try_go, slots, async and its results, and waiting.
#include "run_test.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace burrow;

/// Counts how many are inside at the same time.
struct gauge {
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<int> all{0};
  void enter() {
    const int now = inside.fetch_add(1) + 1;
    int before = most.load();
    while (before < now && !most.compare_exchange_weak(before, now)) {
    }
    all.fetch_add(1);
  }
  void leave() { inside.fetch_sub(1); }
};

task<> measured(gauge& gg, int turns) {
  gg.enter();
  for (int i = 0; i < turns; ++i) co_await this_goroutine::yield();
  gg.leave();
}

task<> held(chan<> gate) { co_await gate.recv(); }
task<int> twice(int n) { co_return 2 * n; }
task<> nothing() { co_return; }

template <class F>
std::string logic_error_of(F f) {
  try {
    f();
  } catch (const std::logic_error& e) {
    return e.what();
  }
  return "";
}

// --- limits --------------------------------------------------------------------------------------

TEST_CASE("EG1: a group works without a limit") {
  run_test(1, []() -> task<> {
    gauge gg;
    co_await scope([&gg](group& g) -> task<> {
      for (int i = 0; i < 50; ++i) g.go(measured, std::ref(gg), 3);
      co_return;
    });
    CHECK(gg.all.load() == 50);
    CHECK(gg.most.load() == 50);
  });
}

TEST_CASE("EG7: with limit(n) at most n are active, and all run in the end") {
  for (const int limit : {1, 2, 3, 7}) {
    run_test(3, [limit]() -> task<> {
      gauge gg;
      co_await scope([&gg, limit](group& g) -> task<> {
        g.limit(limit);
        for (int i = 0; i < 100; ++i) g.go(measured, std::ref(gg), i % 5);
        co_return;
      });
      CHECK(gg.all.load() == 100);
      CHECK(gg.most.load() <= limit);
    });
  }
}

TEST_CASE("EG7: a task of a full group may start more: go never waits") {
  run_test(1, []() -> task<> {
    gauge gg;
    co_await scope([&gg](group& g) -> task<> {
      g.limit(1);
      g.go(
          [](group& again, gauge& in) -> task<> {
            in.enter();
            for (int i = 0; i < 10; ++i) again.go(measured, std::ref(in), 2);
            co_await this_goroutine::yield();
            in.leave();
          },
          std::ref(g), std::ref(gg));
      co_return;
    });
    CHECK(gg.all.load() == 11);
    CHECK(gg.most.load() == 1);
  });
}

TEST_CASE("children beyond the limit start in the order in which they came") {
  run_test(1, []() -> task<> {
    std::vector<int> order;
    co_await scope([&order](group& g) -> task<> {
      g.limit(1);
      for (int i = 0; i < 20; ++i) {
        g.go(
            [](std::vector<int>& o, int n) -> task<> {
              o.push_back(n);
              co_return;
            },
            std::ref(order), i);
      }
      co_return;
    });
    CHECK(order.size() == 20);
    CHECK(std::is_sorted(order.begin(), order.end()));
  });
}

TEST_CASE("EG8: with limit(0) none may start, until the limit is raised") {
  run_test(1, []() -> task<> {
    gauge gg;
    co_await scope([&gg](group& g) -> task<> {
      g.limit(0);
      const bool tried = g.try_go(nothing);
      CHECK_FALSE(tried);
      for (int i = 0; i < 5; ++i) g.go(measured, std::ref(gg), 1);
      for (int i = 0; i < 10; ++i) co_await this_goroutine::yield();
      CHECK(gg.all.load() == 0);
      g.limit(2);
    });
    CHECK(gg.all.load() == 5);
    CHECK(gg.most.load() == 2);
  });
}

TEST_CASE("EG8: a limit below zero is none, and lets start what was kept") {
  run_test(1, []() -> task<> {
    gauge gg;
    co_await scope([&gg](group& g) -> task<> {
      g.limit(0);
      for (int i = 0; i < 5; ++i) g.go(measured, std::ref(gg), 3);
      g.limit(-1);
      const bool tried = g.try_go(measured, std::ref(gg), 1);
      CHECK(tried);
      co_return;
    });
    CHECK(gg.all.load() == 6);
    CHECK(gg.most.load() >= 5);
  });
}

TEST_CASE("EG8: who waits for a slot gets it when the limit is raised") {
  run_test(1, []() -> task<> {
    bool got = false;
    co_await scope([&got](group& g) -> task<> {
      g.limit(0);
      go(
          [](group& own, bool& flag) -> task<> {
            co_await own.slot();
            flag = true;
            own.go(nothing);
          },
          std::ref(g), std::ref(got));
      co_await until_quiet();
      CHECK_FALSE(got);
      g.limit(1);
      while (!got) co_await this_goroutine::yield();
    });
    CHECK(got);
  });
}

TEST_CASE("EG9: a limit while children are active throws, except a negative one") {
  run_test(1, []() -> task<> {
    co_await scope([](group& g) -> task<> {
      auto gate = make_chan<>();
      g.go(held, gate);
      g.go(held, gate);
      CHECK(logic_error_of([&g] { g.limit(5); }) ==
            "group: modify limit while 2 goroutines in the group are still active");
      CHECK(logic_error_of([&g] { g.limit(0); }) != "");
      CHECK(logic_error_of([&g] { g.limit(-1); }) == "");
      gate.close();
      co_await g.wait();
      CHECK(logic_error_of([&g] { g.limit(1); }) == "");
    });
  });
}

TEST_CASE("EG10: try_go starts below the limit alone, and says whether it did") {
  run_test(1, []() -> task<> {
    co_await scope([](group& g) -> task<> {
      auto gate = make_chan<>();
      g.limit(2);
      const bool first = g.try_go(held, gate);
      const bool second = g.try_go(held, gate);
      const bool third = g.try_go(held, gate);
      CHECK(first);
      CHECK(second);
      CHECK_FALSE(third);
      gate.close();
      co_await g.wait();
      const bool again = g.try_go(nothing);
      CHECK(again);
    });
  });
}

TEST_CASE("EG10: without a limit try_go always starts") {
  run_test(1, []() -> task<> {
    int started = 0;
    co_await scope([&started](group& g) -> task<> {
      for (int i = 0; i < 1000; ++i) started += g.try_go(nothing) ? 1 : 0;
      co_return;
    });
    CHECK(started == 1000);
  });
}

TEST_CASE("EG10: what a try_go that fails was given stays with the caller") {
  run_test(1, []() -> task<> {
    co_await scope([](group& g) -> task<> {
      g.limit(0);
      auto box = std::make_unique<int>(1);
      const bool started =
          g.try_go([](std::unique_ptr<int>) -> task<> { co_return; }, std::move(box));
      CHECK_FALSE(started);
      CHECK(box != nullptr);
      g.limit(-1);
      co_return;
    });
  });
}

// --- slots ---------------------------------------------------------------------------------------

TEST_CASE(
    "EG7: co_await slot() before go gives Go's back-pressure: nothing is ever kept for later") {
  run_test(2, []() -> task<> {
    gauge gg;
    co_await scope([&gg](group& g) -> task<> {
      g.limit(2);
      for (int i = 0; i < 50; ++i) {
        co_await g.slot();
        const bool started = g.try_go(measured, std::ref(gg), i % 4);
        CHECK(started);
      }
    });
    CHECK(gg.all.load() == 50);
    CHECK(gg.most.load() <= 2);
  });
}

TEST_CASE("a slot is a case of select") {
  run_test(1, []() -> task<> {
    co_await scope([](group& g) -> task<> {
      auto gate = make_chan<>();
      g.limit(1);
      const int free = co_await select(g.slot(), otherwise);
      CHECK(free == 0);
      g.go(held, gate);
      const int full = co_await select(g.slot(), otherwise);
      CHECK(full == 1);
      go(
          [](chan<> c) -> task<> {
            c.close();
            co_return;
          },
          gate);
      const int freed = co_await select(g.slot(), make_chan<>().recv());
      CHECK(freed == 0);
    });
  });
}

TEST_CASE("who waits for a slot of a group that fails goes on") {
  run_test(1, []() -> task<> {
    bool went_on = false;
    try {
      co_await scope([&went_on](group& g) -> task<> {
        g.limit(1);
        g.go([](chan<> never) -> task<> { co_await never.recv(); }, make_chan<>());
        go(
            [](group& own, bool& flag) -> task<> {
              co_await own.slot();
              flag = true;
            },
            std::ref(g), std::ref(went_on));
        co_await until_quiet();
        throw std::runtime_error("fails");
      });
    } catch (const std::runtime_error& e) {
      CHECK(std::string(e.what()) == "fails");
    }
    co_await until_quiet();
    CHECK(went_on);
  });
}

// --- wait ----------------------------------------------------------------------------------------

TEST_CASE("wait waits for the children there are, and more may follow") {
  run_test(2, []() -> task<> {
    std::atomic<int> ended{0};
    co_await scope([&ended](group& g) -> task<> {
      auto body = [](std::atomic<int>& n) -> task<> {
        co_await this_goroutine::yield();
        n.fetch_add(1);
      };
      co_await g.wait();
      for (int round = 1; round <= 3; ++round) {
        for (int i = 0; i < 10; ++i) g.go(body, std::ref(ended));
        co_await g.wait();
        CHECK(ended.load() == round * 10);
      }
    });
  });
}

TEST_CASE("wait counts those that are kept for later") {
  run_test(1, []() -> task<> {
    gauge gg;
    co_await scope([&gg](group& g) -> task<> {
      g.limit(1);
      for (int i = 0; i < 10; ++i) g.go(measured, std::ref(gg), 1);
      co_await g.wait();
      CHECK(gg.all.load() == 10);
    });
  });
}

TEST_CASE("wait is a case of select") {
  run_test(1, []() -> task<> {
    co_await scope([](group& g) -> task<> {
      auto gate = make_chan<>();
      g.go(held, gate);
      const int busy = co_await select(g.wait(), otherwise);
      CHECK(busy == 1);
      auto other = make_chan<int>(1);
      co_await other.send(1);
      const int chosen = co_await select(g.wait(), other.recv());
      CHECK(chosen == 1);
      go(
          [](chan<> c) -> task<> {
            c.close();
            co_return;
          },
          gate);
      const int ended = co_await select(other.recv(), g.wait());
      CHECK(ended == 1);
    });
  });
}

TEST_CASE("EG14: an error stops nobody who does not wait: a child that computes runs to its end") {
  run_test(1, []() -> task<> {
    int steps = 0;
    try {
      co_await scope([&steps](group& g) -> task<> {
        g.go(
            [](int& n) -> task<> {
              for (; n < 100; ++n) co_await this_goroutine::yield();
            },
            std::ref(steps));
        co_await this_goroutine::yield();
        throw std::runtime_error("fails");
      });
    } catch (const std::runtime_error&) {
      CHECK(steps == 100);
    }
    CHECK(steps == 100);
  });
}

// --- async ---------------------------------------------------------------------------------------

TEST_CASE("async gives a handle to the child's result") {
  run_test(2, []() -> task<> {
    co_await scope([](group& g) -> task<> {
      auto four = g.async(twice, 2);
      auto box = g.async(
          [](int n) -> task<std::unique_ptr<int>> {
            co_await this_goroutine::yield();
            co_return std::make_unique<int>(n);
          },
          5);
      auto done = g.async(nothing);
      int n = 1;
      auto reference = g.async([](int& r) -> task<int&> { co_return r; }, std::ref(n));
      const std::unique_ptr<int> five = co_await box;
      CHECK(*five == 5);
      const int value = co_await four;
      CHECK(value == 4);
      co_await done;
      int& same = co_await reference;
      CHECK(&same == &n);
    });
  });
}

TEST_CASE("a result that is there is said to be ready") {
  run_test(1, []() -> task<> {
    co_await scope([](group& g) -> task<> {
      auto gate = make_chan<>();
      auto d = g.async(held, gate);
      co_await until_quiet();
      CHECK_FALSE(d.ready());
      gate.close();
      co_await g.wait();
      CHECK(d.ready());
      co_await d;
    });
  });
}

TEST_CASE("a deferred may be dropped, and moved") {
  run_test(1, []() -> task<> {
    int ran = 0;
    co_await scope([&ran](group& g) -> task<> {
      auto body = [](int& n) -> task<int> { co_return ++n; };
      {
        auto dropped = g.async(body, std::ref(ran));
      }
      auto kept = g.async(body, std::ref(ran));
      auto moved = std::move(kept);
      co_await moved;
    });
    CHECK(ran == 2);
  });
}

TEST_CASE("the result of a deferred is taken once; then std::logic_error") {
  run_test(1, []() -> task<> {
    std::string text;
    co_await scope([&text](group& g) -> task<> {
      auto d = g.async(twice, 1);
      co_await d;
      try {
        co_await d;
      } catch (const std::logic_error& e) {
        text = e.what();
      }
    });
    CHECK(text == "the result of a deferred was taken before");
  });
}

TEST_CASE("the error of an async child is rethrown by the await, and fails the scope") {
  run_test(1, []() -> task<> {
    std::string inside;
    std::string outside;
    try {
      co_await scope([&inside](group& g) -> task<> {
        auto d = g.async([]() -> task<int> {
          throw std::runtime_error("async");
          co_return 1;
        });
        while (!d.ready()) co_await this_goroutine::yield();
        try {
          co_await d;
        } catch (const std::runtime_error& e) {
          inside = e.what();
        }
      });
    } catch (const std::runtime_error& e) {
      outside = e.what();
    }
    CHECK(inside == "async");
    CHECK(outside == "async");
  });
}

TEST_CASE("a deferred whose child never began ends its await, also behind a shield") {
  run_test(1, []() -> task<> {
    std::string outside;
    bool ended = false;
    try {
      co_await scope([&ended](group& g) -> task<> {
        g.limit(1);
        g.go([]() -> task<> {
          co_await this_goroutine::yield();
          throw std::runtime_error("fails");
        });
        auto d = g.async(twice, 1);  // kept for later, and abandoned before it begins
        try {
          co_await under(without_cancel(g.context()), [](auto& deferred) -> task<> {
            const int n = co_await deferred;
            CHECK(n == 0);
          }(d));
        } catch (const goroutine_exit&) {
          ended = true;
          throw;
        }
      });
    } catch (const std::runtime_error& e) {
      outside = e.what();
    }
    CHECK(outside == "fails");
    CHECK(ended);
  });
}

TEST_CASE("async takes what can only be moved, and references through std::ref") {
  run_test(1, []() -> task<> {
    co_await scope([](group& g) -> task<> {
      int n = 1;
      auto d = g.async(
          [kept = std::make_unique<int>(2)](std::unique_ptr<int> b, int& r) -> task<int> {
            r = 7;
            co_return *kept + *b;
          },
          std::make_unique<int>(3), std::ref(n));
      const int sum = co_await d;
      CHECK(sum == 5);
      CHECK(n == 7);
    });
  });
}

// --- spawning that fails -------------------------------------------------------------------------

TEST_CASE(
    "an exception of an argument's copy leaves go, try_go and async; the group is as before") {
  struct bad_copy {
    bad_copy() = default;
    bad_copy(const bad_copy&) { throw std::runtime_error("copy"); }
    bad_copy(bad_copy&&) = default;
  };
  run_test(1, []() -> task<> {
    int thrown = 0;
    co_await scope([&thrown](group& g) -> task<> {
      const bad_copy bad;
      auto body = [](const bad_copy&) -> task<> { co_return; };
      auto attempt = [&thrown](auto f) {
        try {
          f();
        } catch (const std::runtime_error&) {
          ++thrown;
        }
      };
      g.limit(1);
      attempt([&] { g.go(body, bad); });
      attempt([&] { g.try_go(body, bad); });
      attempt([&] { auto d = g.async(body, bad); });
      co_await g.wait();
      const bool still_free = g.try_go(nothing);
      CHECK(still_free);
    });
    CHECK(thrown == 3);
  });
}

TEST_CASE("what a child's callable throws before it returns a task fails the scope") {
  run_test(1, []() -> task<> {
    std::string text;
    try {
      co_await scope([](group& g) -> task<> {
        g.go(
            [](bool fails) -> task<> {
              if (fails) throw std::runtime_error("no task");
              return nothing();
            },
            true);
        co_return;
      });
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    CHECK(text == "no task");
  });
}

}  // namespace
