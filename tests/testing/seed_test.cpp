// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
// behind doctest.h
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// A program with every kind of choice; what it saw, in order.
struct program {
  std::string seen;

  task<> operator()() {
    seen.clear();
    auto a = make_chan<int>();
    auto b = make_chan<int>(2);
    auto [ctx, cancel] = with_timeout(background(), 50ms);
    mutex mu;
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 4; ++i) {
        g.go([&, i]() -> task<> {
          for (int k = 0; k < 5; ++k) {
            co_await (i % 2 == 0 ? a : b).send(10 * i + k);
            if (k == 2) co_await sleep(i * 1ms);
            auto held = co_await mu.guard();
            seen += 'm';
          }
        });
      }
      for (int r = 0; r < 2; ++r) {
        g.go([&]() -> task<> {
          for (int v = 0; !ctx.err();) {
            switch (co_await select(a.recv(v), b.recv(v), after(7ms), ctx.done())) {
              case 0:
              case 1: seen += std::to_string(v) + ' '; break;
              case 2: seen += '.'; break;
              default: seen += '!'; break;
            }
          }
        });
      }
      co_return;
    });
  }
};

}  // namespace

TEST_CASE("a seed decides the whole run") {
  std::set<std::string> all_seen;
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    program first;
    program again;
    const auto one = synctest::test({.seed = seed}, first);
    const auto two = synctest::test({.seed = seed}, again);
    CHECK(first.seen == again.seen);
    CHECK(one.trace == two.trace);
    CHECK(one.turns == two.turns);
    CHECK(one.elapsed == two.elapsed);
    CHECK(one.seed == seed);
    all_seen.insert(first.seen);
    traces.insert(one.trace);
  }
  CHECK(all_seen.size() > 90);
  CHECK(traces.size() == 100);
}

TEST_CASE("runs: each bubble has another seed, counted up, until one fails") {
  std::vector<std::uint64_t> seeds;
  const auto count = [&seeds]() -> task<> {
    seeds.push_back(synctest::seed());
    if (synctest::seed() == 12) throw std::runtime_error("twelve");
    co_return;
  };
  CHECK(synctest::test({.seed = 7, .runs = 3}, count).seed == 9);
  CHECK(seeds == std::vector<std::uint64_t>{7, 8, 9});
  seeds.clear();
  CHECK_THROWS_AS(synctest::test({.seed = 10, .runs = 100}, count), std::runtime_error);
  CHECK(seeds == std::vector<std::uint64_t>{10, 11, 12});
  CHECK(synctest::seed() == 12);
  CHECK_THROWS_AS(synctest::test({.runs = 0}, count), std::invalid_argument);
}

TEST_CASE("BURROW_SEED decides for all") {
  std::vector<std::uint64_t> seeds;
  const auto note = [&seeds]() -> task<> {
    seeds.push_back(synctest::seed());
    co_return;
  };
  ::setenv("BURROW_SEED", "18446744073709551615", 1);
  synctest::test({.seed = 7, .runs = 3}, note);
  for (const char* wrong : {"x", "-1", "1x", "18446744073709551616"}) {
    CAPTURE(wrong);
    ::setenv("BURROW_SEED", wrong, 1);
    CHECK_THROWS_AS(synctest::test(note), std::invalid_argument);
  }
  ::unsetenv("BURROW_SEED");
  CHECK(seeds == std::vector<std::uint64_t>{18446744073709551615u});
}

TEST_CASE("without a seed each run has another one") {
  const auto nothing = []() -> task<> { co_return; };
  CHECK(synctest::test(nothing).seed != synctest::test(nothing).seed);
}

TEST_CASE("every order of three goroutines is found, and every ready case of a select") {
  std::set<std::string> orders;
  std::set<int> cases;
  synctest::test({.seed = 1, .runs = 200}, [&]() -> task<> {
    std::string order;
    for (const char name : {'a', 'b', 'c'}) {
      go([&order, name]() -> task<> {
        order += name;
        co_return;
      });
    }
    co_await synctest::wait();
    orders.insert(order);
    auto c = make_chan<int>(3);
    auto d = make_chan<int>(3);
    cases.insert(co_await select(c.send(1), d.send(1), after(0ns)));
  });
  CHECK(orders.size() == 6);
  CHECK(cases == std::set<int>{0, 1, 2});
}

TEST_CASE("a goroutine yields at awaits that complete at once, under some seeds") {
  int interrupted = 0;
  synctest::test({.seed = 1, .runs = 100}, [&interrupted]() -> task<> {
    int shared = 0;
    auto free = make_chan<int>(100);
    go([&shared]() -> task<> {
      shared = 1;
      co_return;
    });
    shared = 2;
    co_await free.send(1);
    co_await free.send(2);
    interrupted += shared == 1 ? 1 : 0;
    co_await synctest::wait();
  });
  CHECK(interrupted > 0);
  CHECK(interrupted < 100);
}
