// SPDX-License-Identifier: MIT
// task<T>: what crosses an await, when a task runs, how deep and how long it may go, and the
// Context that its first parameter names.
#include "run_test.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace burrow;

struct tracked {
  std::vector<std::string>* log;
  std::string name;
  tracked(std::vector<std::string>& l, std::string n) : log(&l), name(std::move(n)) {}
  tracked(const tracked&) = delete;
  tracked& operator=(const tracked&) = delete;
  ~tracked() { log->push_back("~" + name); }
};

struct no_default {
  int n;
  explicit no_default(int v) : n(v) {}
};

struct bad_copy {
  bad_copy() = default;
  bad_copy(const bad_copy&) { throw std::runtime_error("copy of the result"); }
};

struct error_of_mine {
  int code;
};

task<int> twice(int n) { co_return 2 * n; }
task<> nothing() { co_return; }
task<std::unique_ptr<int>> boxed(int n) { co_return std::make_unique<int>(n); }
task<int&> same(int& n) { co_return n; }
task<no_default> wrapped(int n) { co_return no_default(n); }
task<int> fails() {
  throw error_of_mine{7};
  co_return 0;
}
task<int> fails_later() {
  co_await this_goroutine::yield();
  throw std::runtime_error("later");
  co_return 0;
}
task<int&> fails_with_reference(int& n) {
  if (n == 0) throw std::runtime_error("no reference");
  co_return n;
}

TEST_CASE("a task gives its value, of any type that can be moved") {
  run_test(1, []() -> task<> {
    const int four = co_await twice(2);
    CHECK(four == 4);
    co_await nothing();
    const std::unique_ptr<int> box = co_await boxed(5);
    CHECK(*box == 5);
    const no_default six = co_await wrapped(6);
    CHECK(six.n == 6);
  });
}

TEST_CASE("a task<T&> gives the object itself") {
  run_test(1, []() -> task<> {
    int n = 1;
    int& again = co_await same(n);
    CHECK(&again == &n);
    n = 0;
    bool thrown = false;
    try {
      co_await fails_with_reference(n);
    } catch (const std::runtime_error& e) {
      thrown = std::string(e.what()) == "no reference";
    }
    CHECK(thrown);
  });
}

TEST_CASE("an exception of any type crosses the await, also from behind a suspension") {
  run_test(1, []() -> task<> {
    int code = 0;
    try {
      co_await fails();
    } catch (const error_of_mine& e) {
      code = e.code;
    }
    CHECK(code == 7);
    std::string text;
    try {
      co_await fails_later();
    } catch (const std::exception& e) {
      text = e.what();
    }
    CHECK(text == "later");
  });
}

TEST_CASE("what the copy of a result throws reaches the await") {
  run_test(1, []() -> task<> {
    auto gives = []() -> task<bad_copy> {
      const bad_copy b;
      co_return b;
    };
    std::string text;
    try {
      co_await gives();
    } catch (const std::exception& e) {
      text = e.what();
    }
    CHECK(text == "copy of the result");
  });
}

TEST_CASE("a task is lazy: nothing of it runs before the await") {
  run_test(1, []() -> task<> {
    bool ran = false;
    auto sets = [](bool& flag) -> task<> {
      flag = true;
      co_return;
    };
    task<> t = sets(ran);
    CHECK_FALSE(ran);
    co_await std::move(t);
    CHECK(ran);
  });
}

TEST_CASE("a task that is dropped has not run, and gives its parameters back") {
  run_test(1, []() -> task<> {
    auto shared = std::make_shared<int>(1);
    bool ran = false;
    auto keeps = [](std::shared_ptr<int>, bool& flag) -> task<> {
      flag = true;
      co_return;
    };
    {
      task<> t = keeps(shared, ran);
      CHECK(shared.use_count() == 2);
      task<> u = std::move(t);
      CHECK(shared.use_count() == 2);
      u = nothing();
      CHECK(shared.use_count() == 1);
    }
    CHECK_FALSE(ran);
    co_return;
  });
}

TEST_CASE("a task that was awaited or moved from before throws std::logic_error") {
  run_test(1, []() -> task<> {
    task<int> t = twice(1);
    co_await std::move(t);
    std::string text;
    try {
      co_await std::move(t);  // NOLINT(bugprone-use-after-move): that is what is tested
    } catch (const std::logic_error& e) {
      text = e.what();
    }
    CHECK(text == "co_await of a task that was awaited or moved from before");
  });
}

TEST_CASE("the locals of a task are gone when its await returns, the last one first") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto body = [](std::vector<std::string>& l) -> task<int> {
      const tracked a(l, "a");
      const tracked b(l, "b");
      co_await this_goroutine::yield();
      co_return 1;
    };
    co_await body(log);
    log.push_back("after");
    CHECK(log == std::vector<std::string>{"~b", "~a", "after"});
  });
}

TEST_CASE("the locals of a task are gone when its exception arrives") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto body = [](std::vector<std::string>& l) -> task<> {
      const tracked a(l, "a");
      co_await fails_later();
    };
    try {
      co_await body(log);
    } catch (const std::runtime_error&) {
      log.push_back("caught");
    }
    CHECK(log == std::vector<std::string>{"~a", "caught"});
  });
}

// --- stack and memory ----------------------------------------------------------------------------

/// The lowest and the highest stack pointer seen. A frame address, since AddressSanitizer keeps
/// locals elsewhere.
struct stack_range {
  std::uintptr_t low = UINTPTR_MAX;
  std::uintptr_t high = 0;
  [[gnu::noinline]] void see() {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    low = here < low ? here : low;
    high = here > high ? here : high;
  }
  std::size_t size() const { return high - low; }
};

task<> seen(stack_range& stack) {
  stack.see();
  co_return;
}

TEST_CASE("ten million awaits that complete at once use constant stack") {
  run_test(1, []() -> task<> {
    stack_range stack;
    std::uint64_t sum = 0;
    for (int i = 0; i < 10'000'000; ++i) {
      const int n = co_await twice(i % 100);
      sum += static_cast<std::uint64_t>(n);
      if (i % 64 == 0) co_await seen(stack);
    }
    CHECK(sum == std::uint64_t{2} * 4950 * 100'000);
    CHECK(stack.size() < 4096);
  });
}

TEST_CASE("ten million operations that complete at once use constant stack") {
  run_test(1, []() -> task<> {
    stack_range stack;
    auto c = make_chan<int>(1);
    std::uint64_t sum = 0;
    for (int i = 0; i < 5'000'000; ++i) {
      co_await c.send(1);
      int v = 0;
      co_await c.recv(v);
      sum += static_cast<std::uint64_t>(v);
      if (i % 64 == 0) stack.see();
    }
    CHECK(sum == 5'000'000);
    CHECK(stack.size() < 4096);
  });
}

task<std::uint64_t> nested(int depth, stack_range& stack) {
  stack.see();
  if (depth == 0) co_return 0;
  const std::uint64_t below = co_await nested(depth - 1, stack);
  stack.see();
  co_return below + 1;
}

TEST_CASE("a chain of 100 000 nested tasks goes in and out with constant stack") {
  run_test(1, []() -> task<> {
    stack_range stack;
    const std::uint64_t depth = co_await nested(100'000, stack);
    CHECK(depth == 100'000);
    CHECK(stack.size() < 4096);
  });
}

task<> nested_failure(int depth, int& unwound) {
  if (depth == 0) throw std::runtime_error("bottom");
  struct counts {
    int& n;
    ~counts() { ++n; }
  } const count{unwound};
  co_await nested_failure(depth - 1, unwound);
}

TEST_CASE("an exception unwinds 10 000 nested tasks") {
  run_test(1, []() -> task<> {
    int unwound = 0;
    std::string text;
    try {
      co_await nested_failure(10'000, unwound);
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    CHECK(text == "bottom");
    CHECK(unwound == 10'000);
  });
}

// --- the Context of the first parameter ----------------------------------------------------------

task<bool> carries_by_value(context ctx) { co_return this_goroutine::context() == ctx; }
task<bool> carries_by_reference(const context& ctx) {
  co_await this_goroutine::yield();
  co_return this_goroutine::context() == ctx;
}

struct service {
  task<bool> carries(context ctx) const { co_return this_goroutine::context() == ctx; }
  task<bool> operator()(context ctx) { co_return this_goroutine::context() == ctx; }
};

TEST_CASE("rule 3: a task whose first parameter is a context runs under that") {
  run_test(1, []() -> task<> {
    const context outer = this_goroutine::context();
    auto [ctx, cancel] = with_cancel(background());
    const bool by_value = co_await carries_by_value(ctx);
    CHECK(by_value);
    const bool by_reference = co_await carries_by_reference(ctx);
    CHECK(by_reference);
    service s;
    const bool in_member = co_await s.carries(ctx);
    CHECK(in_member);
    const bool in_function_object = co_await s(ctx);
    CHECK(in_function_object);
    auto lambda = [&s](context own) -> task<bool> {
      (void)s;
      co_return this_goroutine::context() == own;
    };
    const bool in_lambda = co_await lambda(ctx);
    CHECK(in_lambda);
    CHECK(this_goroutine::context() == outer);
  });
}

TEST_CASE("rule 3: the Context goes back when the task ends, whichever way") {
  run_test(1, []() -> task<> {
    const context outer = this_goroutine::context();
    auto [ctx, cancel] = with_cancel(background());
    auto throws = [](context) -> task<> {
      co_await this_goroutine::yield();
      throw std::runtime_error("out");
    };
    try {
      co_await throws(ctx);
    } catch (const std::runtime_error&) {
      CHECK(this_goroutine::context() == outer);
    }
    CHECK(this_goroutine::context() == outer);
    auto nests = [](context own) -> task<bool> {
      auto [inner, cancel_inner] = with_cancel(own);
      const bool deeper = co_await carries_by_value(inner);
      co_return deeper&& this_goroutine::context() == own;
    };
    const bool nested_well = co_await nests(ctx);
    CHECK(nested_well);
  });
}

TEST_CASE("rule 3: a nil Context as first parameter changes nothing") {
  run_test(1, []() -> task<> {
    const context outer = this_goroutine::context();
    auto body = [](context) -> task<context> { co_return this_goroutine::context(); };
    const context inside = co_await body(context(nullptr));
    CHECK(inside == outer);
  });
}

TEST_CASE(
    "rule 3: the carried Context lives as long as the task, whatever becomes of the parameter") {
  run_test(1, []() -> task<> {
    auto assigns = [](context ctx) -> task<std::error_code> {
      ctx = background();
      co_await this_goroutine::yield();
      co_return this_goroutine::context().err();
    };
    auto started = make_chan<std::error_code>(1);
    {
      auto [ctx, cancel] = with_cancel(background());
      go(
          [](auto body, context own, chan<std::error_code> out) -> task<> {
            const std::error_code e = co_await body(std::move(own));
            co_await out.send(e);
          },
          assigns, ctx, started);
    }  // ctx is cancelled, and nobody but the task below refers to it
    const std::optional<std::error_code> e = co_await started.recv();
    REQUIRE(e.has_value());
    CHECK(*e == errc::canceled);
  });
}

}  // namespace
