// SPDX-License-Identifier: MIT
// scope: what it gives, that it always joins, and what happens to errors. Limits, async and slots
// are in group_test.cpp; how abandonment reaches the children is in abandon_test.cpp.
#include "resident.hpp"
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

struct logs {
  std::vector<std::string>& log;
  std::string text;
  ~logs() { log.push_back(text); }
};

/// What leaves the task, or "" if nothing does.
template <class T>
task<std::string> error_of(task<T> t) {
  try {
    co_await std::move(t);
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "";
}

task<> throws(std::string text) {
  throw std::runtime_error(text);
  co_return;
}

// --- what it gives -------------------------------------------------------------------------------

TEST_CASE("a scope gives what its body returns: values, references, void, what can only be moved") {
  run_test(1, []() -> task<> {
    const int four = co_await scope([](group&) -> task<int> { co_return 4; });
    CHECK(four == 4);
    int n = 1;
    int& same = co_await scope([&n](group&) -> task<int&> { co_return n; });
    CHECK(&same == &n);
    const auto box = co_await scope([](group& g) -> task<std::unique_ptr<int>> {
      g.go([]() -> task<> { co_return; });
      co_return std::make_unique<int>(5);
    });
    CHECK(*box == 5);
    bool ran = false;
    co_await scope([&ran](group&) -> task<> {
      ran = true;
      co_return;
    });
    CHECK(ran);
  });
}

TEST_CASE("a body that can only be moved, and one that is a function") {
  struct free_function {
    static task<int> body(group&) { co_return 1; }
  };
  run_test(1, []() -> task<> {
    auto body = [kept = std::make_unique<int>(3)](group&) -> task<int> { co_return *kept; };
    const int three = co_await scope(std::move(body));
    CHECK(three == 3);
    const int one = co_await scope(free_function::body);
    CHECK(one == 1);
  });
}

TEST_CASE("a scope without children ends with its body") {
  run_test(1, []() -> task<> {
    int n = 0;
    co_await scope([&n](group&) -> task<> {
      co_await this_goroutine::yield();
      ++n;
    });
    CHECK(n == 1);
  });
}

// --- joining -------------------------------------------------------------------------------------

TEST_CASE("rule 4, EG2: the children end before the scope does") {
  run_test(2, []() -> task<> {
    std::atomic<int> ended{0};
    co_await scope([&ended](group& g) -> task<> {
      for (int i = 0; i < 100; ++i) {
        g.go(
            [](std::atomic<int>& n, int turns) -> task<> {
              for (int t = 0; t < turns; ++t) co_await this_goroutine::yield();
              n.fetch_add(1);
            },
            std::ref(ended), i);
      }
      co_return;
    });
    CHECK(ended.load() == 100);
  });
}

TEST_CASE("EG6: children start siblings, also after the body has ended") {
  run_test(2, []() -> task<> {
    struct tree {
      static task<> grow(group& g, std::atomic<int>& nodes, int depth) {
        nodes.fetch_add(1);
        co_await this_goroutine::yield();
        if (depth == 0) co_return;
        g.go(grow, std::ref(g), std::ref(nodes), depth - 1);
        g.go(grow, std::ref(g), std::ref(nodes), depth - 1);
      }
    };
    std::atomic<int> nodes{0};
    co_await scope([&nodes](group& g) -> task<> {
      g.go(tree::grow, std::ref(g), std::ref(nodes), 9);
      co_return;
    });
    CHECK(nodes.load() == 1023);
  });
}

TEST_CASE("what the children did is seen after the scope") {
  run_test(4, []() -> task<> {
    std::vector<int> squares(200);  // plain memory: ThreadSanitizer judges
    co_await scope([&squares](group& g) -> task<> {
      for (int i = 0; i < 200; ++i) {
        g.go(
            [](int& out, int n) -> task<> {
              out = n * n;
              co_return;
            },
            std::ref(squares[static_cast<std::size_t>(i)]), i);
      }
      co_return;
    });
    for (int i = 0; i < 200; ++i) REQUIRE(squares[static_cast<std::size_t>(i)] == i * i);
  });
}

TEST_CASE("scopes nest, and each joins its own") {
  run_test(2, []() -> task<> {
    std::vector<std::string> log;
    co_await scope([&log](group& outer) -> task<> {
      auto gate = make_chan<>();
      outer.go(
          [](std::vector<std::string>& l, chan<> g) -> task<> {
            const logs end{l, "outer child"};
            co_await g.recv();
          },
          std::ref(log), gate);
      co_await scope([&log](group& inner) -> task<> {
        inner.go(
            [](std::vector<std::string>& l) -> task<> {
              const logs end{l, "inner child"};
              co_await this_goroutine::yield();
            },
            std::ref(log));
        co_return;
      });
      log.push_back("inner scope");
      gate.close();
    });
    CHECK(log == std::vector<std::string>{"inner child", "inner scope", "outer child"});
  });
}

TEST_CASE(
    "children may outlive the locals of the body: it is joined when what it returns is ready") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto gate = make_chan<>();
    const int n = co_await scope([&log, gate](group& g) -> task<int> {
      const logs local{log, "local of the body"};
      g.go(
          [](std::vector<std::string>& l, chan<> until) -> task<> {
            co_await until.recv();
            l.push_back("child");
          },
          std::ref(log), gate);
      go(
          [](chan<> until) -> task<> {
            until.close();
            co_return;
          },
          gate);
      co_return 8;
    });
    CHECK(n == 8);
    CHECK(log == std::vector<std::string>{"local of the body", "child"});
  });
}

TEST_CASE("co_await g.wait() at the end of a body joins while its locals live") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    co_await scope([&log](group& g) -> task<> {
      const logs local{log, "local of the body"};
      g.go(
          [](std::vector<std::string>& l) -> task<> {
            co_await this_goroutine::yield();
            l.push_back("child");
          },
          std::ref(log));
      co_await g.wait();
    });
    CHECK(log == std::vector<std::string>{"child", "local of the body"});
  });
}

TEST_CASE("a child that ended has freed its memory: a million, one after the other, stay flat") {
  run_test(1, []() -> task<> {
    constexpr int count = 1'000'000;
    auto turn = make_chan<>(1);
    co_await scope([turn](group& g) -> task<> {
      std::size_t before = 0;
      for (int i = 0; i < count; ++i) {
        g.go([](chan<> t) -> task<> { co_await t.send(); }, turn);
        co_await turn.recv();
        if (i == 10'000) before = resident_bytes();
      }
      // Room for what the allocator and the sanitizers keep; a slot alone would be 130 MB.
      CHECK(resident_bytes() < before + (std::size_t{16} << 20));
    });
  });
}

TEST_CASE("100 000 children at the same time") {
  run_test(2, []() -> task<> {
    std::atomic<int> ended{0};
    co_await scope([&ended](group& g) -> task<> {
      auto gate = make_chan<>();
      for (int i = 0; i < 100'000; ++i) {
        g.go(
            [](chan<> until, std::atomic<int>& n) -> task<> {
              co_await until.recv();
              n.fetch_add(1, std::memory_order_relaxed);
            },
            gate, std::ref(ended));
      }
      gate.close();
      co_return;
    });
    CHECK(ended.load() == 100'000);
  });
}

TEST_CASE("a chain of 2 000 nested scopes") {
  struct chain {
    static task<int> go_down(int depth) {
      if (depth == 0) co_return 0;
      const int below = co_await scope([depth](group&) -> task<int> { return go_down(depth - 1); });
      co_return below + 1;
    }
  };
  run_test(2, []() -> task<> {
    const int depth = co_await chain::go_down(2000);
    CHECK(depth == 2000);
  });
}

// --- errors --------------------------------------------------------------------------------------

TEST_CASE("rule 6, EG2: the error of a child is rethrown when all have ended") {
  run_test(2, []() -> task<> {
    std::vector<std::string> log;
    auto failing = scope([&log](group& g) -> task<> {
      g.go(
          [](std::vector<std::string>& l) -> task<> {
            const logs end{l, "sibling"};
            co_await make_chan<>().recv();
          },
          std::ref(log));
      co_await until_quiet();
      g.go(throws, "boom");
    });
    const std::string text = co_await error_of(std::move(failing));
    log.push_back(text);
    CHECK(log == std::vector<std::string>{"sibling", "boom"});
  });
}

TEST_CASE("the error of the body is rethrown when all have ended") {
  run_test(2, []() -> task<> {
    std::vector<std::string> log;
    auto failing = scope([&log](group& g) -> task<int> {
      g.go(
          [](std::vector<std::string>& l) -> task<> {
            const logs end{l, "child"};
            co_await make_chan<>().recv();
          },
          std::ref(log));
      co_await until_quiet();
      throw std::runtime_error("body");
      co_return 1;
    });
    const std::string text = co_await error_of(std::move(failing));
    log.push_back(text);
    CHECK(log == std::vector<std::string>{"child", "body"});
  });
}

TEST_CASE("the error of a body that is no coroutine joins what it has started, too") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto failing = scope([&log](group& g) -> task<> {
      g.go(
          [](std::vector<std::string>& l) -> task<> {
            const logs end{l, "child"};
            co_await make_chan<>().recv();
          },
          std::ref(log));
      if (log.empty()) throw std::runtime_error("no task");
      return throws("unreachable");
    });
    const std::string text = co_await error_of(std::move(failing));
    CHECK(text == "no task");
    CHECK(detail::current_worker()->owner().live() == 1);
  });
}

TEST_CASE("EG5: the first error in time is rethrown, later ones go to on_suppressed") {
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
    auto failing = scope([](group& g) -> task<> {
      auto order = make_chan<>();
      g.go(
          [](chan<> o) -> task<> {
            // Unwound by the first error, and its clean-up fails.
            try {
              co_await o.recv();
            } catch (const goroutine_exit&) {
              throw std::runtime_error("second");
            }
          },
          order);
      co_await until_quiet();
      g.go(throws, "first");
      try {
        co_await order.recv();
      } catch (const goroutine_exit&) {
        throw std::runtime_error("third");
      }
    });
    const std::string text = co_await error_of(std::move(failing));
    CHECK(text == "first");
  });
  std::sort(suppressed.begin(), suppressed.end());
  CHECK(suppressed == std::vector<std::string>{"second", "third"});
}

TEST_CASE("an error that its scope rethrows through a child of an outer scope is told once") {
  int suppressed = 0;
  options opt;
  opt.workers = 1;
  opt.on_suppressed = [&suppressed](std::exception_ptr) { ++suppressed; };
  run(opt, []() -> task<> {
    auto failing = scope([](group&) -> task<> {
      co_await scope([](group& g) -> task<> {
        auto d = g.async(throws, "once");
        co_await d;
      });
    });
    const std::string text = co_await error_of(std::move(failing));
    CHECK(text == "once");
  });
  CHECK(suppressed == 0);
}

TEST_CASE("EG4: the first error is the cause of the group's Context, and its error is Canceled") {
  run_test(1, []() -> task<> {
    context ctx;
    auto failing = scope([&ctx](group& g) -> task<> {
      ctx = g.context();
      g.go(throws, "the cause");
      co_await ctx.done();
    });
    const std::string text = co_await error_of(std::move(failing));
    CHECK(text == "the cause");
    CHECK(ctx.err() == errc::canceled);
    std::string cause;
    try {
      std::rethrow_exception(ctx.cause());
    } catch (const std::exception& e) {
      cause = e.what();
    }
    CHECK(cause == "the cause");
  });
}

TEST_CASE("EG3, EG4: the group's Context has ended after the scope, with Canceled as its cause") {
  run_test(1, []() -> task<> {
    context ctx;
    co_await scope([&ctx](group& g) -> task<> {
      ctx = g.context();
      CHECK_FALSE(ctx.err());
      co_return;
    });
    CHECK(ctx.err() == errc::canceled);
    std::error_code code;
    try {
      std::rethrow_exception(ctx.cause());
    } catch (const std::system_error& e) {
      code = e.code();
    }
    CHECK(code == errc::canceled);
  });
}

TEST_CASE(
    "rule 3: body and children carry the group's Context, which is below the scope's caller's") {
  run_test(1, []() -> task<> {
    static constexpr context_key<int> key{"key"};
    const context outer = with_value(background(), key, 5);
    co_await under(outer, []() -> task<> {
      co_await scope([](group& g) -> task<> {
        const context own = this_goroutine::context();
        CHECK(own == g.context());
        CHECK(*own.value(key) == 5);
        bool same = false;
        g.go(
            [](context group_context, bool& s) -> task<> {
              s = group_context == this_goroutine::context();
              co_return;
            },
            own, std::ref(same));
        co_await g.wait();
        CHECK(same);
      });
    }());
  });
}

TEST_CASE("EG13: a child that exits has ended without an error") {
  run_test(1, []() -> task<> {
    bool sibling_ended = false;
    co_await scope([&sibling_ended](group& g) -> task<> {
      g.go([]() -> task<> {
        this_goroutine::exit();
        co_return;
      });
      g.go(
          [](bool& ended) -> task<> {
            for (int i = 0; i < 10; ++i) co_await this_goroutine::yield();
            ended = true;
          },
          std::ref(sibling_ended));
      co_await g.wait();
      CHECK_FALSE(g.context().err());
    });
    CHECK(sibling_ended);
  });
}

TEST_CASE("rule 5: a Context that ends from outside abandons nobody, and fails no scope") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto gate = make_chan<int>();
    auto out = make_chan<int>(1);
    go(
        ctx,
        [](chan<int> in, chan<int> o) -> task<> {
          const int sum = co_await scope([in](group& g) -> task<int> {
            auto d = g.async(
                [](chan<int> from) -> task<int> {
                  const std::optional<int> v = co_await from.recv();  // watches no Context
                  co_return *v;
                },
                in);
            const int v = co_await d;
            CHECK(g.context().err() == errc::canceled);
            co_return v;
          });
          co_await o.send(sum);
        },
        gate, out);
    co_await until_quiet();
    cancel();
    co_await until_quiet();
    CHECK(out.size() == 0);
    co_await gate.send(6);
    const std::optional<int> sum = co_await out.recv();
    CHECK(sum == 6);
  });
}

TEST_CASE("an exception of any type ends a scope") {
  struct mine {
    int code;
  };
  run_test(1, []() -> task<> {
    int code = 0;
    try {
      co_await scope([](group& g) -> task<> {
        g.go([]() -> task<> {
          throw mine{4};
          co_return;
        });
        co_return;
      });
    } catch (const mine& m) {
      code = m.code;
    }
    CHECK(code == 4);
  });
}

TEST_CASE("EG5: a child that is started in a scope that has failed does not begin") {
  run_test(1, []() -> task<> {
    bool began = false;
    auto failing = scope([&began](group& g) -> task<> {
      g.go(throws, "failed");
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
        g.go(
            [](bool& b) -> task<> {
              b = true;
              co_return;
            },
            std::ref(began));
        throw;
      }
    });
    const std::string text = co_await error_of(std::move(failing));
    CHECK(text == "failed");
    CHECK_FALSE(began);
  });
}

}  // namespace
