// SPDX-License-Identifier: MIT
// The forms with a Context first: c.send(ctx, x), c.recv(ctx, v), c.recv(ctx).
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

struct no_default {
  explicit no_default(int v) : value(v) {}
  int value;
};

}  // namespace

TEST_CASE("a form with a Context first is the plain operation while the Context lives") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto c = make_chan<int>(1);
    int v = 0;
    std::error_code error = co_await c.send(ctx, 1);
    CHECK_FALSE(error);
    error = co_await c.recv(ctx, v);
    CHECK_FALSE(error);
    CHECK(v == 1);
    error = co_await c.send(background(), 2);  // that never ends
    CHECK_FALSE(error);
    std::optional<int> got = co_await c.recv(background());
    CHECK(got == 2);

    // Waiting, on both sides.
    auto u = make_chan<std::string>();
    go(
        [](context own, chan<std::string> to) -> task<> {
          std::error_code sent = co_await to.send(own, "text");
          CHECK_FALSE(sent);
        },
        ctx, u);
    co_await until_quiet();
    std::string text;
    error = co_await u.recv(ctx, text);
    CHECK_FALSE(error);
    CHECK(text == "text");
    go(
        [](context own, chan<std::string> from) -> task<> {
          std::optional<std::string> received = co_await from.recv(own);
          CHECK(received == "more");
        },
        ctx, u);
    co_await until_quiet();
    co_await u.send("more");
    co_await until_quiet();
    CHECK(parked_goroutines() == 0);

    auto objects = make_chan<no_default>(1);
    std::optional<no_default> object;
    error = co_await objects.send(ctx, no_default(6));
    CHECK_FALSE(error);
    error = co_await objects.recv(ctx, object);
    CHECK_FALSE(error);
    REQUIRE(object);
    CHECK(object->value == 6);
  });
}

TEST_CASE("a Context that has ended comes first, whatever the channel offers") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    cancel();
    auto c = make_chan<std::unique_ptr<int>>(2);
    co_await c.send(std::make_unique<int>(1));
    for (int i = 0; i < 20; ++i) {  // never by chance
      auto p = std::make_unique<int>(2);
      std::error_code error = co_await c.send(ctx, std::move(p));
      CHECK(error == errc::canceled);
      CHECK(error == std::errc::operation_canceled);
      CHECK(p);  // it was not moved from
      std::unique_ptr<int> v;
      error = co_await c.recv(ctx, v);
      CHECK(error == errc::canceled);
      CHECK_FALSE(v);
      std::optional<std::unique_ptr<int>> got = co_await c.recv(ctx);
      CHECK_FALSE(got);
    }
    CHECK(c.size() == 1);
    c.close();
    std::error_code error = co_await c.send(ctx, nullptr);
    CHECK(error == errc::canceled);
  });
}

TEST_CASE("a Context that ends ends the wait, and nobody waits on the channel any more") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto results = make_chan<std::error_code>(3);
    auto [ctx, cancel] = with_cancel(background());
    go(
        [](context own, chan<int> from, chan<std::error_code> out) -> task<> {
          int v = 7;
          std::error_code error = co_await from.recv(own, v);
          CHECK(v == 7);
          co_await out.send(error);
        },
        ctx, c, results);
    go(
        [](context own, chan<int> from, chan<std::error_code> out) -> task<> {
          std::optional<int> got = co_await from.recv(own);
          CHECK_FALSE(got);
          co_await out.send(own.err());
        },
        ctx, c, results);
    co_await until_quiet();
    cancel();
    CHECK_FALSE(c.try_send(1));  // though they have not run yet
    for (int i = 0; i < 2; ++i) {
      std::optional<std::error_code> error = co_await results.recv();
      CHECK(*error == errc::canceled);
    }
    CHECK_FALSE(c.try_send(1));

    auto [late, cancel_late] = with_timeout(background(), 1ms);
    std::error_code error = co_await c.send(late, 1);
    CHECK(error == errc::deadline_exceeded);
    CHECK(error == std::errc::timed_out);
    int v = 0;
    CHECK(c.try_recv(v) == recv_status::empty);
    error = co_await chan<int>().recv(late, v);
    CHECK(error == errc::deadline_exceeded);
    auto [brief, cancel_brief] = with_timeout(background(), 1ms);
    error = co_await chan<int>().send(brief, 1);  // a nil channel, while it waits
    CHECK(error == errc::deadline_exceeded);
  });
}

TEST_CASE("closed channels: an error, not an exception") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto c = make_chan<int>(1);
    co_await c.send(3);
    c.close();
    std::error_code error = co_await c.send(ctx, 4);
    CHECK(error == errc::closed);
    int v = 0;
    error = co_await c.recv(ctx, v);
    CHECK_FALSE(error);
    CHECK(v == 3);
    error = co_await c.recv(ctx, v);
    CHECK(error == errc::closed);
    CHECK(v == 0);
    std::optional<int> got = co_await c.recv(ctx);
    CHECK_FALSE(got);

    // Closed while they wait.
    auto u = make_chan<int>();
    auto w = make_chan<int>();
    auto results = make_chan<std::error_code>(2);
    go(
        [](context own, chan<int> to, chan<std::error_code> out) -> task<> {
          std::error_code e = co_await to.send(own, 1);
          co_await out.send(e);
        },
        ctx, u, results);
    go(
        [](context own, chan<int> from, chan<std::error_code> out) -> task<> {
          int x = 5;
          std::error_code e = co_await from.recv(own, x);
          CHECK(x == 0);
          co_await out.send(e);
        },
        ctx, w, results);
    co_await until_quiet();
    u.close();
    w.close();
    for (int i = 0; i < 2; ++i) {
      std::optional<std::error_code> e = co_await results.recv();
      CHECK(*e == errc::closed);
    }
  });
}

TEST_CASE("a nil Context is refused") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    co_await c.send(1);
    int v = 0;
    context nil = nullptr;
    CHECK_THROWS_AS(static_cast<void>(c.recv(nil, v)), std::invalid_argument);
    CHECK_THROWS_AS(static_cast<void>(c.recv(nil)), std::invalid_argument);
    CHECK_THROWS_AS(static_cast<void>(c.send(nil, 1)), std::invalid_argument);
    CHECK(c.size() == 1);
  });
}

TEST_CASE("on a channel of Contexts recv(x) receives into x") {
  run_test(1, []() -> task<> {
    auto c = make_chan<context>(2);
    auto [ctx, cancel] = with_cancel(background());
    co_await c.send(ctx);
    context got = background();
    bool ok = co_await c.recv(got);
    CHECK(ok);
    cancel();
    CHECK(got.err() == errc::canceled);

    std::error_code error = co_await c.send(background(), ctx);
    CHECK_FALSE(error);
    context other = background();
    error = co_await c.recv(background(), other);
    CHECK_FALSE(error);
    CHECK(other.err() == errc::canceled);
    error = co_await c.recv(ctx, other);
    CHECK(error == errc::canceled);
  });
}

TEST_CASE("a move that throws passes through a form with a Context first") {
  struct bomb {
    bomb() = default;
    bomb(bomb&& other) : armed(other.armed) {
      if (armed) throw std::runtime_error("move");
    }
    bool armed = false;
  };
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto c = make_chan<bomb>();
    auto results = make_chan<std::string>(1);
    go(
        [](context own, chan<bomb> from, chan<std::string> out) -> task<> {
          std::string text = "nothing";
          try {
            co_await from.recv(own);
          } catch (const std::runtime_error& e) {
            text = e.what();
          }
          co_await out.send(std::move(text));
        },
        ctx, c, results);
    co_await until_quiet();
    bomb armed;
    armed.armed = true;
    std::error_code error = co_await c.send(ctx, std::move(armed));
    CHECK_FALSE(error);
    std::optional<std::string> text = co_await results.recv();
    CHECK(text == "move");
  });
}

TEST_CASE("a send whose Context ends keeps its value, one that was received has given it") {
  run_test(1, []() -> task<> {
    auto c = make_chan<std::unique_ptr<int>>();
    auto results = make_chan<bool>(1);
    for (bool cancelled : {true, false}) {
      auto [ctx, cancel] = with_cancel(background());
      go(
          [](context own, chan<std::unique_ptr<int>> to, chan<bool> out) -> task<> {
            auto p = std::make_unique<int>(1);
            std::error_code error = co_await to.send(own, std::move(p));
            CHECK((p != nullptr) == static_cast<bool>(error));
            co_await out.send(p != nullptr);
          },
          ctx, c, results);
      co_await until_quiet();
      std::unique_ptr<int> got;
      if (cancelled) {
        cancel();
        CHECK(c.try_recv(got) == recv_status::empty);
      } else {
        CHECK(c.try_recv(got) == recv_status::received);
        cancel();  // too late
      }
      std::optional<bool> kept = co_await results.recv();
      CHECK(kept == cancelled);
    }
  });
}
