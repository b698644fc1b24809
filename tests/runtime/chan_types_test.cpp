// SPDX-License-Identifier: MIT
// Channels as values, their types and directions, and elements of every kind.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

using namespace burrow;

namespace {

// --- directions ----------------------------------------------------------------------------------

template <class C>
concept can_send = requires(C c, int x) { c.send(x); };
template <class C>
concept can_receive = requires(C c, int& x) { c.recv(x); };
template <class C>
concept can_close = requires(C c) { c.close(); };

static_assert(can_send<chan<int>> && can_receive<chan<int>> && can_close<chan<int>>);
static_assert(can_send<send_chan<int>> && !can_receive<send_chan<int>> &&
              can_close<send_chan<int>>);
static_assert(!can_send<recv_chan<int>> && can_receive<recv_chan<int>> &&
              !can_close<recv_chan<int>>);

static_assert(std::is_convertible_v<chan<int>, send_chan<int>>);
static_assert(std::is_convertible_v<chan<int>, recv_chan<int>>);
static_assert(!std::is_constructible_v<chan<int>, send_chan<int>>);
static_assert(!std::is_constructible_v<chan<int>, recv_chan<int>>);
static_assert(!std::is_constructible_v<send_chan<int>, recv_chan<int>>);
static_assert(!std::is_constructible_v<recv_chan<int>, send_chan<int>>);
static_assert(!std::is_constructible_v<send_chan<long>, chan<int>>);
static_assert(!std::is_assignable_v<chan<int>&, send_chan<int>>);
static_assert(!std::is_assignable_v<chan<int>&, recv_chan<int>>);

static_assert(std::is_nothrow_copy_constructible_v<chan<int>>);
static_assert(std::is_nothrow_move_constructible_v<chan<std::unique_ptr<int>>>);
static_assert(sizeof(chan<std::string>) == sizeof(void*));

// --- elements ------------------------------------------------------------------------------------

struct no_default {
  explicit no_default(int v) : value(v) {}
  int value;
};
static_assert(!std::is_default_constructible_v<no_default>);

struct empty_with_destructor {
  static inline int live = 0;
  empty_with_destructor() { ++live; }
  empty_with_destructor(empty_with_destructor&&) noexcept { ++live; }
  empty_with_destructor& operator=(empty_with_destructor&&) = default;
  ~empty_with_destructor() { --live; }
};
static_assert(std::is_empty_v<empty_with_destructor>);

struct big {
  std::uint64_t words[40] = {};
};

struct request {  // a type may hold a channel of itself
  int number = 0;
  chan<request> reply;
};

TEST_CASE("a value is made in braces where it is sent") {
  struct point {
    int x;
    int y;
  };
  run_test(1, []() -> task<> {
    auto c = make_chan<point>(3);
    co_await c.send({1, 2});
    const bool sent = c.try_send({3, 4});
    CHECK(sent);
    const int chosen = co_await select(c.send({5, 6}), otherwise);
    CHECK(chosen == 0);
    for (int i = 1; i < 7; i += 2) {
      const auto p = co_await c.recv();
      CHECK(p->x == i);
      CHECK(p->y == i + 1);
    }
  });
}

}  // namespace

TEST_CASE("CH1: copies denote the same channel, equality is identity, channels are keys") {
  auto c = make_chan<int>(1);
  chan<int> copy = c;
  auto other = make_chan<int>(1);
  CHECK(c == copy);
  CHECK(c != other);
  CHECK(chan<int>() == chan<int>());
  CHECK(c != chan<int>());

  CHECK(copy.try_send(7));
  int v = 0;
  CHECK(c.try_recv(v) == recv_status::received);
  CHECK(v == 7);

  send_chan<int> in = c;
  recv_chan<int> out = c;
  CHECK(in == c);
  CHECK(out == c);
  CHECK(in == out);
  CHECK(out != recv_chan<int>(other));

  std::unordered_set<chan<int>> set{c, copy, other, chan<int>()};
  CHECK(set.size() == 3);
  CHECK(set.contains(copy));
  CHECK(std::unordered_set<send_chan<int>>{c, copy, other}.size() == 2);
  CHECK(std::unordered_set<recv_chan<int>>{c, copy, other}.size() == 2);
}

TEST_CASE("CH2 CH5: a default-constructed channel is nil") {
  chan<std::string> nil;
  CHECK_FALSE(nil);
  CHECK(nil.size() == 0);
  CHECK(nil.capacity() == 0);
  CHECK(make_chan<std::string>());
  CHECK_FALSE(send_chan<int>());
  CHECK_FALSE(recv_chan<int>());
}

TEST_CASE("CH3: a capacity that cannot be had is refused") {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK_THROWS_WITH_AS(make_chan<int>(most), "makechan: size out of range", std::length_error);
  CHECK_THROWS_WITH_AS(make_chan<int>(most / 2), "makechan: size out of range", std::length_error);
  CHECK_THROWS_WITH_AS(make_chan<char>(std::size_t{1} << 48), "makechan: size out of range",
                       std::length_error);
  CHECK_THROWS_WITH_AS(make_chan<std::string>(most / sizeof(std::string)),
                       "makechan: size out of range", std::length_error);
  // A capacity that makes the size wrap around to something small.
  CHECK_THROWS_WITH_AS(make_chan<std::uint64_t>(most / 8 + 2), "makechan: size out of range",
                       std::length_error);
  // Negative, also where an element takes no room.
  const int negative = -1;
  CHECK_THROWS_AS(make_chan<big>(static_cast<std::size_t>(negative)), std::length_error);
  CHECK_THROWS_AS(make_chan<>(static_cast<std::size_t>(negative)), std::length_error);
}

TEST_CASE("CH4: elements of size zero are legal for any capacity") {
  auto c = make_chan<>(std::numeric_limits<std::size_t>::max() / 2);
  CHECK(c.capacity() == std::numeric_limits<std::size_t>::max() / 2);
  for (int i = 0; i < 1000; ++i) CHECK(c.try_send());
  CHECK(c.size() == 1000);
  unit u;
  CHECK(c.try_recv(u) == recv_status::received);
  CHECK(c.size() == 999);

  auto d = make_chan<empty_with_destructor>(2);
  CHECK(d.try_send(empty_with_destructor()));
  CHECK(d.try_send(empty_with_destructor()));
  CHECK_FALSE(d.try_send(empty_with_destructor()));
  CHECK(empty_with_destructor::live == 2);
  {
    empty_with_destructor e;
    CHECK(d.try_recv(e) == recv_status::received);
  }
  CHECK(empty_with_destructor::live == 1);
  d = {};
  CHECK(empty_with_destructor::live == 0);
}

TEST_CASE("CH26 CH27: the views of a channel send, receive and close it") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    send_chan<int> in = c;
    recv_chan<int> out = c;
    co_await in.send(3);
    std::optional<int> got = co_await out.recv();
    CHECK(got == 3);
    CHECK(in.capacity() == 1);
    CHECK(out.size() == 0);
    in.close();
    got = co_await out.recv();
    CHECK_FALSE(got);
    in = send_chan<int>();
    CHECK_THROWS_AS(in.close(), nil_channel);
  });
}

TEST_CASE("CH9: a value is copied when it is sent") {
  run_test(1, []() -> task<> {
    auto buffered = make_chan<std::string>(1);
    std::string text = "first";
    co_await buffered.send(text);
    text = "second";
    std::optional<std::string> got = co_await buffered.recv();
    CHECK(got == "first");

    // Also while the sender waits, and nobody has received it yet.
    auto c = make_chan<std::string>();
    auto shared = std::make_shared<std::string>("kept");
    go([](chan<std::string> to, std::shared_ptr<std::string> s) -> task<> { co_await to.send(*s); },
       c, shared);
    co_await until_quiet();
    *shared = "changed";
    got = co_await c.recv();
    CHECK(got == "kept");

    auto numbers = make_chan<int>();
    auto number = std::make_shared<int>(1);
    go([](chan<int> to, std::shared_ptr<int> n) -> task<> { co_await to.send(*n); }, numbers,
       number);
    co_await until_quiet();
    *number = 2;
    std::optional<int> first = co_await numbers.recv();
    CHECK(first == 1);
  });
}

TEST_CASE("what converts to the element can be sent, and stays what it was if it is not sent") {
  run_test(1, []() -> task<> {
    auto texts = make_chan<std::string>(2);
    co_await texts.send("a literal");
    CHECK(texts.try_send(std::string_view("x").data()));
    std::optional<std::string> got = co_await texts.recv();
    CHECK(got == "a literal");

    auto full = make_chan<std::string>();
    std::string kept = "a string that is too long for the small buffer";
    CHECK_FALSE(full.try_send(std::move(kept)));
    CHECK(kept == "a string that is too long for the small buffer");

    auto pointers = make_chan<std::unique_ptr<int>>(1);
    auto p = std::make_unique<int>(1);
    CHECK(pointers.try_send(std::move(p)));
    CHECK_FALSE(p);
    p = std::make_unique<int>(2);
    CHECK_FALSE(pointers.try_send(std::move(p)));
    REQUIRE(p);
    CHECK(*p == 2);
    pointers.close();
    CHECK_THROWS_AS(pointers.try_send(std::move(p)), closed_channel);
    CHECK(p);
  });
}

TEST_CASE("move-only elements, on every path") {
  for (std::size_t capacity : {0, 1, 3}) {
    run_test(1, [capacity]() -> task<> {
      auto c = make_chan<std::unique_ptr<int>>(capacity);
      go(
          [](chan<std::unique_ptr<int>> to) -> task<> {
            for (int i = 0; i < 10; ++i) co_await to.send(std::make_unique<int>(i));
            to.close();
          },
          c);
      co_await until_quiet();  // the first sender waits
      int next = 0;
      std::unique_ptr<int> p;
      for (;;) {
        bool ok = co_await c.recv(p);
        if (!ok) break;
        REQUIRE(p);
        CHECK(*p == next);
        ++next;
      }
      CHECK(next == 10);
      CHECK_FALSE(p);  // set to T{} by the close

      auto d = make_chan<std::unique_ptr<int>>(capacity);
      go(
          [](chan<std::unique_ptr<int>> from, chan<std::unique_ptr<int>> back) -> task<> {
            std::optional<std::unique_ptr<int>> got = co_await from.recv();
            co_await back.send(std::move(*got));
          },
          d, d);
      co_await until_quiet();  // the receiver waits
      co_await d.send(std::make_unique<int>(5));
      std::optional<std::unique_ptr<int>> got = co_await d.recv();
      REQUIRE(got);
      CHECK(**got == 5);
    });
  }
}

TEST_CASE("elements without a default are received into an optional") {
  run_test(1, []() -> task<> {
    auto c = make_chan<no_default>(1);
    std::optional<no_default> v;
    co_await c.send(no_default(4));
    bool ok = co_await c.recv(v);
    CHECK(ok);
    REQUIRE(v);
    CHECK(v->value == 4);
    CHECK(c.try_recv(v) == recv_status::empty);
    CHECK(v);
    CHECK(c.try_send(no_default(5)));
    CHECK(c.try_recv(v) == recv_status::received);
    CHECK(v->value == 5);
    co_await c.send(no_default(6));
    int chosen = co_await select(c.recv(v));
    CHECK(chosen == 0);
    CHECK(v->value == 6);
    c.close();
    ok = co_await c.recv(v);
    CHECK_FALSE(ok);
    CHECK_FALSE(v);
  });
}

TEST_CASE("large and small trivial elements arrive whole") {
  run_test(1, []() -> task<> {
    auto c = make_chan<big>(2);
    auto odd = make_chan<std::array<char, 3>>(2);
    for (std::uint64_t round = 0; round < 5; ++round) {
      big b;
      for (std::uint64_t& w : b.words) w = round;
      b.words[39] = round + 100;
      co_await c.send(b);
      std::optional<big> got = co_await c.recv();
      REQUIRE(got);
      CHECK(got->words[0] == round);
      CHECK(got->words[39] == round + 100);
      const std::array<char, 3> three{'a', 'b', static_cast<char>('c' + round)};
      co_await odd.send(three);
      std::optional<std::array<char, 3>> back = co_await odd.recv();
      CHECK(back == three);
    }
  });
}

TEST_CASE("CH35: channels travel over channels, also over themselves") {
  run_test(1, []() -> task<> {
    auto requests = make_chan<request>();
    go(
        [](recv_chan<request> in) -> task<> {
          while (std::optional<request> r = co_await in.recv()) {
            co_await r->reply.send(request{r->number * 2, {}});
          }
        },
        requests);
    auto reply = make_chan<request>();
    co_await requests.send(request{21, reply});
    request answer;
    co_await reply.recv(answer);
    CHECK(answer.number == 42);
    requests.close();

    auto self = make_chan<request>(1);
    co_await self.send(request{1, self});
    request back;
    co_await self.recv(back);
    CHECK(back.reply == self);
    back.reply = {};

    // The value of a send may itself be received.
    auto a = make_chan<int>(1);
    auto b = make_chan<int>(1);
    co_await a.send(9);
    co_await b.send(*co_await a.recv());
    std::optional<int> v = co_await b.recv();
    CHECK(v == 9);
  });
}

TEST_CASE("CH31: a received element leaves the channel's memory at once") {
  auto held = std::make_shared<int>(1);
  auto c = make_chan<std::shared_ptr<int>>(4);
  CHECK(c.try_send(held));
  CHECK(c.try_send(held));
  CHECK(held.use_count() == 3);
  {
    std::shared_ptr<int> got;
    CHECK(c.try_recv(got) == recv_status::received);
    CHECK(held.use_count() == 3);
  }
  CHECK(held.use_count() == 2);
  // What is left goes with the channel.
  c = {};
  CHECK(held.use_count() == 1);
}
