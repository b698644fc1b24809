// SPDX-License-Identifier: MIT
// Select with cases known at compile time: SE of Go's semantics.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

using numbers = std::vector<int>;

std::shared_ptr<numbers> new_log() { return std::make_shared<numbers>(); }

/// Waits for a value from `a` (notes it) or from `b` (notes it + 100); closed: -1 or 99.
task<> select_of_two(chan<int> a, chan<int> b, std::shared_ptr<numbers> log) {
  int v = 0;
  bool ok = false;
  const int chosen = co_await select(a.recv(v, ok), b.recv(v, ok));
  log->push_back(chosen * 100 + (ok ? v : -1));
}

task<> receive_and_note(chan<int> c, std::shared_ptr<numbers> log) {
  std::optional<int> got = co_await c.recv();
  log->push_back(got.value_or(-1));
}

/// A case that never is ready, and calls `on_look` whenever a select looks at it without its lock.
class spy : public detail::operation<spy> {
 public:
  struct spied : detail::wait_source {
    std::function<void()> on_look;
  };

  explicit spy(spied& source) noexcept : source_(&source) {}

  detail::wait_source* source() const noexcept { return source_; }
  bool ready() const noexcept {
    if (!detail::wait_lock::is_held(source_->lock.version())) source_->on_look();
    return false;
  }
  bool attempt(detail::wake_list&) const noexcept { return false; }
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
    int chosen = co_await select(operand(0, full).send(operand(1, 1)),
                                 operand(2, nil).send(operand(3, 2)),
                                 operand(4, ready).send(operand(5, 3)), nil.recv(v));
    CHECK(chosen == 2);
    CHECK(evaluated == std::array<int, 6>{1, 1, 1, 1, 1, 1});
    evaluated = {};
    chosen = co_await select(operand(0, full).send(operand(1, 1)),
                             operand(2, nil).send(operand(3, 2)), otherwise);
    CHECK(chosen == 2);
    CHECK(evaluated == std::array<int, 6>{1, 1, 1, 1, 0, 0});

    // Also when it has to wait; and what was evaluated counts, not what the variables hold later.
    auto log = new_log();
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    auto shared = std::make_shared<chan<int>>(a);
    auto value = std::make_shared<int>(5);
    go([](std::shared_ptr<chan<int>> c, chan<int> second, std::shared_ptr<int> x,
          std::shared_ptr<numbers> out) -> task<> {
      int got = 0;
      int which = co_await select(c->send(*x), second.recv(got));
      out->push_back(which);
    }, shared, b, value, log);
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
    auto log = new_log();
    int v = 0;
    int chosen = co_await select(a.recv(v), b.recv(v), b.send(1), otherwise);
    CHECK(chosen == 3);
    go(select_of_two, a, b, log);
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
    go([](int& after) -> task<> {
      co_await select();
      ++after;
    }, std::ref(went_on));
    go([](int& after) -> task<> {
      chan<int> nil;
      int v = 0;
      co_await select(nil.recv(v), nil.send(1), chan<std::string>().recv());
      ++after;
    }, std::ref(went_on));
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
    auto log = new_log();
    auto late = make_chan<int>();
    go(select_of_two, other, late, log);
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
    auto log = new_log();
    auto c = make_chan<int>();
    go([](chan<int> in, chan<int> out, std::shared_ptr<numbers> result) -> task<> {
      int got = 0;
      try {
        co_await select(in.recv(got), out.send(1));
        result->push_back(0);
      } catch (const closed_channel&) {
        result->push_back(1);
      }
    }, never, c, log);
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
    auto log = new_log();
    auto x = make_chan<int>(1);
    auto y = make_chan<int>(1);
    go(select_of_two, x, y, log);
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
    auto log = new_log();
    const auto receiving = [](chan<int> from, std::shared_ptr<numbers> out) -> task<> {
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

TEST_CASE("SE14: a select never communicates with itself") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_log();
    const auto both = [](chan<int> u, std::shared_ptr<numbers> out) -> task<> {
      int v = 0;
      int chosen = co_await select(u.send(1), u.recv(v), u.send(2));
      out->push_back(chosen * 10 + v);
    };
    int v = 0;
    int chosen = co_await select(c.send(1), c.recv(v), otherwise);
    CHECK(chosen == 2);
    go(both, c, log);
    co_await until_quiet();
    CHECK(log->empty());
    co_await c.send(7);
    co_await until_quiet();
    CHECK(*log == numbers{17});
    CHECK_FALSE(c.try_send(1));  // it left both queues
    CHECK(c.try_recv(v) == recv_status::empty);

    log->clear();
    go(both, c, log);
    co_await until_quiet();
    std::optional<int> got = co_await c.recv();
    REQUIRE(got);
    co_await until_quiet();
    CHECK(*log == numbers{*got == 1 ? 0 : 20});  // either of its sends

    // Two of a kind match each other.
    log->clear();
    go(both, c, log);
    go(both, c, log);
    co_await until_quiet();
    CHECK(parked_goroutines() == 0);
    REQUIRE(log->size() == 2);
    const int sum = (*log)[0] + (*log)[1];
    CHECK((sum == 11 || sum == 32));  // case 0 sent 1, or case 2 sent 2; the other received it
  });
}

TEST_CASE("SE15: send and receive of one buffered channel are judged each for itself") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    int v = 0;
    for (int i = 0; i < 10; ++i) {
      int chosen = co_await select(c.send(i), c.recv(v));
      CHECK(chosen == 0);  // it is empty
      CHECK(c.size() == 1);
      chosen = co_await select(c.send(i), c.recv(v));
      CHECK(chosen == 1);  // it is full
      CHECK(v == i);
      CHECK(c.size() == 0);
    }
  });
}

TEST_CASE("SE16: two selects match on a common channel") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    auto log = new_log();
    // Crossing: each sends on one and receives from the other, named in opposite orders.
    go([](chan<int> x, chan<int> y, std::shared_ptr<numbers> out) -> task<> {
      int v = 0;
      int chosen = co_await select(x.send(1), y.recv(v));
      out->push_back(chosen == 0 ? -1 : v);
    }, a, b, log);
    co_await until_quiet();
    CHECK(log->empty());
    int v = 0;
    int chosen = co_await select(b.send(2), a.recv(v));
    co_await until_quiet();
    REQUIRE(log->size() == 1);
    if (chosen == 0) {
      CHECK(log->front() == 2);
      CHECK(v == 0);
    } else {
      CHECK(log->front() == -1);
      CHECK(v == 1);
    }
    CHECK_FALSE(a.try_send(0));
    CHECK_FALSE(b.try_send(0));
    CHECK(a.try_recv(v) == recv_status::empty);
    CHECK(b.try_recv(v) == recv_status::empty);
  });
}

TEST_CASE("SE17: who finds a select that is taken goes on to the next waiter, or keeps its value") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    auto selecting = new_log();
    auto plain = new_log();
    go(select_of_two, a, b, selecting);
    co_await until_quiet();
    CHECK(a.try_send(1));        // takes the select, which has not run yet
    CHECK_FALSE(b.try_send(2));  // so nobody is there for this
    int chosen = co_await select(b.send(3), otherwise);
    CHECK(chosen == 1);
    co_await until_quiet();
    CHECK(*selecting == numbers{1});

    selecting->clear();
    go(select_of_two, a, b, selecting);
    co_await until_quiet();
    go(receive_and_note, b, plain);  // behind the select
    co_await until_quiet();
    CHECK(a.try_send(1));
    CHECK(b.try_send(2));  // to the one behind
    CHECK_FALSE(b.try_send(3));
    co_await until_quiet();
    CHECK(*selecting == numbers{1});
    CHECK(*plain == numbers{2});

    // Senders: the value of a select that is taken is not received.
    auto log = new_log();
    go([](chan<int> x, chan<int> y, std::shared_ptr<numbers> out) -> task<> {
      int which = co_await select(x.send(10), y.send(20));
      out->push_back(which);
    }, a, b, log);
    co_await until_quiet();
    int v = 0;
    CHECK(a.try_recv(v) == recv_status::received);
    CHECK(v == 10);
    CHECK(b.try_recv(v) == recv_status::empty);
    co_await until_quiet();
    CHECK(*log == numbers{0});
    CHECK(b.try_recv(v) == recv_status::empty);
  });
}

TEST_CASE("SE17: a thousand waiters that were taken elsewhere are no waiters") {
  run_test(1, []() -> task<> {
    auto stop = make_chan<int>();
    auto popular = make_chan<int>();
    auto selecting = new_log();
    auto plain = new_log();
    for (int i = 0; i < 1000; ++i) go(select_of_two, stop, popular, selecting);
    co_await until_quiet();
    go(receive_and_note, popular, plain);
    co_await until_quiet();
    stop.close();  // takes all thousand; none has run yet
    CHECK(popular.try_send(1));
    CHECK_FALSE(popular.try_send(2));
    int chosen = co_await select(popular.send(3), otherwise);
    CHECK(chosen == 1);
    co_await until_quiet();
    CHECK(*plain == numbers{1});
    CHECK(*selecting == numbers(1000, -1));
    CHECK_FALSE(popular.try_send(4));

    // The same for senders.
    stop = make_chan<int>();
    for (int i = 0; i < 1000; ++i) {
      go([](chan<int> x, chan<int> y) -> task<> { co_await select(x.recv(), y.send(1)); }, stop,
         popular);
    }
    co_await until_quiet();
    stop.close();
    int v = 0;
    CHECK(popular.try_recv(v) == recv_status::empty);
    chosen = co_await select(popular.recv(v), otherwise);
    CHECK(chosen == 1);
  });
}

TEST_CASE("SE18: a woken select has left the queues of all its channels, wherever it stood") {
  run_test(1, []() -> task<> {
    for (int position = 0; position < 3; ++position) {
      auto a = make_chan<int>();
      auto b = make_chan<int>();
      auto selecting = new_log();
      auto plain = new_log();
      for (int i = 0; i < 3; ++i) {
        if (i == position) {
          go(select_of_two, a, b, selecting);
        } else {
          go(receive_and_note, b, plain);
        }
        co_await until_quiet();
      }
      co_await a.send(1);
      co_await until_quiet();
      CHECK(*selecting == numbers{1});
      CHECK(b.try_send(2));
      CHECK(b.try_send(3));
      CHECK_FALSE(b.try_send(4));
      co_await until_quiet();
      CHECK(plain->size() == 2);
    }
  });
}

TEST_CASE("SE21: a select of one case is the plain operation, with otherwise the one that tries") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    int chosen = co_await select(c.send(1));
    CHECK(chosen == 0);
    auto log = new_log();
    go([](chan<int> to, std::shared_ptr<numbers> out) -> task<> {
      co_await select(to.send(2));
      out->push_back(2);
    }, c, log);
    co_await until_quiet();
    CHECK(log->empty());
    int v = 0;
    chosen = co_await select(c.recv(v));
    CHECK(chosen == 0);
    CHECK(v == 1);
    co_await until_quiet();
    CHECK(*log == numbers{2});
    chosen = co_await select(c.send(3), otherwise);
    CHECK(chosen == 1);
    chosen = co_await select(c.recv(v), otherwise);
    CHECK(chosen == 0);
    CHECK(v == 2);
    chosen = co_await select(c.recv(v), otherwise);
    CHECK(chosen == 1);
    c.close();
    bool threw = false;
    try {
      co_await select(c.send(1));
    } catch (const closed_channel&) {
      threw = true;
    }
    CHECK(threw);
  });
}

TEST_CASE("SE22 SE24: a variable set to nil disables its case; break leaves the switch only") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>(3);
    auto b = make_chan<int>(3);
    for (int i = 0; i < 3; ++i) {
      co_await a.send(1);
      co_await b.send(10);
    }
    a.close();
    b.close();
    int sum = 0;
    int rounds = 0;
    while (a || b) {
      int v = 0;
      bool ok = false;
      switch (co_await select(a.recv(v, ok), b.recv(v, ok))) {
        case 0:
          if (!ok) a = {};
          break;
        case 1:
          if (!ok) b = {};
          break;
      }
      sum += v;
      ++rounds;
    }
    CHECK(sum == 33);
    CHECK(rounds == 8);
  });
}

TEST_CASE("SE23: a received value can be discarded on every path") {
  run_test(1, []() -> task<> {
    auto held = std::make_shared<int>(0);
    for (std::size_t capacity : {0, 1}) {
      auto c = make_chan<std::shared_ptr<int>>(capacity);
      auto other = make_chan<int>();
      auto log = new_log();
      const auto discarding = [](chan<std::shared_ptr<int>> from, chan<int> o,
                                 std::shared_ptr<numbers> out) -> task<> {
        int chosen = co_await select(o.recv(), from.recv());
        out->push_back(chosen);
      };
      // At once.
      go([](chan<std::shared_ptr<int>> to, std::shared_ptr<int> value) -> task<> {
        co_await to.send(value);
      }, c, held);
      co_await until_quiet();
      int chosen = co_await select(other.recv(), c.recv());
      CHECK(chosen == 1);
      // Woken by a sender.
      go(discarding, c, other, log);
      co_await until_quiet();
      co_await c.send(held);
      co_await until_quiet();
      CHECK(*log == numbers{1});
      CHECK(held.use_count() == 1);
      // Woken by a close.
      go(discarding, c, other, log);
      co_await until_quiet();
      c.close();
      co_await until_quiet();
      CHECK(*log == numbers{1, 1});
      chosen = co_await select(c.recv(), otherwise);
      CHECK(chosen == 0);
    }
  });
}

TEST_CASE("SE28: a priority takes a select of its own") {
  run_test(1, []() -> task<> {
    auto urgent = make_chan<int>(8);
    auto normal = make_chan<int>(8);
    for (int i = 0; i < 8; ++i) {
      co_await urgent.send(i);
      co_await normal.send(i);
    }
    numbers order;
    for (int i = 0; i < 16; ++i) {
      int v = 0;
      int chosen = co_await select(urgent.recv(v), otherwise);
      if (chosen == 1) {
        chosen = co_await select(urgent.recv(v), normal.recv(v));
        order.push_back(10 + chosen);
      } else {
        order.push_back(chosen);
      }
    }
    numbers expected(8, 0);
    expected.resize(16, 11);
    CHECK(order == expected);
  });
}

TEST_CASE("SE29: a timer as a case fires, and is not left armed for nobody") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    const auto armed = [] { return detail::current_worker()->timers().armed(); };
    int v = 0;
    for (int i = 0; i < 100; ++i) {
      co_await c.send(i);
      int chosen = co_await select(after(1h), c.recv(v));  // ready at once
      CHECK(chosen == 1);
      chosen = co_await select(c.recv(v), after(1h), otherwise);
      CHECK(chosen == 2);
    }
    CHECK(armed() == 0);
    for (int i = 0; i < 100; ++i) {
      go([](chan<int> to) -> task<> { co_await to.send(1); }, c);
      int chosen = co_await select(after(1h), c.recv(v), after(2h));  // woken by the sender
      CHECK(chosen == 1);
    }
    CHECK(armed() == 0);
    int chosen = co_await select(c.recv(v), after(1ms), after(1h));
    CHECK(chosen == 1);
    CHECK(armed() == 0);
    // Its time has come before anybody looks.
    chosen = co_await select(c.recv(v), after(0ms));
    CHECK(chosen == 1);
    chosen = co_await select(after(-1h), c.recv(v));
    CHECK(chosen == 0);
  });
}

TEST_CASE("cases of all kinds in one select") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto in = make_chan<int>();
    auto out = make_chan<std::string>();
    mutex mu;
    co_await mu.lock();
    auto log = new_log();
    const auto waiting = [](context done, chan<int> a, chan<std::string> b, mutex& m,
                            std::shared_ptr<numbers> result) -> task<> {
      int v = 0;
      int chosen = co_await select(done.done(), a.recv(v), b.send("text"), m.lock(), after(1h));
      if (chosen == 3) m.unlock();
      result->push_back(chosen);
    };
    const auto start = [&] { go(waiting, without_cancel(ctx), in, out, std::ref(mu), log); };
    start();
    co_await until_quiet();
    CHECK(log->empty());
    co_await in.send(1);
    co_await until_quiet();
    CHECK(*log == numbers{1});
    start();
    co_await until_quiet();
    std::optional<std::string> text = co_await out.recv();
    CHECK(text == "text");
    co_await until_quiet();
    CHECK(*log == numbers{1, 2});
    start();
    co_await until_quiet();
    mu.unlock();
    co_await until_quiet();
    CHECK(*log == numbers{1, 2, 3});
    co_await mu.lock();
    go(waiting, ctx, in, out, std::ref(mu), log);
    co_await until_quiet();
    cancel();
    co_await until_quiet();
    CHECK(*log == numbers{1, 2, 3, 0});
    mu.unlock();
    CHECK_FALSE(in.try_send(1));
    CHECK_FALSE(out.try_recv(*text) == recv_status::received);
  });
}

namespace {

template <std::size_t... I>
task<int> select_of_many(std::array<chan<int>, sizeof...(I)>& c, int& v,
                         std::index_sequence<I...>) {
  const int chosen = co_await select(c[I].recv(v)...);
  co_return chosen;
}

}  // namespace

TEST_CASE("a select of seventy cases: each can be ready at once, or wake it") {
  run_test(1, []() -> task<> {
    constexpr std::size_t many = 70;
    std::array<chan<int>, many> c;
    for (std::size_t i = 0; i < many; ++i) c[i] = make_chan<int>(i % 2);
    for (std::size_t i = 0; i < many; ++i) {
      go([](chan<int> to, int value) -> task<> { co_await to.send(value); }, c[i],
         static_cast<int>(i) + 1000);
      co_await until_quiet();
      int v = 0;
      int chosen = co_await select_of_many(c, v, std::make_index_sequence<many>());
      CHECK(chosen == static_cast<int>(i));
      CHECK(v == static_cast<int>(i) + 1000);

      // The sender runs only when the select waits.
      go([](chan<int> to, int value) -> task<> { co_await to.send(value); }, c[many - 1 - i],
         static_cast<int>(i) + 2000);
      chosen = co_await select_of_many(c, v, std::make_index_sequence<many>());
      CHECK(chosen == static_cast<int>(many - 1 - i));
      CHECK(v == static_cast<int>(i) + 2000);
    }
    for (auto& each : c) {
      if (each.capacity() == 0) CHECK_FALSE(each.try_send(1));
    }
  });
}

TEST_CASE("selects that are always ready starve nobody") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    for (int kind = 0; kind < 3; ++kind) {
      auto stopped = std::make_shared<bool>(false);
      go([](std::shared_ptr<bool> stop) -> task<> {
        co_await this_goroutine::yield();
        *stop = true;
      }, stopped);
      chan<int> nil;
      int v = 0;
      long rounds = 0;
      while (!*stopped) {  // ends only if the other goroutine runs
        ++rounds;
        if (kind == 0) co_await select(nil.recv(v), otherwise);
        if (kind == 1) co_await select(c.recv(v), c.send(1));
        if (kind == 2) co_await select(nil.recv(v), nil.send(1), c.recv(v), c.send(1), otherwise);
      }
      CHECK(rounds > 0);
    }
  });
}

TEST_CASE("a select in a goroutine that is abandoned leaves all its channels") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    bool failed = false;
    try {
      co_await scope([&](group& g) -> task<> {
        for (int i = 0; i < 10; ++i) {
          g.go([](chan<int> x, chan<int> y) -> task<> {
            co_await select(x.recv(), y.send(1), y.recv(), x.send(2));
          }, a, chan<int>());
          g.go([](chan<int> x, chan<int> y) -> task<> { co_await select(x.recv(), y.recv()); }, a,
               b);
        }
        co_await until_quiet();
        throw std::runtime_error("enough");
      });
    } catch (const std::runtime_error&) {
      failed = true;
    }
    CHECK(failed);
    int v = 0;
    CHECK_FALSE(a.try_send(1));
    CHECK_FALSE(b.try_send(1));
    CHECK(a.try_recv(v) == recv_status::empty);
    CHECK(b.try_recv(v) == recv_status::empty);
  });
}
