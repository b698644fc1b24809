// SPDX-License-Identifier: MIT
// Channels and plain threads: the blocking forms, several runtimes, no runtime at all.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace burrow;

TEST_CASE("plain threads meet on a channel, without a runtime") {
  for (std::size_t capacity : {0, 1, 7}) {
    auto c = make_chan<std::unique_ptr<int>>(capacity);
    std::thread sender([c] {
      for (int i = 0; i < 1000; ++i) c.send_blocking(std::make_unique<int>(i));
      c.close();
    });
    int next = 0;
    std::unique_ptr<int> p;
    while (c.recv_blocking(p)) {
      REQUIRE(p);
      CHECK(*p == next);
      ++next;
    }
    sender.join();
    CHECK(next == 1000);
    CHECK_FALSE(c.recv_blocking());
  }
}

TEST_CASE("CH6 HB3: a blocking send on an unbuffered channel waits for its receiver") {
  auto c = make_chan<int>();
  int data = 0;
  std::thread receiver([&] {
    data = 1;
    CHECK(c.recv_blocking() == 5);
  });
  c.send_blocking(5);
  CHECK(data == 1);
  receiver.join();
}

TEST_CASE("CH12: a thread that waits in a blocking receive is handed a value") {
  auto c = make_chan<std::string>();
  std::thread receiver([c] {
    std::optional<std::string> got = c.recv_blocking();
    CHECK(got == "hello");
  });
  // Unbuffered: this succeeds only when the thread waits.
  while (!c.try_send("hello")) std::this_thread::yield();
  receiver.join();
  std::thread sender([c] { c.send_blocking("back"); });
  std::string text;
  while (c.try_recv(text) != recv_status::received) std::this_thread::yield();
  CHECK(text == "back");
  sender.join();
}

TEST_CASE("CH17 CH18 CH21: close wakes threads") {
  for (int round = 0; round < 200; ++round) {
    auto c = make_chan<int>();
    auto d = make_chan<int>();
    std::atomic<int> closed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&, c] {
        int v = 7;
        if (!c.recv_blocking(v) && v == 0) ++closed;
      });
      threads.emplace_back([&, d] {
        try {
          d.send_blocking(1);
        } catch (const closed_channel&) {
          ++closed;
        }
      });
    }
    if (round % 2 == 0) std::this_thread::yield();
    c.close();
    d.close();
    for (auto& t : threads) t.join();
    CHECK(closed == 4);
  }
}

TEST_CASE("threads and goroutines over one channel, both ways") {
  for (int workers : {1, 2}) {
    auto requests = make_chan<int>(2);
    auto replies = make_chan<std::string>();
    std::thread client([=] {
      for (int i = 0; i < 500; ++i) {
        requests.send_blocking(i);
        CHECK(replies.recv_blocking() == std::to_string(i));
      }
      requests.close();
    });
    run_test(workers, [=]() -> task<> {
      while (std::optional<int> i = co_await requests.recv()) {
        co_await replies.send(std::to_string(*i));
      }
    });
    client.join();
  }
}

TEST_CASE("a thread wakes goroutines that wait, also through a select") {
  auto c = make_chan<int>();
  auto ended = make_chan<>();
  std::thread outside;
  run_test(2, [&]() -> task<> {
    auto sums = make_chan<int>(4);
    for (int g = 0; g < 4; ++g) {
      go(
          [](chan<int> from, chan<> end, chan<int> out) -> task<> {
            int sum = 0;
            for (;;) {
              int v = 0;
              const int chosen = co_await select(from.recv(v), end.recv());
              if (chosen == 1) break;
              sum += v;
            }
            co_await out.send(sum);
          },
          c, ended, sums);
    }
    outside = std::thread([c, ended] {
      for (int i = 1; i <= 1000; ++i) c.send_blocking(i);
      ended.close();
    });
    int total = 0;
    for (int g = 0; g < 4; ++g) {
      std::optional<int> sum = co_await sums.recv();
      total += *sum;
    }
    CHECK(total == 500'500);
  });
  outside.join();
}

TEST_CASE("a goroutine must not block its worker") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    int v = 0;
    CHECK_THROWS_AS(c.send_blocking(1), std::logic_error);
    CHECK_THROWS_AS(c.recv_blocking(v), std::logic_error);
    CHECK_THROWS_AS(c.recv_blocking(), std::logic_error);
    CHECK(c.size() == 0);
    CHECK(c.try_send(2));  // those that never wait are for everyone
    co_return;
  });
}

TEST_CASE("two runtimes at the same time talk over one channel") {
  auto ping = make_chan<std::unique_ptr<int>>();
  auto pong = make_chan<int>(1);
  std::thread other([=] {
    run_test(2, [=]() -> task<> {
      while (std::optional<std::unique_ptr<int>> p = co_await ping.recv()) {
        co_await pong.send(**p + 1);
      }
      pong.close();
    });
  });
  run_test(2, [=]() -> task<> {
    int sum = 0;
    for (int i = 0; i < 500; ++i) {
      co_await ping.send(std::make_unique<int>(i));
      int v = 0;
      int chosen = co_await select(pong.recv(v));
      CHECK(chosen == 0);
      CHECK(v == i + 1);
      sum += v;
    }
    ping.close();
    bool ok = co_await pong.recv(sum);
    CHECK_FALSE(ok);
  });
  other.join();
}

TEST_CASE("a thread drops the last handle of a channel that goroutines wait on") {
  auto held = std::make_shared<int>(0);
  run_test(1, [&]() -> task<> {
    auto handle = std::make_unique<chan<std::shared_ptr<int>>>(make_chan<std::shared_ptr<int>>());
    for (int i = 0; i < 3; ++i) {
      go([](chan<std::shared_ptr<int>>& c,
            std::shared_ptr<int> v) -> task<> { co_await c.send(v); },
         std::ref(*handle), held);
    }
    co_await until_quiet();
    std::thread outside([&] { handle.reset(); });
    outside.join();
    CHECK(parked_goroutines() == 3);
  });
  CHECK(held.use_count() == 1);
}
