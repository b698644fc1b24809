// SPDX-License-Identifier: MIT
// Channels and selects: what Go's own tests assert and no other test here does. docs/go-tests.md
// tells which is which.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <notes.hpp>
#include <run_test.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace burrow;

namespace {

task<> fill(chan<int> c) {
  for (std::size_t i = 0; i < c.capacity(); ++i) co_await c.send(static_cast<int>(i));
}

task<> receivers_wait_for_values(std::size_t capacity) {
  auto c = make_chan<int>(capacity);
  auto log = new_notes();
  go(receive_and_note, c, log);
  go(receive_and_note, c, log);
  co_await until_quiet();
  CHECK(log->empty());
  int v = 0;
  CHECK(c.try_recv(v) == recv_status::empty);
  co_await c.send(1);
  co_await c.send(2);
  co_await until_quiet();
  std::ranges::sort(*log);
  CHECK(*log == numbers{1, 2});
}

task<> a_sender_waits_for_room(std::size_t capacity) {
  auto c = make_chan<int>(capacity);
  CHECK(c.size() == 0);
  CHECK(c.capacity() == capacity);
  co_await fill(c);
  CHECK(c.size() == capacity);
  auto log = new_notes();
  go(send_and_note, c, 7, log);
  co_await until_quiet();
  CHECK(log->empty());
  CHECK_FALSE(c.try_send(8));
  co_await c.recv();
  co_await until_quiet();
  CHECK(*log == numbers{7});
}

task<> a_closed_one_gives_what_it_keeps(std::size_t capacity) {
  auto c = make_chan<int>(capacity);
  co_await fill(c);
  c.close();
  for (std::size_t i = 0; i < capacity; ++i) {
    const auto v = co_await c.recv();
    CHECK(v == static_cast<int>(i));
  }
  for (int i = 0; i < 2; ++i) {
    int v = 7;
    const bool ok = co_await c.recv(v);
    CHECK_FALSE(ok);
    CHECK(v == 0);
  }
}

task<> close_wakes_a_receiver(std::size_t capacity) {
  auto c = make_chan<int>(capacity);
  auto log = new_notes();
  go(receive_and_note, c, log);
  co_await until_quiet();
  CHECK(log->empty());
  c.close();
  co_await until_quiet();
  CHECK(*log == numbers{-1});
}

task<> values_keep_their_order(std::size_t capacity) {
  auto c = make_chan<int>(capacity);
  go([c]() -> task<> {
    for (int i = 0; i < 200; ++i) co_await c.send(i);
  });
  for (int i = 0; i < 200; i += 2) {
    int v = -1;
    const bool ok = co_await c.recv(v);
    CHECK(ok);
    CHECK(v == i);
    const auto next = co_await c.recv();
    CHECK(next == i + 1);
  }
}

/// A value of T passes with and without waiting, in a plain operation and in a select.
template <class T>
task<> passes_with_and_without_waiting(T x) {
  for (std::size_t capacity : {0, 1}) {
    auto c = make_chan<T>(capacity);
    T v{};
    CHECK(c.try_recv(v) == recv_status::empty);
    int chosen = co_await select(c.recv(v), otherwise);
    CHECK(chosen == 1);
    if (capacity == 1) co_await c.send(x);
    CHECK_FALSE(c.try_send(x));
    chosen = co_await select(c.send(x), otherwise);
    CHECK(chosen == 1);
    if (capacity == 1) {
      CHECK(c.try_recv(v) == recv_status::received);
      CHECK(v == x);
    }

    auto got = make_chan<T>(1);
    go([c, got]() -> task<> {
      T y{};
      co_await c.recv(y);
      co_await got.send(y);
    });
    co_await until_quiet();
    CHECK(c.try_send(x));
    co_await got.recv(v);
    CHECK(v == x);

    go([c, x]() -> task<> { co_await c.send(x); });
    co_await until_quiet();
    v = T{};
    chosen = co_await select(c.recv(v), otherwise);
    CHECK(chosen == 0);
    CHECK(v == x);
  }
}

struct large {
  std::array<std::int64_t, 40> words{};
  bool operator==(const large&) const = default;
};

struct shape {
  virtual ~shape() = default;
};
struct square : shape {};

}  // namespace

TEST_CASE("CH6 CH7 CH17 CH19 CH28 CH30: the same at every capacity") {
  run_test(1, []() -> task<> {
    for (std::size_t capacity = 0; capacity < 100; ++capacity) {
      CAPTURE(capacity);
      co_await receivers_wait_for_values(capacity);
      co_await a_sender_waits_for_room(capacity);
      co_await a_closed_one_gives_what_it_keeps(capacity);
      co_await close_wakes_a_receiver(capacity);
      co_await values_keep_their_order(capacity);
    }
  });
}

TEST_CASE("CH38: four senders and four receivers at every capacity: each value once per sender") {
  run_test(4, []() -> task<> {
    constexpr int each = 250;
    for (std::size_t capacity = 0; capacity < 40; ++capacity) {
      auto c = make_chan<int>(capacity);
      auto ended = make_chan<numbers>();
      for (int p = 0; p < 4; ++p) {
        go([c]() -> task<> {
          for (int i = 0; i < each; ++i) co_await c.send(i);
        });
        go([c, ended]() -> task<> {
          numbers seen(each);
          for (int i = 0; i < each; ++i) {
            const auto v = co_await c.recv();
            ++seen[static_cast<std::size_t>(*v)];
          }
          co_await ended.send(std::move(seen));
        });
      }
      numbers total(each);
      for (int p = 0; p < 4; ++p) {
        const auto seen = co_await ended.recv();
        for (std::size_t i = 0; i < total.size(); ++i) total[i] += (*seen)[i];
      }
      CHECK(total == numbers(each, 4));
    }
  });
}

TEST_CASE("CH33: elements of every size pass with and without waiting") {
  run_test(1, []() -> task<> {
    large big;
    big.words.back() = -5;
    co_await passes_with_and_without_waiting(true);
    co_await passes_with_and_without_waiting(std::int32_t{123});
    co_await passes_with_and_without_waiting(std::int64_t{123'456});
    co_await passes_with_and_without_waiting(std::string("hello, channel, this is long"));
    co_await passes_with_and_without_waiting(big);
  });
}

TEST_CASE("SE6: what is not sent as its base stays, whichever case it was for") {
  run_test(1, []() -> task<> {
    auto c = make_chan<std::shared_ptr<shape>>(1);
    const auto one = std::make_shared<square>();
    co_await c.send(one);
    int chosen = co_await select(c.send(one), otherwise);
    CHECK(chosen == 1);
    auto other = std::make_shared<square>();
    chosen = co_await select(c.send(one), c.send(std::move(other)), otherwise);
    CHECK(chosen == 2);
    CHECK(other != nullptr);
    CHECK(one.use_count() == 2);
    const auto got = co_await c.recv();
    CHECK(*got == one);
  });
}

TEST_CASE("CH8 CH10: a chain of goroutines takes the values of a channel in its own order") {
  run_test(2, []() -> task<> {
    constexpr int links = 10;
    auto c = make_chan<int>();
    auto first = make_chan<>();
    auto turn = first;
    auto seen = new_notes();
    for (int i = 0; i < links; ++i) {
      auto next = make_chan<>();
      go([c, turn, next, seen]() -> task<> {
        co_await turn.recv();
        const auto v = co_await c.recv();
        seen->push_back(*v);
        co_await next.send();
      });
      turn = next;
    }
    co_await first.send();
    for (int i = 0; i < links; ++i) co_await c.send(i);
    co_await turn.recv();
    CHECK(*seen == numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  });
}

TEST_CASE("G2 CH6: a value passes through a chain of ten thousand goroutines") {
  run_test(2, []() -> task<> {
    const auto leftmost = make_chan<int>();
    auto left = leftmost;
    for (int i = 0; i < 10'000; ++i) {
      auto right = make_chan<int>();
      go([left, right]() -> task<> {
        const auto v = co_await right.recv();
        co_await left.send(*v + 1);
      });
      left = right;
    }
    co_await left.send(0);
    const auto passed = co_await leftmost.recv();
    CHECK(passed == 10'000);
  });
}

TEST_CASE("CH35: the channel of a select's send may come out of another channel") {
  run_test(1, []() -> task<> {
    auto channels = make_chan<chan<int>>(1);
    auto c = make_chan<int>(1);
    co_await channels.send(c);
    const auto to = co_await channels.recv();
    const int chosen = co_await select(to->send(2), otherwise);
    CHECK(chosen == 0);
    const auto v = co_await c.recv();
    CHECK(v == 2);
  });
}

TEST_CASE("SE1 SE6 SE22: a loop over two sends makes each once, with a value of its own") {
  run_test(1, []() -> task<> {
    int evaluated = 0;
    const auto send_each_once = [&evaluated](chan<int> a, chan<int> b) -> task<int> {
      int sent = 0;
      for (int value = 1;; value *= 2) {
        const auto next = [&] {
          ++evaluated;
          return value;
        };
        const int chosen = co_await select(a.send(next()), b.send(next()), otherwise);
        if (chosen == 2) co_return sent;
        ++sent;
        (chosen == 0 ? a : b) = {};
      }
    };
    auto a = make_chan<int>(1);
    auto b = make_chan<int>(1);
    int sent = co_await send_each_once(a, b);
    CHECK(sent == 2);
    const auto from_a = co_await a.recv();
    const auto from_b = co_await b.recv();
    CHECK(*from_a + *from_b == 3);
    sent = co_await send_each_once(a, {});
    CHECK(sent == 1);
    CHECK(evaluated == 10);  // both operands, in each of the five rounds, nil or not
  });
}

TEST_CASE("SE4: of two values for one channel neither is sent much less often") {
  run_test(2, []() -> task<> {
    constexpr int n = 1000;
    for (std::size_t capacity : {0, n}) {
      auto c = make_chan<int>(capacity);
      auto ones = make_chan<int>();
      go([c, ones]() -> task<> {
        int sum = 0;
        for (int i = 0; i < n; ++i) {
          co_await this_goroutine::yield();
          const auto v = co_await c.recv();
          sum += *v;
        }
        co_await ones.send(sum);
      });
      for (int i = 0; i < n; ++i) co_await select(c.send(1), c.send(0));
      const auto sum = co_await ones.recv();
      // Fair, it is further off than this once in 10^80 runs.
      CHECK(*sum > n / 5);
      CHECK(*sum < n - n / 5);
    }
  });
}

TEST_CASE("SE14 SE15: two goroutines select between sending and receiving on one channel") {
  for (std::size_t capacity : {0, 10}) {
    std::atomic<int> own{0};
    run_test(2, [&]() -> task<> {
      auto c = make_chan<int>(capacity);
      wait_group wg;
      for (int me : {1, 2}) {
        wg.go([&, c, me]() -> task<> {
          for (int i = 0; i < 1000; ++i) {
            int v = 0;
            if (me == 1 || i % 2 == 0) {
              co_await select(c.send(me), c.recv(v));
            } else {
              co_await select(c.recv(v), c.send(me));
            }
            if (v == me) ++own;
          }
        });
      }
      co_await wg.wait();
    });
    if (capacity == 0) CHECK(own == 0);
  }
}

TEST_CASE("SE13 SE18: a select that stood twice in a queue leaves it to who comes after") {
  run_test(2, []() -> task<> {
    auto c = make_chan<int>();
    auto d = make_chan<int>();
    auto woken = make_chan<int>();
    go([=]() -> task<> {
      const int chosen = co_await select(c.recv(), c.recv(), d.recv());
      co_await woken.send(chosen);
    });
    co_await until_quiet();
    auto log = new_notes();
    go(receive_and_note, c, log);
    co_await until_quiet();
    co_await d.send(7);
    const auto chosen = co_await woken.recv();
    CHECK(chosen == 2);
    co_await c.send(8);
    co_await until_quiet();
    CHECK(*log == numbers{8});
  });
}

TEST_CASE("SE12: otherwise is not chosen while one channel is drained and the other closed") {
  run_test(2, []() -> task<> {
    int failures = 0;
    for (int i = 0; i < 5000; ++i) {
      auto a = make_chan<int>(1);
      auto b = make_chan<int>(i % 2 == 0 ? 0 : 1);
      auto ready = make_chan<bool>(1);
      co_await a.send(1);
      go([=]() -> task<> {
        const int chosen = co_await select(a.recv(), b.recv(), otherwise);
        co_await ready.send(chosen != 2);
      });
      if (i % 2 == 0) {
        b.close();
      } else {
        co_await b.send(1);
      }
      int v = 0;
      a.try_recv(v);
      const auto was_ready = co_await ready.recv();
      failures += *was_ready ? 0 : 1;
    }
    CHECK(failures == 0);
  });
}

TEST_CASE("G2 CH38: a network of channels multiplies two power series") {
  using series = recv_chan<std::int64_t>;
  run_test(2, []() -> task<> {
    /// 1 + x + x^2 + ...
    const auto geometric = []() -> series {
      auto out = make_chan<std::int64_t>();
      go([out]() -> task<> {
        for (;;) co_await out.send(1);
      });
      return out;
    };
    /// Each coefficient of the product takes one more of both factors.
    const auto product = [](series a, series b) -> series {
      auto out = make_chan<std::int64_t>();
      go([=]() -> task<> {
        std::vector<std::int64_t> x;
        std::vector<std::int64_t> y;
        for (;;) {
          std::int64_t v = 0;
          std::int64_t w = 0;
          const int chosen = co_await select(a.recv(v), b.recv(w));
          if (chosen == 0) {
            co_await b.recv(w);
          } else {
            co_await a.recv(v);
          }
          x.push_back(v);
          y.push_back(w);
          std::int64_t sum = 0;
          for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[x.size() - 1 - i];
          co_await out.send(sum);
        }
      });
      return out;
    };
    // (1 - x)^-4, whose coefficients are (n + 1)(n + 2)(n + 3) / 6.
    const series all =
        product(product(geometric(), geometric()), product(geometric(), geometric()));
    for (std::int64_t n = 0; n < 100; ++n) {
      const auto coefficient = co_await all.recv();
      CHECK(coefficient == (n + 1) * (n + 2) * (n + 3) / 6);
    }
  });
}
