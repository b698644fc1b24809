// SPDX-License-Identifier: MIT
// Causes: what each context of a tree tells, by who ended it and in which order.
#include <doctest/doctest.h>

#include <burrow/context.hpp>
#include <context_test.hpp>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

struct own_error {
  int code;
};

}  // namespace

TEST_CASE("CX28 CX30: the cause is there exactly while the error is, and equals it by default") {
  auto [ctx, cancel] = with_cancel(background());
  CHECK(!ctx.cause());
  cancel();
  CHECK(why(ctx) == "context canceled");
  CHECK(ctx.cause() == ctx.cause());
  try {
    std::rethrow_exception(ctx.cause());
  } catch (const std::system_error& e) {
    CHECK(e.code() == errc::canceled);
  }
  auto [late, cancel_late] = with_timeout(background(), 0s);
  CHECK(why(late) == "context deadline exceeded");
}

TEST_CASE("CX29: what cancel takes as a cause") {
  const auto cause_after = [](auto call) {
    auto [ctx, cancel] = with_cancel_cause(background());
    call(cancel);
    CHECK(ctx.err() == errc::canceled);
    return why(ctx);
  };
  CHECK(cause_after([](auto& c) { c(); }) == "context canceled");
  CHECK(cause_after([](auto& c) { c(nullptr); }) == "context canceled");
  CHECK(cause_after([](auto& c) { c(std::exception_ptr()); }) == "context canceled");
  CHECK(cause_after([](auto& c) { c(std::error_code()); }) == "context canceled");
  CHECK(cause_after([](auto& c) { c(std::runtime_error("mine")); }) == "mine");
  CHECK(cause_after([](auto& c) { c(std::make_exception_ptr(7)); }) == "7");
  CHECK(cause_after([](auto& c) { c(errc::closed); }) == "channel closed");
  CHECK(cause_after([](auto& c) { c(std::error_code(errc::closed)); }) == "channel closed");
  CHECK(cause_after([](auto& c) { c(std::errc::broken_pipe); }) == "Broken pipe");
  CHECK(cause_after([](auto& c) { c.trigger()(std::runtime_error("by trigger")); }) ==
        "by trigger");
  CHECK(cause_after([](auto& c) { c.trigger()(); }) == "context canceled");

  auto [ctx, cancel] = with_cancel_cause(background());
  cancel(own_error{42});
  try {
    std::rethrow_exception(ctx.cause());
  } catch (const own_error& e) {
    CHECK(e.code == 42);
  }
}

TEST_CASE("CX31: the first ending of each context sets its cause, W16") {
  SUBCASE("the parent first") {
    auto [parent, end_parent] = with_cancel_cause(background());
    auto [child, end_child] = with_cancel_cause(parent);
    end_parent(std::runtime_error("parent"));
    end_child(std::runtime_error("child"));
    end_parent(std::runtime_error("again"));
    CHECK(why(parent) == "parent");
    CHECK(why(child) == "parent");
  }
  SUBCASE("the child first") {
    auto [parent, end_parent] = with_cancel_cause(background());
    auto [child, end_child] = with_cancel_cause(parent);
    auto [below, end_below] = with_cancel(child);
    end_child(std::runtime_error("child"));
    CHECK(why(parent) == "none");
    end_parent(std::runtime_error("parent"));
    CHECK(why(parent) == "parent");
    CHECK(why(child) == "child");
    CHECK(why(below) == "child");
  }
  SUBCASE("the child without a cause, then the parent with one") {
    auto [parent, end_parent] = with_cancel_cause(background());
    auto [child, end_child] = with_cancel(parent);
    end_child();
    end_parent(std::runtime_error("parent"));
    CHECK(why(child) == "context canceled");
  }
  SUBCASE("a plain child of a plain child") {
    auto [parent, end_parent] = with_cancel_cause(background());
    auto [child, end_child] = with_cancel(parent);
    auto [below, end_below] = with_cancel(child);
    end_parent(std::runtime_error("parent"));
    CHECK(why(below) == "parent");
    auto [born_late, end_late] = with_cancel(below);
    CHECK(why(born_late) == "parent");
  }
}

TEST_CASE("CX24 CX32: the cause of a timeout, and of what is below it") {
  auto [ctx, cancel] = with_timeout_cause(background(), -1s, std::runtime_error("too slow"));
  CHECK(ctx.err() == errc::deadline_exceeded);
  CHECK(why(ctx) == "too slow");
  cancel();
  CHECK(ctx.err() == errc::deadline_exceeded);
  auto [child, cancel_child] = with_cancel(ctx);
  CHECK(child.err() == errc::deadline_exceeded);
  CHECK(why(child) == "too slow");
}

TEST_CASE("the cause outlives the handles above") {
  context last;
  {
    auto [root, cancel] = with_cancel_cause(background());
    auto [middle, cancel_middle] = with_cancel(root);
    auto [below, cancel_below] = with_cancel(middle);
    last = below;
    cancel(std::runtime_error("from above"));
  }
  CHECK(why(last) == "from above");
}

TEST_CASE("CX36: a context made by without_cancel has no cause, whatever the parent does") {
  auto [parent, cancel] = with_cancel_cause(background());
  const context free = without_cancel(parent);
  cancel(std::runtime_error("parent"));
  CHECK(why(free) == "none");
  CHECK(!free.err());
}
