// SPDX-License-Identifier: MIT
// Channels as values, their types and directions, and what happens to elements of every kind.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <map>
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

// --- directions ------------------------------------------------------------------------------------

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

// --- elements --------------------------------------------------------------------------------------

/// Tells which goroutine moves, assigns and destroys, and whether that is under the lock of the
/// channel; for cases with one worker.
struct witness {
  struct counts {
    int moves = 0;
    int assignments = 0;
    int destructions = 0;
  };
  static inline std::map<unsigned long long, counts> by;  // by goroutine
  static inline chan<witness> home;
  static inline int under_lock = 0;
  static inline std::size_t seen_by_moves = 0;  // a move may ask for size(), also under the lock
  static inline int live = 0;

  static counts& mine() { return by[this_goroutine::id()]; }
  static void begin(std::size_t capacity) {
    home = make_chan<witness>(capacity);
    by.clear();
    under_lock = 0;
  }
  static void end() { home = {}; }

  int value = 0;

  witness() noexcept { ++live; }
  explicit witness(int v) noexcept : value(v) { ++live; }
  witness(witness&& other) noexcept : value(std::exchange(other.value, 0)) {
    ++live;
    ++mine().moves;
    seen_by_moves += home.size();
  }
  witness& operator=(witness&& other) noexcept {
    value = std::exchange(other.value, 0);
    ++mine().assignments;
    look_at_lock();
    return *this;
  }
  ~witness() {
    --live;
    if (!home) return;
    ++mine().destructions;
    look_at_lock();
  }

 private:
  static void look_at_lock() {
    if (detail::wait_lock::is_held(home.core()->lock.version())) ++under_lock;
  }
};

/// Its destructor receives the next one from its channel, if it has a value.
struct chained {
  static inline chan<chained> home;
  static inline int received = 0;

  int value;

  explicit chained(int v) noexcept : value(v) {}
  chained(chained&& other) noexcept : value(std::exchange(other.value, 0)) {}
  chained& operator=(chained&&) = delete;
  ~chained() {
    if (value == 0) return;
    std::optional<chained> next;
    if (home.try_recv(next) == recv_status::received) ++received;
  }
};

/// Its moves succeed `moves` times, then the next one throws.
struct fragile {
  static inline int live = 0;

  int value = 0;
  int moves = 0;

  fragile(int v, int m) noexcept : value(v), moves(m) { ++live; }
  fragile(fragile&& other) : value(other.value), moves(other.moves - 1) {
    if (other.moves == 0) throw std::runtime_error("move of " + std::to_string(value));
    ++live;
  }
  fragile& operator=(fragile&&) = delete;
  ~fragile() { --live; }
};

/// What receiving from `c` gives: the value, "closed", or the message of the exception.
task<std::string> receive_text(recv_chan<fragile> c) {
  try {
    std::optional<fragile> got = co_await c.recv();
    if (!got) co_return "closed";
    co_return std::to_string(got->value);
  } catch (const std::runtime_error& e) {
    co_return e.what();
  }
}

/// The same for sending.
task<std::string> send_text(send_chan<fragile> c, int value, int moves) {
  try {
    co_await c.send(fragile(value, moves));
    co_return "sent";
  } catch (const std::exception& e) {
    co_return e.what();
  }
}

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
      go([](chan<std::unique_ptr<int>> to) -> task<> {
        for (int i = 0; i < 10; ++i) co_await to.send(std::make_unique<int>(i));
        to.close();
      }, c);
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
      go([](chan<std::unique_ptr<int>> from, chan<std::unique_ptr<int>> back) -> task<> {
        std::optional<std::unique_ptr<int>> got = co_await from.recv();
        co_await back.send(std::move(*got));
      }, d, d);
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
    go([](recv_chan<request> in) -> task<> {
      while (std::optional<request> r = co_await in.recv()) {
        co_await r->reply.send(request{r->number * 2, {}});
      }
    }, requests);
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

TEST_CASE("no destructor and no assignment of a user runs in another goroutine or under the lock") {
  for (std::size_t capacity : {0, 1}) {
    CAPTURE(capacity);
    run_test(1, [capacity]() -> task<> {
      witness::begin(capacity);
      witness::counts before;
      {
        // A receiver waits; the sender destroys nothing, though the value goes to the other side.
        witness x(1);
        go([]() -> task<> {
          witness got;
          bool ok = co_await witness::home.recv(got);
          CHECK(ok);
          CHECK(got.value == 1);
          CHECK(witness::mine().assignments == 1);
        });
        co_await until_quiet();
        before = witness::mine();
        co_await witness::home.send(std::move(x));
        CHECK(witness::mine().destructions == before.destructions);
        CHECK(witness::mine().assignments == before.assignments);
        co_await until_quiet();
        CHECK(x.value == 0);
      }
      {
        // Senders wait; the receiver destroys what is its own, and nothing of theirs.
        for (int i = 0; i <= static_cast<int>(capacity); ++i) {
          go([](int value) -> task<> {
            witness x(value);
            co_await witness::home.send(std::move(x));
            CHECK(x.value == 0);
            CHECK(witness::mine().assignments == 0);
            CHECK(witness::mine().destructions == 0);
          }, 10 + i);
          if (i == static_cast<int>(capacity)) co_await until_quiet();
        }
        before = witness::mine();
        {
          std::optional<witness> got = co_await witness::home.recv();
          REQUIRE(got);
          CHECK(got->value >= 10);
        }
        CHECK(witness::mine().assignments == before.assignments);
        std::optional<witness> rest;
        if (capacity == 1) co_await witness::home.recv(rest);
        rest.reset();
        co_await until_quiet();
      }
      {
        // A close wakes senders; each destroys its own value.
        if (capacity == 1) co_await witness::home.send(witness(20));
        go([]() -> task<> {
          witness x(21);
          bool refused = false;
          try {
            co_await witness::home.send(std::move(x));
          } catch (const closed_channel&) {
            refused = true;
          }
          CHECK(refused);
          CHECK(x.value == 21);  // it was not moved from
        });
        co_await until_quiet();
        before = witness::mine();
        witness::home.close();
        CHECK(witness::mine().destructions == before.destructions);
        CHECK(witness::mine().assignments == before.assignments);
        co_await until_quiet();
      }
      CHECK(witness::under_lock == 0);
      witness::end();
    });
    CHECK(witness::live == 0);
  }
}

TEST_CASE("an element's destructor may use its channel") {
  run_test(1, []() -> task<> {
    chained::home = make_chan<chained>(5);
    chained::received = 0;
    for (int i = 1; i <= 5; ++i) co_await chained::home.send(chained(i));
    go([]() -> task<> { co_await chained::home.send(chained(6)); });
    co_await until_quiet();
    {
      std::optional<chained> first = co_await chained::home.recv();
      CHECK(first->value == 1);
      CHECK(chained::home.size() == 5);
    }
    CHECK(chained::received == 5);
    CHECK(chained::home.size() == 0);
    chained::home = {};
  });
}

TEST_CASE("a move that throws reaches the receiver, and the channel stays sound") {
  run_test(1, []() -> task<> {
    auto results = make_chan<std::string>(8);
    for (std::size_t capacity : {0, 1}) {
      CAPTURE(capacity);
      auto c = make_chan<fragile>(capacity);
      const auto receiver = [](chan<fragile> from, chan<std::string> to) -> task<> {
        std::string text = co_await receive_text(from);
        co_await to.send(std::move(text));
      };
      go(receiver, c, results);
      co_await until_quiet();
      std::string sent = co_await send_text(c, 1, 0);
      CHECK(sent == "sent");
      std::optional<std::string> got = co_await results.recv();
      CHECK(got == "move of 1");
      // From the waiter's room into the optional.
      go(receiver, c, results);
      co_await until_quiet();
      sent = co_await send_text(c, 2, 1);
      CHECK(sent == "sent");
      got = co_await results.recv();
      CHECK(got == "move of 2");
      // Sound: the next value passes.
      go(receiver, c, results);
      co_await until_quiet();
      sent = co_await send_text(c, 3, 100);
      CHECK(sent == "sent");
      got = co_await results.recv();
      CHECK(got == "3");
    }
  });
  CHECK(fragile::live == 0);
}

TEST_CASE("a move that throws: senders wait, and the buffer is refilled from them") {
  run_test(1, []() -> task<> {
    for (std::size_t capacity : {0, 1, 2}) {
      CAPTURE(capacity);
      auto c = make_chan<fragile>(capacity);
      auto results = make_chan<std::string>(16);
      const auto sender = [](chan<fragile> to, int value, int moves,
                             chan<std::string> result) -> task<> {
        std::string text = co_await send_text(to, value, moves);
        co_await result.send(std::move(text));
      };
      // Each value breaks after so many moves: on its way into the buffer, out of it, into the result,
      // or never.
      const std::vector<int> moves = {100, 0, 1, 100, 2, 0, 0, 100};
      const int moves_to_the_end = capacity == 0 ? 2 : 3;
      for (std::size_t i = 0; i < moves.size(); ++i) {
        go(sender, c, static_cast<int>(i), moves[i], results);
        co_await until_quiet();
      }
      // In the order of the sends, each is received or throws in the receiver; none is skipped.
      for (std::size_t i = 0; i < moves.size(); ++i) {
        std::string text = co_await receive_text(c);
        const std::string number = std::to_string(i);
        CHECK(text == (moves[i] < moves_to_the_end ? "move of " + number : number));
      }
      for (std::size_t i = 0; i < moves.size(); ++i) {
        std::optional<std::string> sent = co_await results.recv();
        CHECK(sent == "sent");
      }
      CHECK(c.size() == 0);
      c.close();
      std::string text = co_await receive_text(c);
      CHECK(text == "closed");
    }
  });
  CHECK(fragile::live == 0);
}

TEST_CASE("a move that throws: what is left in a dropped channel is released") {
  {
    auto c = make_chan<fragile>(3);
    CHECK(c.try_send(fragile(1, 0)));
    CHECK(c.try_send(fragile(2, 5)));
    CHECK(c.try_send(fragile(3, 1)));
    CHECK(c.size() == 3);
    std::optional<fragile> got;
    CHECK_THROWS_WITH_AS(c.try_recv(got), "move of 1", std::runtime_error);
    CHECK(c.try_recv(got) == recv_status::received);
    CHECK(got->value == 2);
    CHECK(c.try_send(fragile(4, 0)));
  }
  CHECK(fragile::live == 0);
}

TEST_CASE("a move that throws: as a case of select") {
  run_test(1, []() -> task<> {
    auto c = make_chan<fragile>();
    auto other = make_chan<int>();
    auto results = make_chan<std::string>(1);
    go([](chan<fragile> from, chan<int> second, chan<std::string> to) -> task<> {
      std::string text = "nothing was thrown";
      std::optional<fragile> got;
      try {
        int chosen = co_await select(second.recv(), from.recv(got));
        text = std::to_string(chosen);
      } catch (const std::runtime_error& e) {
        text = e.what();
      }
      co_await to.send(std::move(text));
    }, c, other, results);
    co_await until_quiet();
    std::string sent = co_await send_text(c, 8, 0);
    CHECK(sent == "sent");
    std::optional<std::string> got = co_await results.recv();
    CHECK(got == "move of 8");
    CHECK_FALSE(other.try_send(1));  // the select has left it
  });
  CHECK(fragile::live == 0);
}
