// SPDX-License-Identifier: MIT
// Select with cases known at compile time: which case runs, and what it does.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <notes.hpp>
#include <optional>
#include <run_test.hpp>
#include <string>
#include <utility>

using namespace burrow;

namespace {

/// A case that never is ready, and calls `on_look` whenever a select looks at it without its lock.
class spy : public detail::operation<spy> {
 public:
  static constexpr detail::wait_reason reason = detail::wait_reason::chan_receive;

  struct spied : detail::wait_source {
    std::function<void()> on_look;
  };

  explicit spy(spied& source) noexcept : source_(&source) {}

  detail::wait_source* source() const noexcept { return source_; }
  bool ready() const noexcept {
    if (!detail::wait_lock::is_held(source_->lock.version())) source_->on_look();
    return false;
  }
  bool attempt(detail::goroutine*&) const noexcept { return false; }
  void enlist() noexcept {}
  void delist() noexcept {}
  void result() const noexcept {}

 private:
  spied* source_;
};

}  // namespace

TEST_CASE("SE1 SE2: operands are evaluated exactly once, also of cases not chosen and of nil") {
  run_test(1, []() -> task<> {
    auto full = make_chan<int>(1);
    co_await full.send(0);
    auto ready = make_chan<int>(1);
    chan<int> nil;
    std::array<int, 6> evaluated{};
    const auto operand = [&](std::size_t which, auto value) {
      ++evaluated[which];
      return value;
    };
    int v = 0;
    int chosen =
        co_await select(operand(0, full).send(operand(1, 1)), operand(2, nil).send(operand(3, 2)),
                        operand(4, ready).send(operand(5, 3)), nil.recv(v));
    CHECK(chosen == 2);
    CHECK(evaluated == std::array<int, 6>{1, 1, 1, 1, 1, 1});
    evaluated = {};
    chosen = co_await select(operand(0, full).send(operand(1, 1)),
                             operand(2, nil).send(operand(3, 2)), otherwise);
    CHECK(chosen == 2);
    CHECK(evaluated == std::array<int, 6>{1, 1, 1, 1, 0, 0});

    // Also when it has to wait; and what was evaluated counts, not what the variables hold later.
    auto log = new_notes();
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    auto shared = std::make_shared<chan<int>>(a);
    auto value = std::make_shared<int>(5);
    go(
        [](std::shared_ptr<chan<int>> c, chan<int> second, std::shared_ptr<int> x,
           notes out) -> task<> {
          int got = 0;
          int which = co_await select(c->send(*x), second.recv(got));
          out->push_back(which);
        },
        shared, b, value, log);
    co_await until_quiet();
    *shared = chan<int>();
    *value = 6;
    std::optional<int> got = co_await a.recv();
    CHECK(got == 5);
    co_await until_quiet();
    CHECK(*log == numbers{0});
  });
}

TEST_CASE("SE3: only the chosen case writes") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>(1);
    auto b = make_chan<int>(1);
    auto texts = make_chan<std::string>(1);
    int x = 1;
    int y = 2;
    bool x_ok = true;
    bool y_ok = false;
    std::string text = "kept";
    co_await b.send(20);
    int chosen = co_await select(a.recv(x, x_ok), b.recv(y, y_ok), texts.recv(text));
    CHECK(chosen == 1);
    CHECK(x == 1);
    CHECK(x_ok);
    CHECK(y == 20);
    CHECK(y_ok);
    CHECK(text == "kept");
    a.close();
    chosen = co_await select(a.recv(x, x_ok), b.recv(y, y_ok), texts.recv(text));
    CHECK(chosen == 0);
    CHECK(x == 0);
    CHECK_FALSE(x_ok);
    CHECK(y == 20);
    CHECK(y_ok);
    CHECK(text == "kept");
    chosen = co_await select(b.recv(y, y_ok), texts.recv(text), otherwise);
    CHECK(chosen == 2);
    CHECK(y == 20);
  });
}

TEST_CASE("SE6 SE7: otherwise if and only if nothing is ready; without it a select waits") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>(1);
    auto b = make_chan<int>();
    auto log = new_notes();
    int v = 0;
    int chosen = co_await select(a.recv(v), b.recv(v), b.send(1), otherwise);
    CHECK(chosen == 3);
    go(select_and_note, a, b, log);
    co_await until_quiet();
    CHECK(log->empty());
    chosen = co_await select(b.send(7), otherwise);  // somebody waits there
    CHECK(chosen == 0);
    co_await until_quiet();
    CHECK(*log == numbers{107});
    chosen = co_await select(b.send(7), otherwise);
    CHECK(chosen == 1);
    chosen = co_await select(a.send(8), otherwise);
    CHECK(chosen == 0);
    chosen = co_await select(a.send(9), otherwise);
    CHECK(chosen == 1);
    chosen = co_await select(a.recv(v), otherwise);
    CHECK(chosen == 0);
    CHECK(v == 8);
  });
}

TEST_CASE("SE8 CH5: no cases, or only nil ones") {
  int went_on = 0;
  run_test(1, [&went_on]() -> task<> {
    go(
        [](int& after) -> task<> {
          co_await select();
          ++after;
        },
        std::ref(went_on));
    go(
        [](int& after) -> task<> {
          chan<int> nil;
          int v = 0;
          co_await select(nil.recv(v), nil.send(1), chan<std::string>().recv());
          ++after;
        },
        std::ref(went_on));
    chan<int> nil;
    int v = 3;
    int chosen = co_await select(nil.recv(v), nil.send(1), otherwise);
    CHECK(chosen == 2);
    CHECK(v == 3);
    chosen = co_await select(otherwise);
    CHECK(chosen == 0);
    co_await until_quiet();
    CHECK(parked_goroutines() == 2);
    auto c = make_chan<int>(1);
    co_await c.send(4);
    chosen = co_await select(nil.recv(v), c.recv(v), nil.send(1));
    CHECK(chosen == 1);
    CHECK(v == 4);
  });
  CHECK(went_on == 0);
}

TEST_CASE("SE9 SE19: a receive case of a closed channel is ready, after what is buffered") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    auto other = make_chan<int>();
    co_await c.send(5);
    c.close();
    int v = 0;
    bool ok = false;
    int chosen = co_await select(other.recv(v), c.recv(v, ok));
    CHECK(chosen == 1);
    CHECK(ok);
    CHECK(v == 5);
    for (int i = 0; i < 3; ++i) {
      v = 9;
      ok = true;
      chosen = co_await select(other.recv(v), c.recv(v, ok), otherwise);
      CHECK(chosen == 1);
      CHECK_FALSE(ok);
      CHECK(v == 0);
    }
    // A close wakes a select that waits.
    auto log = new_notes();
    auto late = make_chan<int>();
    go(select_and_note, other, late, log);
    co_await until_quiet();
    late.close();
    co_await until_quiet();
    CHECK(*log == numbers{99});
  });
}

TEST_CASE("SE10 SE19 CH21: a send case of a closed channel counts as ready, and throws") {
  run_test(1, []() -> task<> {
    auto closed = make_chan<int>(1);
    closed.close();
    auto never = make_chan<int>();
    int v = 0;
    for (int i = 0; i < 10; ++i) {
      bool threw = false;
      try {
        co_await select(never.recv(v), closed.send(1), otherwise);
      } catch (const closed_channel& e) {
        threw = std::string(e.what()) == "send on closed channel";
      }
      CHECK(threw);
      threw = false;
      try {
        co_await select(never.recv(v), closed.send(1));
      } catch (const closed_channel&) {
        threw = true;
      }
      CHECK(threw);
    }
    CHECK(closed.size() == 0);

    // One that waits to send is woken by the close, and throws; it has left the other channel.
    auto log = new_notes();
    auto c = make_chan<int>();
    go(
        [](chan<int> in, chan<int> out, notes result) -> task<> {
          int got = 0;
          try {
            co_await select(in.recv(got), out.send(1));
            result->push_back(0);
          } catch (const closed_channel&) {
            result->push_back(1);
          }
        },
        never, c, log);
    co_await until_quiet();
    c.close();
    CHECK_FALSE(never.try_send(1));
    co_await until_quiet();
    CHECK(*log == numbers{1});
    CHECK_FALSE(never.try_send(1));
  });
}

TEST_CASE("SE11 SE20: exactly one communication happens, whatever else is ready") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>(4);
    auto b = make_chan<int>(4);
    auto c = make_chan<std::unique_ptr<int>>(4);
    int total = 0;
    std::array<int, 3> count{};
    for (int i = 0; i < 200; ++i) {
      while (a.size() < 2) co_await a.send(1);
      while (b.size() < 2) co_await b.send(2);
      if (c.size() == 4) co_await c.recv();
      const std::size_t in_a = a.size();
      const std::size_t in_b = b.size();
      const std::size_t in_c = c.size();
      auto p = std::make_unique<int>(3);
      int v = 0;
      int chosen = co_await select(a.recv(v), b.recv(v), c.send(std::move(p)));
      REQUIRE(chosen >= 0);
      REQUIRE(chosen < 3);
      ++count[static_cast<std::size_t>(chosen)];
      CHECK(a.size() == in_a - (chosen == 0 ? 1 : 0));
      CHECK(b.size() == in_b - (chosen == 1 ? 1 : 0));
      CHECK(c.size() == in_c + (chosen == 2 ? 1 : 0));
      CHECK((p == nullptr) == (chosen == 2));  // an rvalue survives a case that is not taken
      total += v;
    }
    CHECK(total == count[0] + 2 * count[1]);
    for (int n : count) CHECK(n > 20);

    // Woken by one of two channels that become ready before it runs again.
    auto log = new_notes();
    auto x = make_chan<int>(1);
    auto y = make_chan<int>(1);
    go(select_and_note, x, y, log);
    co_await until_quiet();
    CHECK(x.try_send(1));
    CHECK(x.size() == 0);
    CHECK(y.try_send(2));
    CHECK(y.size() == 1);  // nobody takes that one
    co_await until_quiet();
    CHECK(*log == numbers{1});
    CHECK(y.size() == 1);
  });
}

TEST_CASE("SE12: otherwise needs one instant at which nothing was ready") {
  // A value moves from b to a while the select looks: it finds a empty, then b.
  run_test(1, []() -> task<> {
    for (bool rvalue : {false, true}) {
      auto a = make_chan<int>(1);
      auto b = make_chan<int>(1);
      co_await b.send(1);
      spy::spied between;
      int moved = 0;
      between.on_look = [&] {
        int v = 0;
        if (moved++ == 0 && a.try_send(1)) b.try_recv(v);
      };
      int v = 0;
      int chosen = 0;
      if (rvalue) {
        chosen = co_await select(a.recv(), spy(between), b.recv(), otherwise);
      } else {
        chosen = co_await select(a.recv(v), spy(between), b.recv(v), otherwise);
      }
      CHECK(chosen == 0);
      CHECK(moved > 0);
      CHECK(a.size() + b.size() == 0);
    }

    // It moves there and back, again and again: no look without the locks ever finds it.
    auto a = make_chan<int>(1);
    auto b = make_chan<int>(1);
    co_await b.send(1);
    spy::spied before;
    spy::spied between;
    int moved = 0;
    before.on_look = [&] {
      int v = 0;
      if (a.size() == 1 && b.try_send(1)) a.try_recv(v);
    };
    between.on_look = [&] {
      int v = 0;
      ++moved;
      if (b.size() == 1 && a.try_send(1)) b.try_recv(v);
    };
    int chosen = co_await select(spy(before), a.recv(), spy(between), b.recv(), otherwise);
    CHECK((chosen == 1 || chosen == 3));
    CHECK(moved > 1);
    CHECK(a.size() + b.size() == 0);

    // The same for what can be sent: there is room in one of the two at each instant.
    co_await a.send(1);
    before.on_look = [&] {
      int v = 0;
      if (b.size() == 1 && b.try_recv(v) == recv_status::received) a.try_send(1);
    };
    between.on_look = [&] {
      int v = 0;
      if (a.size() == 1 && a.try_recv(v) == recv_status::received) b.try_send(1);
    };
    chosen = co_await select(spy(before), b.send(1), spy(between), a.send(1), otherwise);
    CHECK(chosen != 4);
    CHECK(a.size() + b.size() == 2);
  });
}

TEST_CASE("SE13: one channel in several cases") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    std::array<int, 3> received{};
    std::array<int, 3> got{};
    for (int i = 0; i < 300; ++i) {
      co_await c.send(i);
      int chosen = co_await select(c.recv(got[0]), c.recv(got[1]), c.recv(got[2]));
      REQUIRE(chosen >= 0);
      REQUIRE(chosen < 3);
      ++received[static_cast<std::size_t>(chosen)];
      CHECK(got[static_cast<std::size_t>(chosen)] == i);
      CHECK(c.size() == 0);
    }
    for (int n : received) CHECK(n > 30);

    // Waiting: one value is taken once, one is given once, and nothing stays behind.
    auto u = make_chan<int>();
    auto log = new_notes();
    const auto receiving = [](chan<int> from, notes out) -> task<> {
      int a = 0;
      int b = 0;
      co_await select(from.recv(a), from.recv(b), from.recv());
      out->push_back(a + b);
    };
    go(receiving, u, log);
    co_await until_quiet();
    CHECK(u.try_send(5));
    CHECK_FALSE(u.try_send(6));
    co_await until_quiet();
    CHECK_FALSE(u.try_send(6));
    CHECK(log->size() == 1);
    const auto sending = [](chan<int> to) -> task<> {
      co_await select(to.send(1), to.send(2), to.send(3));
    };
    go(sending, u);
    co_await until_quiet();
    int v = 0;
    CHECK(u.try_recv(v) == recv_status::received);
    CHECK(u.try_recv(v) == recv_status::empty);
    co_await until_quiet();
    CHECK(u.try_recv(v) == recv_status::empty);
  });
}
