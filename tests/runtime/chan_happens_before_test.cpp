// SPDX-License-Identifier: MIT
// What a channel orders: HB of Go's semantics. A case cannot see a missing edge without a race
// detector; so these are for a build with ThreadSanitizer above all.
#include <doctest/doctest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <notes.hpp>
#include <optional>
#include <run_test.hpp>

using namespace burrow;

TEST_CASE("HB1 HB2: a send, and a close, come before what is received") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 500; ++round) {
      for (std::size_t capacity : {0, 1, 3}) {
        auto c = make_chan<int>(capacity);
        auto data = std::make_shared<numbers>(4, 0);
        go(
            [](chan<int> to, notes d) -> task<> {
              for (int i = 0; i < 3; ++i) {
                (*d)[static_cast<std::size_t>(i)] = i + 1;
                co_await to.send(i);
              }
              (*d)[3] = 4;
              to.close();
            },
            c, data);
        int sum = 0;
        while (std::optional<int> i = co_await c.recv()) {
          sum += (*data)[static_cast<std::size_t>(*i)];
        }
        CHECK(sum == 6);
        CHECK((*data)[3] == 4);
      }
    }
  });
}

TEST_CASE("HB3: an unbuffered receive comes before the end of its send") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 1000; ++round) {
      auto c = make_chan<>();
      auto data = std::make_shared<int>(0);
      go(
          [](chan<> from, std::shared_ptr<int> d) -> task<> {
            *d = 1;
            co_await from.recv();
          },
          c, data);
      co_await c.send();
      CHECK(*data == 1);
    }
  });
}

TEST_CASE("HB4: a channel of capacity C is a counting semaphore, with C = 1 a mutex") {
  run_test(4, []() -> task<> {
    auto lock = make_chan<>(1);
    auto ended = make_chan<>(8);
    int counter = 0;
    for (int g = 0; g < 8; ++g) {
      go(
          [](chan<> mutex, chan<> done, int& n) -> task<> {
            for (int i = 0; i < 300; ++i) {
              co_await mutex.send();
              ++n;
              if (i % 16 == 0) co_await this_goroutine::yield();
              co_await mutex.recv();
            }
            co_await done.send();
          },
          lock, ended, std::ref(counter));
    }
    for (int g = 0; g < 8; ++g) co_await ended.recv();
    CHECK(counter == 2400);

    // The k-th receive comes before the end of the (k+C)-th send.
    auto slots = make_chan<int>(3);
    auto data = std::make_shared<numbers>(400, 0);
    go(
        [](chan<int> from, notes d) -> task<> {
          for (std::size_t k = 0; k < d->size(); ++k) {
            (*d)[k] = static_cast<int>(k) + 1;
            co_await from.recv();
          }
        },
        slots, data);
    for (std::size_t k = 0; k < data->size() - 3; ++k) {
      co_await slots.send(0);
      if (k >= 3) CHECK((*data)[k - 3] == static_cast<int>(k) - 2);
    }
  });
}

TEST_CASE("HB6: a case of select orders what the plain operation orders") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 1000; ++round) {
      auto a = make_chan<int>();
      auto b = make_chan<int>(1);
      auto data = std::make_shared<numbers>(2, 0);
      go(
          [](chan<int> x, chan<int> y, notes d) -> task<> {
            (*d)[0] = 1;
            co_await select(x.send(1), y.recv());
            CHECK((*d)[1] == 2);  // written by the receiver before its receive
          },
          a, b, data);
      (*data)[1] = 2;
      int v = 0;
      chan<int> nil;
      int chosen = co_await select(nil.recv(), a.recv(v));
      CHECK(chosen == 1);
      CHECK((*data)[0] == 1);
    }
  });
}

TEST_CASE("HB10: a sender that a receiver lets into the buffer passes on what it wrote before") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 500; ++round) {
      auto c = make_chan<std::size_t>(1);
      auto done = make_chan<>();
      auto data = std::make_shared<numbers>(3, 0);
      for (std::size_t i = 0; i < 3; ++i) {
        go(
            [](chan<std::size_t> to, std::size_t n, notes d) -> task<> {
              (*d)[n] = static_cast<int>(n) + 1;
              co_await to.send(n);
            },
            c, i, data);
      }
      for (int i = 0; i < 3; ++i) {
        go(
            [](chan<std::size_t> from, chan<> ended, notes d) -> task<> {
              std::optional<std::size_t> n = co_await from.recv();
              CHECK((*d)[*n] == static_cast<int>(*n) + 1);
              co_await ended.send();
            },
            c, done, data);
      }
      for (int i = 0; i < 3; ++i) co_await done.recv();
    }
  });
}

TEST_CASE("HB9: in burrow a close beside sends is sound: each send delivers or throws") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 300; ++round) {
      auto c = make_chan<int>(static_cast<std::size_t>(round % 3));
      auto outcomes = make_chan<int>(3);
      for (int i = 0; i < 3; ++i) {
        go(
            [](chan<int> to, chan<int> out) -> task<> {
              int outcome = 1;
              try {
                co_await to.send(1);
              } catch (const closed_channel&) {
                outcome = 0;
              }
              co_await out.send(outcome);
            },
            c, outcomes);
      }
      std::optional<int> first = co_await c.recv();
      CHECK(first == 1);
      c.close();
      int delivered = 1;
      while (std::optional<int> more = co_await c.recv()) delivered += *more;
      int sent = 0;
      for (int i = 0; i < 3; ++i) {
        std::optional<int> outcome = co_await outcomes.recv();
        sent += *outcome;
      }
      CHECK(sent == delivered);
    }
  });
}
