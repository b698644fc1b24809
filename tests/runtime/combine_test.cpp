// SPDX-License-Identifier: MIT
// all, any, race: their results over every kind of task, errors, and that losers are ended and
// joined.
#include "run_test.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace burrow;

struct no_default {
  int n;
  explicit no_default(int v) : n(v) {}
  no_default(no_default&&) = default;
  no_default& operator=(no_default&&) = delete;
};

task<int> number(int n) { co_return n; }
task<int> number_later(int n, int turns) {
  for (int i = 0; i < turns; ++i) co_await this_goroutine::yield();
  co_return n;
}
task<> nothing() { co_return; }
task<std::string> text(std::string s) { co_return s; }
task<std::unique_ptr<int>> boxed(int n) { co_return std::make_unique<int>(n); }
task<no_default> wrapped(int n) { co_return no_default(n); }
task<int&> same(int& n) { co_return n; }
task<int> fails(std::string what) {
  throw std::runtime_error(what);
  co_return 0;
}

/// Waits for ever, and says how it ended.
struct endings {
  std::atomic<int> began{0};
  std::atomic<int> unwound{0};
};
task<int> waits(endings& e) {
  e.began.fetch_add(1);
  struct counts {
    endings& all;
    ~counts() { all.unwound.fetch_add(1); }
  } const on_end{e};
  co_await make_chan<>().recv();
  co_return 0;
}

template <class T>
task<std::string> error_of(task<T> t) {
  try {
    co_await std::move(t);
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "";
}

// --- all -----------------------------------------------------------------------------------------

TEST_CASE("all gives a tuple of all results, unit for void") {
  run_test(2, []() -> task<> {
    int n = 1;
    auto results = co_await all(number(4), nothing(), text("t"), boxed(5), wrapped(6), same(n));
    static_assert(
        std::is_same_v<decltype(results),
                       std::tuple<int, unit, std::string, std::unique_ptr<int>, no_default, int&>>);
    CHECK(std::get<0>(results) == 4);
    CHECK(std::get<2>(results) == "t");
    CHECK(*std::get<3>(results) == 5);
    CHECK(std::get<4>(results).n == 6);
    CHECK(&std::get<5>(results) == &n);
  });
}

TEST_CASE("all of a vector gives a vector, in the order of the tasks") {
  run_test(3, []() -> task<> {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 100; ++i) tasks.push_back(number_later(i, 100 - i));
    const std::vector<int> results = co_await all(std::move(tasks));
    REQUIRE(results.size() == 100);
    for (int i = 0; i < 100; ++i) REQUIRE(results[static_cast<std::size_t>(i)] == i);
    std::vector<task<>> voids;
    voids.push_back(nothing());
    voids.push_back(nothing());
    const std::vector<unit> units = co_await all(std::move(voids));
    CHECK(units.size() == 2);
    std::vector<task<std::unique_ptr<int>>> boxes;
    boxes.push_back(boxed(3));
    const std::vector<std::unique_ptr<int>> three = co_await all(std::move(boxes));
    CHECK(*three.at(0) == 3);
  });
}

TEST_CASE("all of a vector of bool gives what the tasks gave") {
  run_test(2, []() -> task<> {
    std::vector<task<bool>> tasks;
    for (int i = 0; i < 50; ++i) {
      tasks.push_back([](bool b) -> task<bool> { co_return b; }(i % 2 == 0));
    }
    const std::vector<bool> results = co_await all(std::move(tasks));
    bool right = results.size() == 50;
    for (std::size_t i = 0; i < results.size(); ++i) right = right && results[i] == (i % 2 == 0);
    CHECK(right);
  });
}

TEST_CASE("all of references in a vector") {
  run_test(1, []() -> task<> {
    int a = 1;
    int b = 2;
    std::vector<task<int&>> tasks;
    tasks.push_back(same(a));
    tasks.push_back(same(b));
    const auto results = co_await all(std::move(tasks));
    REQUIRE(results.size() == 2);
    int& first = results[0];
    int& second = results[1];
    CHECK(&first == &a);
    CHECK(&second == &b);
  });
}

TEST_CASE("all of nothing ends at once") {
  run_test(1, []() -> task<> {
    const std::tuple<> none = co_await all();
    CHECK(none == std::tuple<>());
    const std::vector<int> empty = co_await all(std::vector<task<int>>());
    CHECK(empty.empty());
  });
}

TEST_CASE("the tasks of all run at the same time") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    auto left = [](chan<int> out, chan<int> in) -> task<int> {
      co_await out.send(1);
      int v = 0;
      co_await in.recv(v);
      co_return v;
    };
    auto right = [](chan<int> out, chan<int> in) -> task<int> {
      int v = 0;
      co_await in.recv(v);
      co_await out.send(v + 1);
      co_return v;
    };
    const auto [two, one] = co_await all(left(a, b), right(b, a));
    CHECK(two == 2);
    CHECK(one == 1);
  });
}

TEST_CASE("the first exception of all ends the others, which are joined, and is rethrown") {
  run_test(2, []() -> task<> {
    endings e;
    auto late = [](endings& all_of_them) -> task<int> {
      while (all_of_them.began.load() < 2) co_await this_goroutine::yield();
      throw std::runtime_error("late");
      co_return 0;
    };
    const std::string what = co_await error_of(all(waits(e), late(e), waits(e)));
    CHECK(what == "late");
    CHECK(e.unwound.load() == 2);
  });
}

TEST_CASE("a task of all that exits ends the caller, once the others have ended") {
  run_test(1, []() -> task<> {
    bool reached = false;
    bool other_ended = false;
    go(
        [](bool& r, bool& o) -> task<> {
          auto exits = []() -> task<int> {
            this_goroutine::exit();
            co_return 0;
          };
          auto other = [](bool& ended) -> task<> {
            co_await this_goroutine::yield();
            ended = true;
          };
          co_await all(exits(), other(o));
          r = true;
        },
        std::ref(reached), std::ref(other_ended));
    while (!other_ended) co_await this_goroutine::yield();
    co_await until_quiet();
    CHECK_FALSE(reached);
  });
}

// --- any -----------------------------------------------------------------------------------------

TEST_CASE("any gives the first success; T where all are T, else a variant") {
  run_test(1, []() -> task<> {
    endings e;
    const int n = co_await any(waits(e), number(7), waits(e));
    CHECK(n == 7);
    CHECK(e.began.load() == e.unwound.load());
    std::variant<int, std::string> either = co_await any(waits(e), text("won"));
    CHECK(std::get<1>(either) == "won");
    std::variant<int, unit> or_void = co_await any(waits(e), nothing());
    CHECK(or_void.index() == 1);
    const unit done = co_await any(nothing(), nothing());
    CHECK(done == unit{});
    const auto box = co_await any(boxed(5), boxed(5));
    CHECK(*box == 5);
    const no_default six = co_await any(wrapped(6), wrapped(6));
    CHECK(six.n == 6);
  });
}

TEST_CASE("any over variants of one type twice tells which task it was") {
  run_test(1, []() -> task<> {
    endings e;
    const std::variant<int, std::string, int> won = co_await any(
        waits(e),
        [](endings&) -> task<std::string> {
          co_await make_chan<>().recv();
          co_return "";
        }(e),
        number(3));
    CHECK(won.index() == 2);
    CHECK(std::get<2>(won) == 3);
  });
}

TEST_CASE("any and race of references give the object itself") {
  run_test(1, []() -> task<> {
    int a = 1;
    int& from_any = co_await any(same(a), same(a));
    CHECK(&from_any == &a);
    int& from_race = co_await race(same(a), same(a));
    CHECK(&from_race == &a);
    std::vector<task<int&>> tasks;
    tasks.push_back(same(a));
    int& from_vector = co_await any(std::move(tasks));
    CHECK(&from_vector == &a);
  });
}

TEST_CASE("any passes over errors while somebody may succeed") {
  run_test(1, []() -> task<> {
    const int n = co_await any(fails("one"), number_later(2, 20), fails("three"));
    CHECK(n == 2);
  });
}

TEST_CASE("any whose tasks all fail throws the first error; the others go to on_suppressed") {
  std::vector<std::string> suppressed;
  options opt;
  opt.workers = 1;
  opt.on_suppressed = [&suppressed](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      suppressed.push_back(e.what());
    }
  };
  run(opt, []() -> task<> {
    auto later = [](std::string what, int turns) -> task<int> {
      for (int i = 0; i < turns; ++i) co_await this_goroutine::yield();
      throw std::runtime_error(what);
      co_return 0;
    };
    const std::string what =
        co_await error_of(any(later("last", 20), later("first", 0), later("second", 10)));
    CHECK(what == "first");
  });
  CHECK(suppressed == std::vector<std::string>{"second", "last"});
}

TEST_CASE("any and race of a vector") {
  run_test(2, []() -> task<> {
    endings e;
    std::vector<task<int>> tasks;
    for (int i = 0; i < 20; ++i) tasks.push_back(i == 13 ? number(13) : waits(e));
    const int n = co_await any(std::move(tasks));
    CHECK(n == 13);
    CHECK(e.began.load() == e.unwound.load());
    std::vector<task<>> voids;
    voids.push_back(nothing());
    const unit done = co_await race(std::move(voids));
    CHECK(done == unit{});
  });
}

TEST_CASE("any and race of an empty vector throw std::invalid_argument") {
  run_test(1, []() -> task<> {
    int thrown = 0;
    try {
      co_await any(std::vector<task<int>>());
    } catch (const std::invalid_argument&) {
      ++thrown;
    }
    try {
      co_await race(std::vector<task<int>>());
    } catch (const std::invalid_argument&) {
      ++thrown;
    }
    CHECK(thrown == 2);
  });
}

// --- race ----------------------------------------------------------------------------------------

TEST_CASE("race gives what ends first, be it an error") {
  run_test(1, []() -> task<> {
    endings e;
    const int n = co_await race(waits(e), number(7));
    CHECK(n == 7);
    const std::string what = co_await error_of(race(waits(e), fails("quick")));
    CHECK(what == "quick");
    CHECK(e.began.load() == e.unwound.load());
    const int later = co_await race(number_later(1, 50), number_later(2, 5));
    CHECK(later == 2);
  });
}

TEST_CASE("rule 5: the losers are joined before race returns, and their locals are gone") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 100; ++round) {
      endings e;
      auto slow_end = [](endings& x) -> task<int> {
        try {
          co_return co_await waits(x);
        } catch (const goroutine_exit&) {
        }
        for (int i = 0; i < 3; ++i) co_await this_goroutine::yield();
        x.unwound.fetch_add(1);
        co_return 0;
      };
      const int n = co_await race(slow_end(e), number_later(1, 2), slow_end(e));
      REQUIRE(n == 1);
      REQUIRE(e.unwound.load() == 2 * e.began.load());
    }
  });
}

TEST_CASE("a loser that has a result already changes nothing") {
  run_test(1, []() -> task<> {
    auto swallows = []() -> task<int> {
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
      }
      co_return 99;
    };
    const int n = co_await any(number_later(1, 3), swallows());
    CHECK(n == 1);
  });
}

TEST_CASE("what a loser throws while it unwinds goes to on_suppressed") {
  std::vector<std::string> suppressed;
  options opt;
  opt.workers = 1;
  opt.on_suppressed = [&suppressed](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      suppressed.push_back(e.what());
    }
  };
  run(opt, []() -> task<> {
    auto fails_to_unwind = []() -> task<int> {
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
        throw std::runtime_error("while unwinding");
      }
      co_return 0;
    };
    const int n = co_await race(fails_to_unwind(), number_later(1, 5));
    CHECK(n == 1);
  });
  CHECK(suppressed == std::vector<std::string>{"while unwinding"});
}

// --- all of them ---------------------------------------------------------------------------------

TEST_CASE("the tasks carry a Context below the caller's, which has ended afterwards") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto own = []() -> task<context> { co_return this_goroutine::context(); };
    const auto [a, b] = co_await under(ctx, [](auto f) -> task<std::tuple<context, context>> {
      co_return co_await all(f(), f());
    }(own));
    CHECK(a == b);
    CHECK(a != ctx);
    CHECK(a.err() == errc::canceled);
    CHECK_FALSE(ctx.err());
  });
}

TEST_CASE("a task that was moved from throws std::logic_error") {
  run_test(1, []() -> task<> {
    task<int> t = number(1);
    const int one = co_await std::move(t);
    CHECK(one == 1);
    std::string what;
    try {
      co_await all(std::move(t), number(2));  // NOLINT(bugprone-use-after-move)
    } catch (const std::logic_error& e) {
      what = e.what();
    }
    CHECK(what == "co_await of a task that was awaited or moved from before");
  });
}

TEST_CASE("fork-join: a tree of 2^14 tasks through all") {
  struct tree {
    static task<int> count(int depth) {
      if (depth == 0) co_return 1;
      const auto [left, right] = co_await all(count(depth - 1), count(depth - 1));
      co_return left + right;
    }
  };
  for (const int workers : {1, 3}) {
    run_test(workers, []() -> task<> {
      const int leaves = co_await tree::count(14);
      CHECK(leaves == 1 << 14);
    });
  }
}

TEST_CASE("they nest") {
  run_test(2, []() -> task<> {
    endings e;
    const auto [first, sum] = co_await all(any(waits(e), number(1)), race(number(2), waits(e)));
    CHECK(first == 1);
    CHECK(sum == 2);
    const int deep = co_await any(race(waits(e), waits(e)), any(waits(e), number(3)));
    CHECK(deep == 3);
    CHECK(e.began.load() == e.unwound.load());
  });
}

}  // namespace
