// SPDX-License-Identifier: MIT
// Select with cases known at compile time: selects that wait, wake and match each other.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <notes.hpp>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;

TEST_CASE("SE14: a select never communicates with itself") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_notes();
    const auto both = [](chan<int> u, notes out) -> task<> {
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
    auto log = new_notes();
    // Crossing: each sends on one and receives from the other, named in opposite orders.
    go(
        [](chan<int> x, chan<int> y, notes out) -> task<> {
          int v = 0;
          int chosen = co_await select(x.send(1), y.recv(v));
          out->push_back(chosen == 0 ? -1 : v);
        },
        a, b, log);
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
    auto selecting = new_notes();
    auto plain = new_notes();
    go(select_and_note, a, b, selecting);
    co_await until_quiet();
    CHECK(a.try_send(1));        // takes the select, which has not run yet
    CHECK_FALSE(b.try_send(2));  // so nobody is there for this
    int chosen = co_await select(b.send(3), otherwise);
    CHECK(chosen == 1);
    co_await until_quiet();
    CHECK(*selecting == numbers{1});

    selecting->clear();
    go(select_and_note, a, b, selecting);
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
    auto log = new_notes();
    go(
        [](chan<int> x, chan<int> y, notes out) -> task<> {
          int which = co_await select(x.send(10), y.send(20));
          out->push_back(which);
        },
        a, b, log);
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
    auto selecting = new_notes();
    auto plain = new_notes();
    for (int i = 0; i < 1000; ++i) go(select_and_note, stop, popular, selecting);
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
      auto selecting = new_notes();
      auto plain = new_notes();
      for (int i = 0; i < 3; ++i) {
        if (i == position) {
          go(select_and_note, a, b, selecting);
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
    auto log = new_notes();
    go(
        [](chan<int> to, notes out) -> task<> {
          co_await select(to.send(2));
          out->push_back(2);
        },
        c, log);
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
      auto log = new_notes();
      const auto discarding = [](chan<std::shared_ptr<int>> from, chan<int> o,
                                 notes out) -> task<> {
        int chosen = co_await select(o.recv(), from.recv());
        out->push_back(chosen);
      };
      // At once.
      go([](chan<std::shared_ptr<int>> to,
            std::shared_ptr<int> value) -> task<> { co_await to.send(value); },
         c, held);
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
    auto log = new_notes();
    const auto waiting = [](context done, chan<int> a, chan<std::string> b, mutex& m,
                            notes result) -> task<> {
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
      go(
          [](std::shared_ptr<bool> stop) -> task<> {
            co_await this_goroutine::yield();
            *stop = true;
          },
          stopped);
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
          g.go(
              [](chan<int> x, chan<int> y) -> task<> {
                co_await select(x.recv(), y.send(1), y.recv(), x.send(2));
              },
              a, chan<int>());
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
