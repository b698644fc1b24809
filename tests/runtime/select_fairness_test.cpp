// SPDX-License-Identifier: MIT
// Which of several ready cases a select chooses. The bounds are ten standard deviations of a fair
// choice: a fair select leaves them once in 10^22 runs.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <run_test.hpp>
#include <span>
#include <vector>

using namespace burrow;

namespace {

constexpr int rounds = 40'000;

/// Whether `count` of `rounds` tries is what a probability of `p` gives.
bool is_fair(int count, double p) {
  const double expected = rounds * p;
  return std::abs(count - expected) < 10 * std::sqrt(expected * (1 - p));
}

}  // namespace

TEST_CASE("SE4: of the ready cases one is chosen at random, each as likely") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>(1);
    auto b = make_chan<int>(1);
    auto c = make_chan<int>(1);
    chan<int> nil;
    auto never = make_chan<int>();
    a.try_send(0);
    b.try_send(0);
    std::array<int, 3> chosen{};
    int repeated = 0;
    int last = -1;
    for (int i = 0; i < rounds; ++i) {
      int v = 0;
      // Cases that are not ready, between and around them, change nothing.
      switch (co_await select(never.recv(v), a.recv(v), nil.recv(v), b.recv(v), never.send(1),
                              c.send(0))) {
        case 1:
          ++chosen[0];
          repeated += last == 0;
          last = 0;
          a.try_send(0);
          break;
        case 3:
          ++chosen[1];
          repeated += last == 1;
          last = 1;
          b.try_send(0);
          break;
        case 5:
          ++chosen[2];
          repeated += last == 2;
          last = 2;
          c.try_recv(v);
          break;
        default: CHECK_MESSAGE(false, "a case that is not ready was chosen");
      }
    }
    for (int n : chosen) CHECK(is_fair(n, 1.0 / 3));
    CHECK(is_fair(repeated, 1.0 / 3));  // not in turn
  });
}

TEST_CASE("SE4 SE5: a peer finds each case of a select that waits as likely") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    go(
        [](chan<int> to, chan<int> other) -> task<> {
          for (int i = 0; i < rounds; ++i) {
            co_await select(to.send(0), other.recv(), to.send(1), to.send(2));
          }
          to.close();
        },
        c, make_chan<int>());
    std::array<int, 3> count{};
    for (;;) {
      co_await this_goroutine::yield();  // the sender waits when this receives
      std::optional<int> got = co_await c.recv();
      if (!got) break;
      ++count[static_cast<std::size_t>(*got)];
    }
    for (int n : count) CHECK(is_fair(n, 1.0 / 3));

    auto values = make_chan<int>();
    auto chosen_case = make_chan<int>();
    go(
        [](chan<int> from, chan<int> back) -> task<> {
          int x = 0;
          int y = 0;
          for (int i = 0; i < rounds; ++i) {
            const int chosen = co_await select(from.recv(x), from.recv(y));
            co_await back.send(chosen);
          }
          back.close();
        },
        values, chosen_case);
    int second = 0;
    for (int i = 0; i < rounds; ++i) {
      co_await this_goroutine::yield();
      co_await values.send(i);
      std::optional<int> chosen = co_await chosen_case.recv();
      second += *chosen;
    }
    CHECK(is_fair(second, 0.5));
  });
}

TEST_CASE("SE4: a select that waited for both does not starve one") {
  // Go's TestSelectFairness: one channel always has a value, the other one always has a sender.
  run_test(2, []() -> task<> {
    auto done = make_chan<>();
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    const auto feeding = [](chan<int> to, chan<> end) -> task<> {
      for (;;) {
        const int chosen = co_await select(to.send(0), end.recv());
        if (chosen == 1) co_return;
      }
    };
    go(feeding, a, done);
    go(feeding, b, done);
    std::array<int, 2> count{};
    for (int i = 0; i < rounds; ++i) {
      const int chosen = co_await select(a.recv(), b.recv());
      ++count[static_cast<std::size_t>(chosen)];
    }
    done.close();
    CHECK(count[0] > rounds / 20);
    CHECK(count[1] > rounds / 20);
  });
}

TEST_CASE("SE5: a channel in several cases has as many chances") {
  run_test(1, []() -> task<> {
    auto a = make_chan<int>(1);
    auto b = make_chan<int>(1);
    a.try_send(0);
    b.try_send(0);
    int from_a = 0;
    std::array<int, 4> chosen{};
    for (int i = 0; i < rounds; ++i) {
      int v = 0;
      const int c = co_await select(a.recv(v), a.recv(v), b.recv(v), a.recv(v));
      ++chosen[static_cast<std::size_t>(c)];
      if (c == 2) {
        b.try_send(0);
      } else {
        ++from_a;
        a.try_send(0);
      }
    }
    CHECK(is_fair(from_a, 0.75));
    for (int n : chosen) CHECK(is_fair(n, 0.25));
  });
}

TEST_CASE("SE10: a send case of a closed channel is as likely as any other") {
  run_test(1, []() -> task<> {
    auto closed = make_chan<int>();
    closed.close();
    auto ready = make_chan<int>(1);
    ready.try_send(0);
    int thrown = 0;
    int v = 0;
    for (int i = 0; i < rounds; ++i) {
      try {
        co_await select(ready.recv(v), closed.send(1));
        ready.try_send(0);
      } catch (const closed_channel&) {
        ++thrown;
      }
    }
    CHECK(is_fair(thrown, 0.5));
  });
}

TEST_CASE("SE4 SE26: cases known at run time are chosen as fairly") {
  run_test(1, []() -> task<> {
    std::vector<chan<int>> channels;
    for (int i = 0; i < 4; ++i) {
      channels.push_back(make_chan<int>(1));
      if (i != 2) channels.back().try_send(0);
    }
    std::array<int, 4> chosen{};
    for (int i = 0; i < rounds; ++i) {
      std::vector<select_case> cases;
      for (auto& c : channels) cases.emplace_back(c.recv());
      const int c = co_await select(std::span(cases));
      ++chosen[static_cast<std::size_t>(c)];
      channels[static_cast<std::size_t>(c)].try_send(0);
    }
    CHECK(chosen[2] == 0);
    CHECK(is_fair(chosen[0], 1.0 / 3));
    CHECK(is_fair(chosen[1], 1.0 / 3));
    CHECK(is_fair(chosen[3], 1.0 / 3));
  });
}

TEST_CASE("SE4: the choice is as fair when the select yields on its way") {
  // With its budget spent a goroutine's select goes through the locks of all its channels.
  run_test(1, []() -> task<> {
    auto a = make_chan<int>(1);
    auto b = make_chan<int>(1);
    a.try_send(0);
    b.try_send(0);
    int first = 0;
    int counted = 0;
    while (counted < rounds) {
      int v = 0;
      detail::goroutine& me = *detail::current_goroutine();
      me.budget = 1;
      const int c = co_await select(a.recv(v), b.recv(v));
      (c == 0 ? a : b).try_send(0);
      first += c == 0;
      ++counted;
    }
    CHECK(is_fair(first, 0.5));
  });
}
