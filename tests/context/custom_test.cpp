// SPDX-License-Identifier: MIT
// Contexts of a program's own kind.
#include <doctest/doctest.h>

#include <burrow/context.hpp>
#include <context_test.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

inline constexpr context_key<int> number_key{"number"};
inline constexpr context_key<int> inner_key{"inner"};

class own_context : public custom_context {
 public:
  using custom_context::custom_context;
  own_context() = default;
  own_context(const context& parent, std::shared_ptr<int> token)
      : custom_context(parent), token_(std::move(token)) {}
  using custom_context::end;

  const void* value(context_key_id key) const override {
    if (key == inner_key) return &inner_;
    return custom_context::value(key);
  }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override { return due; }

  std::optional<std::chrono::steady_clock::time_point> due;

 private:
  int inner_ = 7;
  std::shared_ptr<int> token_;
};

struct printing : custom_context {
  std::string to_string() const override { return "printing"; }
};

struct throwing : custom_context {
  explicit throwing(const context& parent) : custom_context(parent) {
    throw std::runtime_error("no");
  }
};

}  // namespace

TEST_CASE("CX53 CX54: children of a custom context are its own, linked directly, and end with it") {
  const context ctx = make_context<own_context>();
  auto [child, cancel] = with_cancel(with_value(ctx, number_key, 1));
  CHECK(children_of(ctx) == 1);
  CHECK(!ctx.err());
  own_context* own = custom_cast<own_context>(ctx);
  REQUIRE(own != nullptr);
  CHECK(custom_cast<own_context>(child) == nullptr);
  CHECK(custom_cast<printing>(ctx) == nullptr);
  own->end(errc::canceled);
  CHECK(ctx.err() == errc::canceled);
  CHECK(own->err() == errc::canceled);
  CHECK(child.err() == errc::canceled);
  CHECK(why(child) == "context canceled");
}

TEST_CASE("CX33 CX35 CX56: a child has the error and the cause of its custom parent") {
  const context ctx = make_context<own_context>();
  auto [child, cancel] = with_cancel(ctx);
  auto [own_cause, cancel_own] = with_cancel_cause(ctx);
  cancel_own(std::runtime_error("its own"));
  auto* own = custom_cast<own_context>(ctx);
  own->end(std::make_error_code(std::errc::io_error));
  own->end(errc::canceled, std::make_exception_ptr(std::runtime_error("too late")));
  CHECK(ctx.err() == std::errc::io_error);
  CHECK(child.err() == std::errc::io_error);
  CHECK(why(child) == std::make_error_code(std::errc::io_error).message());
  CHECK(own_cause.err() == errc::canceled);
  CHECK(why(own_cause) == "its own");
  CHECK_THROWS_AS(own->end(std::error_code()), std::invalid_argument);

  const context caused = make_context<own_context>();
  custom_cast<own_context>(caused)->end(errc::deadline_exceeded,
                                        std::make_exception_ptr(std::runtime_error("slow")));
  CHECK(caused.err() == std::errc::timed_out);
  CHECK(why(caused) == "slow");
}

TEST_CASE("CX57: a child of a custom context that has ended is born ended") {
  const context ctx = make_context<own_context>();
  custom_cast<own_context>(ctx)->end(std::make_error_code(std::errc::io_error));
  auto [child, cancel] = with_cancel(ctx);
  CHECK(child.err() == std::errc::io_error);
  CHECK(children_of(ctx) == 0);
}

TEST_CASE("CX34: one with a parent ends with it, or before it by itself") {
  auto [parent, cancel] = with_cancel_cause(with_value(background(), number_key, 3));
  const context ctx = make_context<own_context>(parent);
  const context early = make_context<own_context>(parent);
  CHECK(children_of(parent) == 2);
  custom_cast<own_context>(early)->end(errc::canceled);
  CHECK(children_of(parent) == 1);
  CHECK(*ctx.value(number_key) == 3);
  CHECK(*ctx.value(inner_key) == 7);
  auto [below, cancel_below] = with_cancel(ctx);
  CHECK(*below.value(inner_key) == 7);
  CHECK(!parent.value(inner_key));
  cancel(std::runtime_error("parent"));
  CHECK(why(ctx) == "parent");
  CHECK(why(below) == "parent");
  CHECK(why(early) == "context canceled");  // the first ending counts, see docs/design/context.md
}

TEST_CASE("CX21: a custom deadline is seen by what is derived") {
  const context ctx = make_context<own_context>();
  const auto due = std::chrono::steady_clock::now() + 1h;
  custom_cast<own_context>(ctx)->due = due;
  CHECK(ctx.deadline() == due);
  auto [child, cancel] = with_cancel(with_value(ctx, number_key, 1));
  CHECK(child.deadline() == due);
  auto [later, cancel_later] = with_timeout(ctx, 2h);  // needs no timer: the parent's is earlier
  CHECK(later.deadline() == due);
}

TEST_CASE("CX63: a custom context prints its type, or what it likes") {
  const context ctx = make_context<own_context>(todo());
  CHECK(to_string(ctx) == "context.TODO.(anonymous namespace)::own_context");
  auto [child, cancel] = with_cancel(make_context<printing>());
  CHECK(to_string(child) == "printing.WithCancel");
}

TEST_CASE("it is ended, unlinked and destroyed when the last handle goes") {
  auto [parent, cancel] = with_cancel(background());
  auto token = std::make_shared<int>();
  context child;
  cancel_function cancel_child;
  {
    const context ctx = make_context<own_context>(parent, token);
    auto [c, k] = with_cancel(ctx);
    child = c;
    cancel_child = std::move(k);
    CHECK(token.use_count() == 2);
  }
  CHECK(token.use_count() == 2);  // the child keeps it
  CHECK(!child.err());
  CHECK(children_of(parent) == 1);
  cancel_child();
  child = nullptr;
  CHECK(token.use_count() == 2);  // the cancel object has a reference, too
  cancel_child = {};
  CHECK(token.use_count() == 1);
  CHECK(children_of(parent) == 0);
}

TEST_CASE("a constructor that throws, or an object on the stack, leaves nothing in the tree") {
  auto [parent, cancel] = with_cancel(background());
  CHECK_THROWS_AS(static_cast<void>(make_context<throwing>(parent)), std::runtime_error);
  CHECK(children_of(parent) == 0);
  {
    own_context local(parent);
    CHECK(children_of(parent) == 1);
    local.end(errc::canceled);
  }
  {
    own_context local(parent);
    CHECK(children_of(parent) == 1);
  }
  CHECK(children_of(parent) == 0);
  CHECK_THROWS_AS(own_context{context()}, std::invalid_argument);
}

TEST_CASE("the last handle goes while the parent is being cancelled") {
  for (int round = 0; round < 500; ++round) {
    auto [parent, cancel] = with_cancel(background());
    auto token = std::make_shared<int>();
    context ctx = make_context<own_context>(parent, token);
    std::thread dropper([ctx = std::move(ctx)]() mutable { ctx = nullptr; });
    std::thread other([&parent = parent] {
      try {
        static_cast<void>(make_context<throwing>(parent));
      } catch (const std::runtime_error&) {
      }
    });
    cancel();
    dropper.join();
    other.join();
    CHECK(token.use_count() == 1);
  }
}
