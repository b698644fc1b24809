// SPDX-License-Identifier: MIT
// What programs see of the scheduler: parallelism, fairness, idleness, several runtimes.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <sys/resource.h>
#include <thread>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

std::chrono::nanoseconds cpu_time() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

/// Passes a number to and fro until `over`; never leaves the processor by itself.
task<> ping_pong(chan<int> in, chan<int> out, std::shared_ptr<std::atomic<bool>> over) {
  for (;;) {
    int n = 0;
    const bool ok = co_await in.recv(n);
    if (!ok || over->load()) break;
    co_await out.send(n + 1);
  }
  if (!over->exchange(true)) co_return;
  out.try_send(0);
}

/// Keeps one processor busy with a pair until the flag is set.
std::shared_ptr<std::atomic<bool>> start_pair() {
  auto over = std::make_shared<std::atomic<bool>>(false);
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  go(ping_pong, a, b, over);
  go(ping_pong, b, a, over);
  go([](chan<int> first) -> task<> { co_await first.send(0); }, a);
  return over;
}

}  // namespace

TEST_CASE("G16: each worker runs a goroutine that spins, all at the same time") {
  constexpr int count = 4;
  run_test(count, []() -> task<> {
    auto arrived = std::make_shared<std::atomic<int>>(0);
    auto ended = make_chan<>(count);
    // Without an await each holds its worker; if two were put behind one another, the barrier would
    // never open.
    for (int i = 0; i + 1 < count; ++i) {
      go(
          [](std::shared_ptr<std::atomic<int>> n, chan<> end) -> task<> {
            n->fetch_add(1);
            while (n->load() < count) std::this_thread::yield();
            co_await end.send();
          },
          arrived, ended);
    }
    arrived->fetch_add(1);
    while (arrived->load() < count) std::this_thread::yield();
    for (int i = 0; i + 1 < count; ++i) co_await ended.recv();
  });
}

TEST_CASE("G18: a busy pair starves neither a third goroutine nor a timer nor the global queue") {
  run_test(1, []() -> task<> {
    auto over = start_pair();
    // A third one that is runnable all the time.
    auto turns = std::make_shared<std::atomic<int>>(0);
    go(
        [](std::shared_ptr<std::atomic<int>> n, std::shared_ptr<std::atomic<bool>> end) -> task<> {
          while (!end->load()) {
            n->fetch_add(1);
            co_await this_goroutine::yield();
          }
        },
        turns, over);
    // A timer.
    co_await sleep(5ms);
    // What a plain thread starts goes through the global queue.
    auto from_outside = make_chan<>(1);
    std::thread outside(
        [from_outside] { go([](chan<> c) -> task<> { co_await c.send(); }, from_outside); });
    co_await from_outside.recv();
    outside.join();
    // And what does not fit into the ring.
    auto all = make_chan<int>(1000);
    for (int i = 0; i < 1000; ++i) {
      go([](chan<int> c, int n) -> task<> { co_await c.send(n); }, all, i);
    }
    long sum = 0;
    for (int i = 0; i < 1000; ++i) {
      int n = 0;
      co_await all.recv(n);
      sum += n;
    }
    CHECK(sum == 999 * 1000 / 2);
    while (turns->load() < 100) co_await sleep(1ms);
    over->store(true);
  });
}

TEST_CASE("yield lets every other runnable goroutine run first") {
  run_test(1, []() -> task<> {
    constexpr int count = 500;  // more than fit into the ring
    int ran = 0;
    for (int i = 0; i < count; ++i) {
      go(
          [](int& n) -> task<> {
            ++n;
            co_return;
          },
          std::ref(ran));
    }
    int yields = 0;
    while (ran < count && yields < 20) {
      co_await this_goroutine::yield();
      ++yields;
    }
    CHECK(ran == count);
  });
}

TEST_CASE("an idle runtime uses next to no CPU: waiting for a thread, a timer, nothing armed") {
  for (const int workers : {1, 4}) {
    CAPTURE(workers);
    for (const bool with_ticker : {false, true}) {
      CAPTURE(with_ticker);
      run_test(workers, [with_ticker]() -> task<> {
        // Let all workers have run and gone to sleep.
        co_await sleep(20ms);
        std::optional<ticker> idle;
        if (with_ticker) idle.emplace(1ms);  // nobody receives
        auto answer = make_chan<>();
        std::thread plain([answer] {
          std::this_thread::sleep_for(500ms);
          answer.send_blocking();
        });
        const auto cpu = cpu_time();
        const auto begin = std::chrono::steady_clock::now();
        co_await answer.recv();
        const auto wall = std::chrono::steady_clock::now() - begin;
        const auto used = cpu_time() - cpu;
        plain.join();
        CHECK(used < wall / 10);
      });
    }
  }
}

TEST_CASE("runtimes at the same time on threads of their own pass messages in a ring") {
  constexpr int runtimes = 4;
  constexpr int laps = 300;
  std::vector<chan<int>> ring;
  for (int i = 0; i < runtimes; ++i) ring.push_back(make_chan<int>(i % 2 == 0 ? 0 : 3));
  std::vector<std::thread> threads;
  std::atomic<long> seen{0};
  for (std::size_t i = 0; i < runtimes; ++i) {
    threads.emplace_back([&, i] {
      run_test(1 + static_cast<int>(i % 2), [&, i]() -> task<> {
        chan<int> in = ring[i];
        chan<int> out = ring[(i + 1) % runtimes];
        if (i == 0) co_await out.send(0);
        for (int lap = 0; lap < laps; ++lap) {
          int n = 0;
          co_await in.recv(n);
          seen += n;
          if (i == 0 && lap + 1 == laps) break;
          co_await out.send(n + 1);
        }
      });
    });
  }
  for (std::thread& t : threads) t.join();
  long expected = 0;
  for (long n = 0; n < long{runtimes} * laps; ++n) expected += n;
  CHECK(seen.load() == expected);
}

TEST_CASE("runtimes one after the other hand a channel on") {
  auto c = make_chan<int>(1);
  for (int i = 0; i < 200; ++i) {
    run_test(1 + i % 3, [c, i]() -> task<> {
      int before = -1;
      if (i != 0) co_await c.recv(before);
      CHECK(before == i - 1);
      go([](chan<int> to, int n) -> task<> { co_await to.send(n); }, c, i);
      while (c.size() == 0) co_await this_goroutine::yield();
    });
  }
  int last = 0;
  CHECK(c.try_recv(last) == recv_status::received);
  CHECK(last == 199);
}

TEST_CASE("a runtime inside blocking(), which talks to the one outside") {
  run_test(2, []() -> task<> {
    auto there = make_chan<int>();
    auto back = make_chan<int>();
    go(
        [](chan<int> in, chan<int> out) -> task<> {
          for (int i = 0; i < 100; ++i) {
            int n = 0;
            co_await in.recv(n);
            co_await out.send(2 * n);
          }
        },
        there, back);
    const int sum = co_await blocking([there, back] {
      return run_test(2, [there, back]() -> task<int> {
        int all = 0;
        for (int i = 0; i < 100; ++i) {
          co_await there.send(i);
          int n = 0;
          co_await back.recv(n);
          all += n;
        }
        const int inner = co_await blocking([] { return run([]() -> task<int> { co_return 7; }); });
        co_return all + inner;
      });
    });
    CHECK(sum == 99 * 100 + 7);
  });
}

TEST_CASE("goroutines of several runtimes and plain threads compete for one channel") {
  constexpr int each = 2'000;
  auto c = make_chan<int>(4);
  std::atomic<long> received{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([c] {
      run_test(2, [c]() -> task<> {
        for (int i = 1; i <= each; ++i) co_await c.send(i);
      });
    });
  }
  threads.emplace_back([c] {
    for (int i = 1; i <= each; ++i) c.send_blocking(i);
  });
  std::vector<std::thread> takers;
  takers.emplace_back([&] {
    run_test(2, [&]() -> task<> {
      int n = 0;
      for (;;) {
        const bool ok = co_await c.recv(n);
        if (!ok) break;
        received += n;
      }
    });
  });
  takers.emplace_back([&] {
    int n = 0;
    while (c.recv_blocking(n)) received += n;
  });
  for (std::thread& t : threads) t.join();
  c.close();
  for (std::thread& t : takers) t.join();
  CHECK(received.load() == 3L * each * (each + 1) / 2);
}
