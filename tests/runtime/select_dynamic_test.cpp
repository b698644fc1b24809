// SPDX-License-Identifier: MIT
// Select with cases known at run time: select_case, select(span), select(span, otherwise).
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

using numbers = std::vector<int>;
using cases_of = std::vector<select_case>;

static_assert(std::is_nothrow_move_constructible_v<select_case>);
static_assert(!std::is_copy_constructible_v<select_case>);

/// Its move throws when it is armed.
struct bomb {
  static inline int live = 0;
  bool armed = false;
  explicit bomb(bool a) noexcept : armed(a) { ++live; }
  bomb(const bomb& other) noexcept : armed(other.armed) { ++live; }
  bomb(bomb&& other) : armed(other.armed) {
    if (armed) throw std::runtime_error("move");
    ++live;
  }
  bomb& operator=(const bomb&) = default;
  ~bomb() { --live; }
};

}  // namespace

TEST_CASE("SE26: the index is that of the caller's list; absent channels never fire") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>(1);
    auto b = make_chan<std::string>(1);
    int v = 0;
    std::string text;
    for (int round = 0; round < 3; ++round) {
      cases_of cases;
      cases.emplace_back();
      cases.emplace_back(chan<int>().recv(v));
      cases.emplace_back(a.recv(v));
      cases.emplace_back();
      cases.emplace_back(b.recv(text));
      cases.emplace_back(chan<int>().send(v));
      if (round == 0) co_await a.send(7);
      if (round == 1) co_await b.send("seven");
      int chosen = 0;
      if (round < 2) {
        chosen = co_await select(std::span(cases));
      } else {
        chosen = co_await select(std::span(cases), otherwise);
      }
      CHECK(chosen == (round == 0 ? 2 : round == 1 ? 4 : 6));
    }
    CHECK(v == 7);
    CHECK(text == "seven");
    int chosen = co_await select(std::span<select_case>(), otherwise);
    CHECK(chosen == 0);
    std::array<select_case, 2> fixed;
    chosen = co_await select(std::span(fixed), otherwise);
    CHECK(chosen == 2);
    co_await a.send(8);
    fixed[1] = a.recv(v);
    chosen = co_await select(std::span(fixed));
    CHECK(chosen == 1);
    CHECK(v == 8);
  });
}

TEST_CASE("SE7 SE8 SE18 SE26: waiting, waking and leaving") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    auto results = make_chan<int>(1);
    const auto waiting = [](chan<int> x, chan<int> y, chan<int> out) -> task<> {
      int v = 0;
      cases_of cases;
      const int one = 1;
      cases.emplace_back(x.recv(v));
      cases.emplace_back();
      cases.emplace_back(y.send(one));
      cases.emplace_back(y.recv(v));
      int chosen = co_await select(std::span(cases));
      co_await out.send(chosen * 10 + v);
    };
    go(waiting, a, b, results);
    co_await until_quiet();
    co_await a.send(5);
    std::optional<int> got = co_await results.recv();
    CHECK(got == 5);
    int v = 0;
    CHECK_FALSE(b.try_send(1));
    CHECK(b.try_recv(v) == recv_status::empty);

    go(waiting, a, b, results);
    co_await until_quiet();
    CHECK(b.try_recv(v) == recv_status::received);
    CHECK(v == 1);
    CHECK(b.try_recv(v) == recv_status::empty);
    got = co_await results.recv();
    CHECK(got == 20);
    CHECK_FALSE(a.try_send(1));

    go(waiting, a, b, results);
    co_await until_quiet();
    CHECK(b.try_send(6));
    got = co_await results.recv();
    CHECK(got == 36);

    go([]() -> task<> { co_await select(std::span<select_case>()); });
    go([]() -> task<> {
      std::array<select_case, 3> none;
      co_await select(std::span(none));
    });
    co_await until_quiet();
    CHECK(parked_goroutines() == 2);
  });
}

TEST_CASE("SE25: 65 536 cases are served, one more is refused") {
  run_test(1, []() -> task<> {
    constexpr std::size_t most = 65'536;
    auto never = make_chan<int>();
    auto last = make_chan<int>(1);
    int v = 0;
    const auto fill = [&](cases_of& cases, std::size_t count) {
      cases.clear();
      cases.reserve(count);
      for (std::size_t i = 0; i + 1 < count; ++i) cases.emplace_back(never.recv(v));
      cases.emplace_back(last.recv(v));
    };
    cases_of cases;
    fill(cases, most);
    co_await last.send(3);
    int chosen = co_await select(std::span(cases));
    CHECK(chosen == static_cast<int>(most) - 1);
    CHECK(v == 3);

    fill(cases, most);
    chosen = co_await select(std::span(cases), otherwise);
    CHECK(chosen == static_cast<int>(most));

    // Waiting: it stands 65 535 times in one queue, and leaves it.
    fill(cases, most);
    go([](chan<int> to) -> task<> { co_await to.send(4); }, last);
    chosen = co_await select(std::span(cases));
    CHECK(chosen == static_cast<int>(most) - 1);
    CHECK(v == 4);
    CHECK_FALSE(never.try_send(1));

    for (bool with_otherwise : {false, true}) {
      fill(cases, most + 1);
      std::string said;
      try {
        if (with_otherwise) {
          co_await select(std::span(cases), otherwise);
        } else {
          co_await select(std::span(cases));
        }
      } catch (const std::length_error& e) {
        said = e.what();
      }
      CHECK(said.find("65536") != std::string::npos);
    }
    CHECK(last.size() == 0);
    CHECK_FALSE(never.try_send(1));
  });
}

TEST_CASE("SE1: a case owns what it sends, from when it was made") {
  run_test(1, []() -> task<> {
    auto held = std::make_shared<int>(0);
    auto c = make_chan<std::shared_ptr<int>>(1);
    {
      cases_of cases;
      std::shared_ptr<int> value = held;
      cases.emplace_back(c.send(value));
      value.reset();
      CHECK(held.use_count() == 2);
      int chosen = co_await select(std::span(cases));
      CHECK(chosen == 0);
      std::shared_ptr<int> got;
      CHECK(c.try_recv(got) == recv_status::received);
      CHECK(got == held);
    }
    CHECK(held.use_count() == 1);
    {
      cases_of cases;  // made and never used; used and not chosen
      cases.emplace_back(c.send(held));
      cases_of others;
      others.emplace_back(chan<std::shared_ptr<int>>().send(held));
      int chosen = co_await select(std::span(others), otherwise);
      CHECK(chosen == 1);
      CHECK(held.use_count() == 3);
    }
    CHECK(held.use_count() == 1);
  });
}

TEST_CASE("SE10 SE19: closed channels in cases known at run time") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    int v = 9;
    bool ok = true;
    c.close();
    std::array<select_case, 2> cases{select_case(), select_case(c.recv(v, ok))};
    int chosen = co_await select(std::span(cases), otherwise);
    CHECK(chosen == 1);
    CHECK_FALSE(ok);
    CHECK(v == 0);
    bool threw = false;
    try {
      const int one = 1;
      std::array<select_case, 1> sending{select_case(c.send(one))};
      co_await select(std::span(sending), otherwise);
    } catch (const closed_channel&) {
      threw = true;
    }
    CHECK(threw);

    auto late = make_chan<int>();
    auto results = make_chan<int>(1);
    go(
        [](chan<int> to, chan<int> out) -> task<> {
          int result = 0;
          const int one = 1;
          std::array<select_case, 2> waiting{select_case(), select_case(to.send(one))};
          try {
            co_await select(std::span(waiting));
          } catch (const closed_channel&) {
            result = 1;
          }
          co_await out.send(result);
        },
        late, results);
    co_await until_quiet();
    late.close();
    std::optional<int> got = co_await results.recv();
    CHECK(got == 1);
  });
}

TEST_CASE("each case is used for one select; one that was moved from never fires") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(2);
    co_await c.send(1);
    co_await c.send(2);
    int v = 0;
    cases_of cases;
    cases.emplace_back(c.recv(v));
    int chosen = co_await select(std::span(cases));
    CHECK(chosen == 0);
    bool threw = false;
    try {
      co_await select(std::span(cases));
    } catch (const std::logic_error&) {
      threw = true;
    }
    CHECK(threw);
    CHECK(c.size() == 1);

    cases_of first;
    first.emplace_back(c.recv(v));
    cases_of second = std::move(first);
    first.emplace_back();
    first.emplace_back(std::move(second[0]));
    chosen = co_await select(std::span(second), otherwise);
    CHECK(chosen == 1);
    chosen = co_await select(std::span(first));
    CHECK(chosen == 1);
    CHECK(v == 2);
  });
}

TEST_CASE("cases of all kinds known at run time") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    mutex mu;
    co_await mu.lock();
    auto [ctx, cancel] = with_cancel(background());
    int v = 0;
    for (int round = 0; round < 4; ++round) {
      cases_of cases;
      cases.emplace_back(c.recv(v));
      cases.emplace_back(mu.lock());
      cases.emplace_back(ctx.done());
      cases.emplace_back(after(round == 2 ? 1ms : 1h));
      if (round == 0) go([](chan<int> to) -> task<> { co_await to.send(1); }, c);
      if (round == 1) {
        go(
            [](mutex& m) -> task<> {
              m.unlock();
              co_return;
            },
            std::ref(mu));
      }
      if (round == 3) cancel();
      int chosen = co_await select(std::span(cases));
      CHECK(chosen == (round == 0 ? 0 : round == 1 ? 1 : round == 2 ? 3 : 2));
    }
    mu.unlock();
  });
}

TEST_CASE("a case whose value cannot be moved into it leaks nothing") {
  {
    auto c = make_chan<bomb>(1);
    const bomb live_one(true);
    CHECK_THROWS_WITH_AS(select_case(c.send(live_one)), "move", std::runtime_error);
    const bomb harmless(false);
    select_case fine(c.send(harmless));
    CHECK(bomb::live == 3);
  }
  CHECK(bomb::live == 0);
}
