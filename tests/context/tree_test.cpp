// SPDX-License-Identifier: MIT
// The tree: roots, deriving, cancelling, and what is given back.
#include <doctest/doctest.h>

#include <burrow/context.hpp>
#include <context_test.hpp>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

inline constexpr context_key<int> number_key{"number"};

/// Contexts with their cancel objects.
struct family {
  std::vector<context> members;
  std::vector<cancel_function> cancels;

  void add(const context& parent) {
    auto [ctx, cancel] = with_cancel(parent);
    members.push_back(std::move(ctx));
    cancels.push_back(std::move(cancel));
  }
};

static_assert(std::is_nothrow_copy_constructible_v<context>);
static_assert(sizeof(context) == sizeof(void*));
static_assert(!std::is_copy_constructible_v<cancel_function>);
static_assert(std::is_nothrow_move_constructible_v<cancel_function>);
static_assert(std::is_copy_constructible_v<cancel_trigger>);
static_assert(std::is_copy_constructible_v<stop_function>);
static_assert(!std::is_move_constructible_v<derived_context<cancel_function>>);
static_assert(!std::is_convertible_v<derived_context<cancel_function>, context>);
static_assert(!std::is_copy_constructible_v<context_key<int>>, "a copy would be another key");

}  // namespace

TEST_CASE("CX7: the roots never end, have no deadline and no values") {
  for (const context& root : {background(), todo()}) {
    CHECK(root);
    CHECK(!root.err());
    CHECK(!root.cause());
    CHECK(!root.deadline());
    CHECK(root.value(number_key) == nullptr);
    CHECK(root.done().source() == nullptr);
  }
  CHECK(background() == background());
  CHECK(todo() == todo());
  CHECK(background() != todo());
}

TEST_CASE("CX8: a nil parent is refused in Go's words") {
  const context nil;
  CHECK(!nil);
  CHECK(nil == nullptr);
  const char* text = "cannot create context from nil parent";
  CHECK_THROWS_WITH_AS(static_cast<void>(with_cancel(nil)), text, std::invalid_argument);
  CHECK_THROWS_WITH_AS(static_cast<void>(with_cancel_cause(nil)), text, std::invalid_argument);
  CHECK_THROWS_WITH_AS(static_cast<void>(with_timeout(nil, 1s)), text, std::invalid_argument);
  CHECK_THROWS_WITH_AS(static_cast<void>(with_deadline(nil, std::chrono::steady_clock::now())),
                       text, std::invalid_argument);
  CHECK_THROWS_WITH_AS(static_cast<void>(with_value(nil, number_key, 1)), text,
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(static_cast<void>(without_cancel(nil)), text, std::invalid_argument);
  CHECK_THROWS_WITH_AS(after_func(nil, [] {}), text, std::invalid_argument);
  CHECK_THROWS_AS(nil.err(), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(nil.done()), std::invalid_argument);
}

TEST_CASE("CX1 CX2 CX4: what a context tells does not change but once") {
  auto [ctx, cancel] = with_cancel(background());
  CHECK(!ctx.err());
  CHECK(!ctx.deadline());
  CHECK(ctx.done().source() == ctx.done().source());
  CHECK(ctx.done().source() != nullptr);
  CHECK(!ctx.done().ready());
  cancel();
  CHECK(ctx.done().ready());
  CHECK(ctx.err() == errc::canceled);
  cancel();
  CHECK(ctx.err() == errc::canceled);
}

TEST_CASE("CX9: cancel works any number of times, by trigger too, and on destruction") {
  context outlives;
  {
    auto [ctx, cancel] = with_cancel(background());
    outlives = ctx;
    CHECK(!outlives.err());
  }
  CHECK(outlives.err() == errc::canceled);

  cancel_trigger trigger;
  trigger();
  {
    auto [ctx, cancel] = with_cancel(background());
    trigger = cancel.trigger();
    cancel_trigger other = trigger;
    outlives = ctx;
    cancel_function moved = std::move(cancel);
    cancel();
    CHECK(!ctx.err());
    other();
    CHECK(ctx.err() == errc::canceled);
    moved();
  }
  trigger();

  auto [a, cancel_a] = with_cancel(background());
  auto [b, cancel_b] = with_cancel(background());
  cancel_a = std::move(cancel_b);
  CHECK(a.err());
  CHECK(!b.err());
}

TEST_CASE("what is captured of the binding keeps it alive") {
  context seen;
  cancel_function kept;
  {
    const auto [ctx, cancel] = with_cancel(background());
    auto look = [ctx = ctx] { return ctx.err(); };
    CHECK(!look());
    cancel();
    CHECK(look());
  }
  {
    auto [ctx, cancel] = with_cancel(background());
    seen = std::move(ctx);
    kept = std::move(cancel);
  }
  CHECK(!seen.err());
  kept();
  CHECK(seen.err());
}

TEST_CASE("CX10 CX17: cancel ends all below, through values, and nothing beside") {
  auto [root, cancel_root] = with_cancel(background());
  auto [side, cancel_side] = with_cancel(root);
  auto [top, cancel_top] = with_cancel(root);
  context value = with_value(top, number_key, 1);
  family all;
  for (int i = 0; i < 3; ++i) all.add(value);
  for (std::size_t i = 0; i < 9; ++i) all.add(all.members[i]);
  CHECK(children_of(top) == 3);
  cancel_top();
  for (const context& ctx : all.members) CHECK(ctx.err() == errc::canceled);
  CHECK(value.err() == errc::canceled);
  CHECK(!root.err());
  CHECK(!side.err());
}

TEST_CASE("CX18: what is derived from an ended context has ended") {
  auto [parent, cancel] = with_cancel_cause(background());
  cancel(std::runtime_error("why"));
  auto [child, cancel_child] = with_cancel(parent);
  auto [late, cancel_late] = with_timeout(parent, 1h);
  CHECK(child.err() == errc::canceled);
  CHECK(child.cause() == parent.cause());
  CHECK(late.err() == errc::canceled);
  CHECK(children_of(parent) == 0);
}

TEST_CASE("CX58 CX61: cancel takes the child out of its parent, wherever it is in the list") {
  auto [parent, cancel] = with_cancel(background());
  family kids;
  for (int i = 0; i < 5; ++i) kids.add(parent);
  CHECK(children_of(parent) == 5);
  for (std::size_t i : {2, 0, 4, 3, 1}) {
    kids.cancels[i]();
    CHECK(!parent.err());
  }
  CHECK(children_of(parent) == 0);
  kids.add(parent);
  CHECK(children_of(parent) == 1);
  kids.cancels.pop_back();
  CHECK(children_of(parent) == 0);
  kids.add(parent);
  cancel();
  CHECK(children_of(parent) == 0);
}

TEST_CASE("CX60: a parent that never ends knows no children") {
  auto [a, cancel_a] = with_cancel(background());
  auto [b, cancel_b] = with_cancel(without_cancel(a));
  CHECK(children_of(a) == 0);
  cancel_a();
  CHECK(!b.err());
}

TEST_CASE("a chain of 100 000 is cancelled and given back without recursion") {
  family chain;
  chain.add(background());
  for (int i = 1; i < 100'000; ++i) chain.add(chain.members.back());
  context last = chain.members.back();
  chain.cancels.front()();
  CHECK(last.err() == errc::canceled);
  chain.cancels.clear();
  chain.members.clear();
  CHECK(last.err() == errc::canceled);
  last = nullptr;  // the last reference of all

  context values = background();
  for (int i = 0; i < 100'000; ++i) values = with_value(values, number_key, i);
  CHECK(*values.value(number_key) == 99'999);
}

TEST_CASE("a wide and deep tree is cancelled from its root") {
  auto [root, cancel] = with_cancel(background());
  family tree;
  tree.add(root);
  for (std::size_t i = 0; i < 200'000; ++i) tree.add(tree.members[i / 3]);
  cancel();
  for (const context& ctx : tree.members) {
    if (!ctx.err()) FAIL("one was missed");
  }
}

TEST_CASE("handles compare and hash by what they stand for") {
  auto [a, cancel_a] = with_cancel(background());
  auto [b, cancel_b] = with_cancel(background());
  context copy = a;
  CHECK(copy == a);
  CHECK(a != b);
  CHECK(std::hash<context>()(copy) == std::hash<context>()(a));
  const std::unordered_set<context> set{a, b, copy, background()};
  CHECK(set.size() == 3);
  context moved = std::move(copy);
  CHECK(moved == a);
  context& alias = moved;
  moved = alias;
  CHECK(moved == a);
}

TEST_CASE("a context is made on one thread and given back on another") {
  for (int i = 0; i < 100; ++i) {
    auto [ctx, cancel] = with_cancel(background());
    std::thread([c = std::move(ctx), k = std::move(cancel)]() mutable {
      auto [child, cancel_child] = with_cancel(c);
      k();
      CHECK(child.err());
    }).join();
  }
}
