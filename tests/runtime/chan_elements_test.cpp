// SPDX-License-Identifier: MIT
// What happens to a channel's elements: who moves, assigns and destroys them, and what follows when
// a move throws.
#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace burrow;

namespace {

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

struct base {
  virtual ~base() = default;
  int number = 0;
};
struct derived : base {};

TEST_CASE("CH4: an rvalue of another type is converted in the instant in which it is sent") {
  run_test(1, []() -> task<> {
    auto full = make_chan<std::unique_ptr<base>>(1);
    auto kept = std::make_unique<derived>();
    kept->number = 7;
    const int sent = co_await select(full.send(std::move(kept)), otherwise);
    CHECK(sent == 0);
    CHECK(kept == nullptr);
    kept = std::make_unique<derived>();
    kept->number = 8;
    // The buffer is full, so this case is not the one, and the value stays.
    const int refused = co_await select(full.send(std::move(kept)), otherwise);
    CHECK(refused == 1);
    REQUIRE(kept != nullptr);
    const bool tried = full.try_send(std::move(kept));
    CHECK_FALSE(tried);
    REQUIRE(kept != nullptr);
    auto other = make_chan<int>(1);
    const int chosen = co_await select(full.send(std::move(kept)), other.send(1));
    CHECK(chosen == 1);
    REQUIRE(kept != nullptr);
    auto [ended, cancel] = with_cancel(background());
    cancel();
    const std::error_code error = co_await full.send(ended, std::move(kept));
    CHECK(error == errc::canceled);
    REQUIRE(kept != nullptr);
    CHECK(kept->number == 8);
    // To a receiver that waits, and from a sender that waits.
    auto first = co_await full.recv();
    CHECK(first.value()->number == 7);
    int got = 0;
    go([&]() -> task<> {
      auto v = co_await full.recv();
      got = v.value()->number;
    });
    co_await until_quiet();
    co_await full.send(std::move(kept));
    CHECK(kept == nullptr);
    co_await until_quiet();
    CHECK(got == 8);
  });
}

TEST_CASE("CH4: a conversion that throws leaves its exception to the receiver, as a move does") {
  struct fragile {
    std::string text;
    struct source {
      std::string text;
      operator fragile() && { throw std::runtime_error("cannot convert " + text); }
    };
  };
  run_test(1, []() -> task<> {
    auto c = make_chan<fragile>(1);
    co_await c.send(fragile::source{"this"});
    std::string what;
    try {
      co_await c.recv();
    } catch (const std::runtime_error& e) {
      what = e.what();
    }
    CHECK(what == "cannot convert this");
    CHECK(c.size() == 0);
  });
}

}  // namespace

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
          go(
              [](int value) -> task<> {
                witness x(value);
                co_await witness::home.send(std::move(x));
                CHECK(x.value == 0);
                CHECK(witness::mine().assignments == 0);
                CHECK(witness::mine().destructions == 0);
              },
              10 + i);
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
      // Each value breaks after so many moves: on its way into the buffer, out of it, into the
      // result, or never.
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
    go(
        [](chan<fragile> from, chan<int> second, chan<std::string> to) -> task<> {
          std::string text = "nothing was thrown";
          std::optional<fragile> got;
          try {
            int chosen = co_await select(second.recv(), from.recv(got));
            text = std::to_string(chosen);
          } catch (const std::runtime_error& e) {
            text = e.what();
          }
          co_await to.send(std::move(text));
        },
        c, other, results);
    co_await until_quiet();
    std::string sent = co_await send_text(c, 8, 0);
    CHECK(sent == "sent");
    std::optional<std::string> got = co_await results.recv();
    CHECK(got == "move of 8");
    CHECK_FALSE(other.try_send(1));  // the select has left it

    // Ready at once: out of the buffer, into it, and from a sender that waits.
    for (std::size_t capacity : {0, 1}) {
      for (int moves : {0, 1}) {
        CAPTURE(capacity);
        CAPTURE(moves);
        auto d = make_chan<fragile>(capacity);
        go(
            [](chan<fragile> to, int n) -> task<> {
              std::string text = co_await send_text(to, 9, n);
              CHECK(text == "sent");
            },
            d, moves);
        co_await until_quiet();
        std::string text = "nothing was thrown";
        std::optional<fragile> value;
        try {
          co_await select(other.recv(), d.recv(value));
        } catch (const std::runtime_error& e) {
          text = e.what();
        }
        CHECK(text == "move of 9");
        CHECK_FALSE(value);
        CHECK(d.size() == 0);
      }
    }
  });
  CHECK(fragile::live == 0);
}
