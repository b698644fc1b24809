// SPDX-License-Identifier: MIT
// Channels and select allocate nothing once they are warm, and bear it when there is no memory.
#include <allocations.hpp>
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <run_test.hpp>
#include <system_error>
#include <utility>
#include <vector>

using namespace burrow;

namespace {

/// An element with a destructor that allocates nothing itself.
struct token {
  int value = 0;
  token() = default;
  explicit token(int v) noexcept : value(v) {}
  token(token&& other) noexcept : value(std::exchange(other.value, 0)) {}
  token& operator=(token&& other) noexcept {
    value = std::exchange(other.value, 0);
    return *this;
  }
  ~token() { value = -1; }
};

/// So large that its cells come from operator new directly.
struct huge {
  std::array<char, 5000> bytes{};
  huge() = default;
  huge(huge&& other) noexcept : bytes(other.bytes) {}
  huge& operator=(huge&&) = default;
  ~huge() { bytes[0] = 0; }
};

/// Sends and receives until `stop` is closed: what waits on the other side of a measurement.
task<> answer(chan<token> in, chan<token> out, chan<> stop) {
  for (;;) {
    token t;
    bool ok = false;
    const int chosen = co_await select(in.recv(t, ok), stop.recv());
    if (chosen == 1) co_return;
    co_await out.send(std::move(t));
  }
}

constexpr int warm_up = 300;
constexpr int measured = 20'000;

/// What the runtime's other threads may allocate meanwhile, when they begin. One allocation for
/// each operation, or for every thousandth, is more than that.
constexpr std::size_t of_others = 8;

}  // namespace

TEST_CASE("CH37: a send and a receive that wait allocate nothing") {
  for (std::size_t capacity : {0, 1, 4}) {
    CAPTURE(capacity);
    run_test(1, [capacity]() -> task<> {
      auto there = make_chan<token>(capacity);
      auto back = make_chan<token>(capacity);
      auto stop = make_chan<>();
      go(answer, there, back, stop);
      std::size_t before = 0;
      for (int i = 0; i < warm_up + measured; ++i) {
        if (i == warm_up) before = allocations();
        co_await there.send(token(i));
        token t;
        bool ok = co_await back.recv(t);
        if (!ok || t.value != i) CHECK(t.value == i);
      }
      CHECK(allocations() <= before + of_others);
      stop.close();
    });
  }
}

TEST_CASE("CH37: senders that wait while the buffer is full allocate nothing") {
  run_test(1, []() -> task<> {
    auto c = make_chan<token>(2);
    auto stop = make_chan<>();
    for (int g = 0; g < 4; ++g) {
      go(
          [](chan<token> to, chan<> end) -> task<> {
            for (;;) {
              token t(1);
              const int chosen = co_await select(to.send(std::move(t)), end.recv());
              if (chosen == 1) co_return;
            }
          },
          c, stop);
    }
    std::size_t before = 0;
    for (int i = 0; i < warm_up + measured; ++i) {
      if (i == warm_up) before = allocations();
      std::optional<token> t = co_await c.recv();
      if (!t || t->value != 1) CHECK(t->value == 1);
    }
    CHECK(allocations() <= before + of_others);
    stop.close();
  });
}

TEST_CASE("what does not wait allocates nothing: send, receive, try, size, close") {
  run_test(1, []() -> task<> {
    auto numbers = make_chan<int>(2);
    auto tokens = make_chan<token>(2);
    std::vector<chan<int>> closing;
    for (int i = 0; i < 100; ++i) closing.push_back(make_chan<int>());
    const std::size_t before = allocations();
    for (int i = 0; i < measured; ++i) {
      int v = 0;
      token t;
      co_await numbers.send(i);
      co_await tokens.send(token(i));
      bool ok = numbers.try_send(i) && tokens.try_send(token(i));
      ok = ok && !numbers.try_send(i) && !tokens.try_send(token(i));
      ok = ok && numbers.size() == 2 && tokens.size() == 2;
      bool received = co_await numbers.recv(v);
      ok = ok && received;
      received = co_await tokens.recv(t);
      ok = ok && received && numbers.try_recv(v) == recv_status::received;
      ok = ok && tokens.try_recv(t) == recv_status::received;
      ok = ok && numbers.try_recv(v) == recv_status::empty && tokens.size() == 0;
      if (!ok) CHECK(ok);
    }
    for (auto& c : closing) c.close();
    CHECK(allocations() <= before + of_others);
  });
}

TEST_CASE("a select of cases known at compile time allocates nothing, waiting or not") {
  run_test(1, []() -> task<> {
    auto there = make_chan<token>();
    auto back = make_chan<token>();
    auto never = make_chan<int>();
    auto ready = make_chan<int>(1);
    auto stop = make_chan<>();
    auto [ctx, cancel] = with_cancel(background());
    go(answer, there, back, stop);
    std::size_t before = 0;
    for (int i = 0; i < warm_up + measured; ++i) {
      if (i == warm_up) before = allocations();
      token t(i);
      int v = 0;
      int chosen = co_await select(there.send(std::move(t)), never.recv(v), ctx.done());
      bool ok = chosen == 0;
      chosen = co_await select(never.recv(v), ctx.done(), back.recv(t), never.send(1));
      ok = ok && chosen == 2 && t.value == i;
      chosen = co_await select(never.recv(v), ctx.done(), back.recv(t), otherwise);
      ok = ok && chosen == 3;
      chosen = co_await select(ready.send(i), ready.recv(v));
      ok = ok && chosen == 0;
      chosen = co_await select(ready.send(i), ready.recv(v));
      ok = ok && chosen == 1 && v == i;
      if (!ok) CHECK(ok);
    }
    CHECK(allocations() <= before + of_others);
    stop.close();
  });
}

TEST_CASE("the forms with a Context first allocate nothing") {
  run_test(1, []() -> task<> {
    auto there = make_chan<token>();
    auto back = make_chan<token>();
    auto stop = make_chan<>();
    auto [ctx, cancel] = with_cancel(background());
    go(answer, there, back, stop);
    std::size_t before = 0;
    for (int i = 0; i < warm_up + measured; ++i) {
      if (i == warm_up) before = allocations();
      std::error_code sent = co_await there.send(ctx, token(i));
      token t;
      std::error_code received = co_await back.recv(ctx, t);
      if (sent || received || t.value != i) CHECK(t.value == i);
    }
    CHECK(allocations() <= before + of_others);
    stop.close();
  });
}

TEST_CASE("two workers: what waits allocates nothing, wherever it goes on") {
  run_test(2, []() -> task<> {
    auto c = make_chan<token>(1);
    auto back = make_chan<token>(1);
    auto stop = make_chan<>();
    for (int g = 0; g < 4; ++g) go(answer, c, back, stop);
    // Cells are made while several receivers hold one at the same time, at most one for each.
    constexpr std::size_t receivers = 5;
    std::size_t before = 0;
    for (int i = 0; i < warm_up + measured; ++i) {
      if (i == warm_up) before = allocations();
      co_await c.send(token(1));
      co_await c.send(token(2));
      co_await back.recv();
      co_await back.recv();
    }
    CHECK(allocations() <= before + receivers + of_others);
    stop.close();
  });
}

TEST_CASE("no memory for a channel: bad_alloc, and nothing is lost") {
  const std::size_t live = live_allocations();
  for (std::size_t n = 1; n <= 4; ++n) {
    fail_allocation(n, 4000);  // the n-th of its cells
    CHECK_THROWS_AS(make_chan<huge>(4), std::bad_alloc);
    fail_allocation(0);
  }
  fail_allocation(1, 4000);
  CHECK_THROWS_AS(make_chan<int>(1000), std::bad_alloc);
  fail_allocation(0);
  CHECK(live_allocations() == live);
}

TEST_CASE("no memory for a cell: the sender is told, and the channel stays sound") {
  run_test(1, []() -> task<> {
    auto c = make_chan<huge>(1);
    auto results = make_chan<int>(2);
    const auto sending = [](chan<huge> to, chan<int> out) -> task<> {
      int outcome = 0;
      try {
        co_await to.send(huge());
      } catch (const std::bad_alloc&) {
        outcome = 1;
      }
      co_await out.send(outcome);
    };
    co_await c.send(huge());
    go(sending, c, results);  // waits for room
    co_await until_quiet();
    // The receiver still holds the only cell when the sender is let in.
    fail_allocation(1, 4000);
    {
      std::optional<huge> got = co_await c.recv();
      CHECK(got);
    }
    fail_allocation(0);
    std::optional<int> outcome = co_await results.recv();
    CHECK(outcome == 1);
    CHECK(c.size() == 0);
    co_await c.send(huge());
    go(sending, c, results);
    co_await until_quiet();
    for (int i = 0; i < 2; ++i) {
      std::optional<huge> got = co_await c.recv();
      CHECK(got);
    }
    outcome = co_await results.recv();
    CHECK(outcome == 0);
  });
}
