// SPDX-License-Identifier: MIT
// under: a task of this goroutine under another Context. The shield against abandonment is in
// abandon_test.cpp.
#include "run_test.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>

namespace {

using namespace burrow;

task<context> carried() { co_return this_goroutine::context(); }

TEST_CASE("under runs a task under the Context, and the old one comes back") {
  run_test(1, []() -> task<> {
    const context before = this_goroutine::context();
    auto [ctx, cancel] = with_cancel(background());
    const context inside = co_await under(ctx, carried());
    CHECK(inside == ctx);
    CHECK(this_goroutine::context() == before);
  });
}

TEST_CASE("under gives the task's result, of any kind") {
  run_test(1, []() -> task<> {
    const context ctx = background();
    int n = 3;
    int& same = co_await under(ctx, [](int& v) -> task<int&> { co_return v; }(n));
    CHECK(&same == &n);
    const auto box = co_await under(
        ctx, []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); }());
    CHECK(*box == 4);
    co_await under(ctx, []() -> task<> { co_return; }());
  });
}

TEST_CASE("the old Context comes back when the task throws") {
  run_test(1, []() -> task<> {
    const context before = this_goroutine::context();
    auto [ctx, cancel] = with_cancel(background());
    std::string text;
    try {
      co_await under(ctx, []() -> task<> {
        co_await this_goroutine::yield();
        throw std::runtime_error("thrown");
      }());
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    CHECK(text == "thrown");
    CHECK(this_goroutine::context() == before);
  });
}

TEST_CASE("under nests") {
  run_test(1, []() -> task<> {
    auto [outer, cancel_outer] = with_cancel(background());
    auto [inner, cancel_inner] = with_cancel(outer);
    const bool right = co_await under(outer, [](context in, context out) -> task<bool> {
      co_return in == this_goroutine::context() && in != out;
    }(inner, outer));
    CHECK(right);  // a task that names a Context of its own runs under that one
    const bool nested =
        co_await under(outer, [](const context* in, const context* out) -> task<bool> {
          const context deep = co_await under(*in, carried());
          co_return deep == *in&& this_goroutine::context() == *out;
        }(&inner, &outer));
    CHECK(nested);
  });
}

TEST_CASE("a goroutine that is started inside carries the Context") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto out = make_chan<context>(1);
    co_await under(ctx, [](chan<context> c) -> task<> {
      go([](chan<context> cc) -> task<> { co_await cc.send(this_goroutine::context()); }, c);
      co_return;
    }(out));
    const std::optional<context> got = co_await out.recv();
    CHECK(*got == ctx);
  });
}

TEST_CASE("a Context that nobody else keeps lives as long as the task runs under it") {
  run_test(1, []() -> task<> {
    static constexpr context_key<std::string> key{"key"};
    const std::string value = co_await under(
        with_value(background(), key, std::string("a value that is not short at all")),
        []() -> task<std::string> {
          co_await this_goroutine::yield();
          co_return *this_goroutine::context().value(key);
        }());
    CHECK(value == "a value that is not short at all");
  });
}

TEST_CASE("under with a nil Context throws std::invalid_argument and runs nothing") {
  run_test(1, []() -> task<> {
    bool ran = false;
    bool thrown = false;
    try {
      co_await under(context(), [](bool& r) -> task<> {
        r = true;
        co_return;
      }(ran));
    } catch (const std::invalid_argument&) {
      thrown = true;
    }
    CHECK(thrown);
    CHECK_FALSE(ran);
  });
}

}  // namespace
