// SPDX-License-Identifier: MIT
// Values, and contexts that keep the values and not the end.
#include <doctest/doctest.h>

#include <burrow/context.hpp>
#include <context_test.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

inline constexpr context_key<int> number_key{"number"};
inline constexpr context_key<int> other_number_key{"number"};
inline constexpr context_key<std::string> text_key{"text"};
inline constexpr context_key<std::unique_ptr<int>> owned_key{"owned"};
inline constexpr context_key<const char*> pointer_key{"pointer"};

struct counted {
  explicit counted(int& alive) : alive_(&alive) { ++*alive_; }
  counted(counted&& other) noexcept : alive_(std::exchange(other.alive_, nullptr)) {}
  counted& operator=(counted&&) = delete;
  ~counted() {
    if (alive_ != nullptr) --*alive_;
  }

 private:
  int* alive_;
};
inline constexpr context_key<counted> counted_key{"counted"};

}  // namespace

TEST_CASE("CX38 CX39: a value is found from below by its key, and by no other") {
  const context a = with_value(background(), number_key, 1);
  const context b = with_value(a, text_key, "two");
  auto [c, cancel] = with_cancel(b);
  REQUIRE(c.value(number_key) != nullptr);
  CHECK(*c.value(number_key) == 1);
  CHECK(*c.value(text_key) == "two");
  CHECK(c.value(other_number_key) == nullptr);
  CHECK(a.value(text_key) == nullptr);
  CHECK(c.value(number_key) == a.value(number_key));
}

TEST_CASE("CX40: the nearer binding shadows, a null one too") {
  const context a = with_value(background(), number_key, 1);
  const context b = with_value(a, number_key, 2);
  CHECK(*a.value(number_key) == 1);
  CHECK(*b.value(number_key) == 2);
  const context c = with_value(with_value(a, pointer_key, "x"), pointer_key, nullptr);
  REQUIRE(c.value(pointer_key) != nullptr);
  CHECK(*c.value(pointer_key) == nullptr);
}

TEST_CASE("CX42 CX43: values outlive the end, which is the parent's") {
  auto [parent, cancel] = with_cancel(background());
  const context v = with_value(parent, number_key, 3);
  CHECK(v.done().source() == parent.done().source());
  CHECK(!v.deadline());
  cancel();
  CHECK(v.err() == errc::canceled);
  CHECK(*v.value(number_key) == 3);
}

TEST_CASE("a value is moved in, and destroyed with the last that can see it") {
  int alive = 0;
  context last;
  {
    const context v = with_value(background(), counted_key, counted(alive));
    auto [below, cancel] = with_cancel(v);
    last = below;
    CHECK(alive == 1);
  }
  CHECK(alive == 1);
  CHECK(last.value(counted_key) != nullptr);
  last = nullptr;
  CHECK(alive == 0);

  const context owner = with_value(background(), owned_key, std::make_unique<int>(4));
  CHECK(**owner.value(owned_key) == 4);
}

TEST_CASE("CX36 CX37: without_cancel keeps the values, and cuts off the end") {
  auto [parent, cancel] = with_cancel(with_value(background(), number_key, 5));
  const context free = without_cancel(parent);
  auto [child, cancel_child] = with_cancel(free);
  auto stop = after_func(free, [] { FAIL("this can never run"); });
  cancel();
  CHECK(free.done().source() == nullptr);
  CHECK(!free.err());
  CHECK(!free.cause());
  CHECK(!free.deadline());
  CHECK(!child.err());
  CHECK(*child.value(number_key) == 5);
  CHECK(detail::node_of(free)->detachments == 1);
  CHECK(detail::node_of(child)->detachments == 1);
  CHECK(detail::node_of(with_value(without_cancel(child), number_key, 1))->detachments == 2);
  CHECK(detail::node_of(parent)->detachments == 0);
  cancel_child();
  CHECK(child.err() == errc::canceled);
  CHECK(stop());
}
