// SPDX-License-Identifier: MIT
// close(): ends what others wait for, at once; the number goes back to the kernel once, and never
// while a call is made with it.
#include "sockets.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace {

using namespace burrow;
using namespace std::chrono_literals;
using net::listener;
using net::stream;

task<> note_read(stream s, std::vector<std::error_code>& errors, mutex& mu) {
  std::array<char, 8> some;
  const result<std::size_t> got = co_await s.read(some);
  auto held = co_await mu.guard();
  errors.push_back(got.error());
}

TEST_CASE("close: ends reads, writes and accepts of other goroutines, with errc::not_open") {
  for (const int workers : {1, 4}) {
    for (const bool by_thread : {false, true}) {
      run_test(workers, [by_thread]() -> task<> {
        connection c = co_await connect_here();
        listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
        std::vector<std::error_code> errors;
        mutex mu;
        const int numbers[] = {c.server.native_handle(), l.native_handle()};
        co_await scope([&](group& g) -> task<> {
          for (int i = 0; i < 3; ++i) g.go(note_read, c.server, std::ref(errors), std::ref(mu));
          g.go([&]() -> task<> {
            const std::string much(256 * 1024, 'x');
            result<void> sent;
            while (sent) sent = co_await c.server.write_all(much);
            auto held = co_await mu.guard();
            errors.push_back(sent.error());
          });
          g.go([&]() -> task<> {
            const result<stream> got = co_await l.accept();
            auto held = co_await mu.guard();
            errors.push_back(got.error());
          });
          co_await until_quiet();
          const auto close_both = [&] {
            c.server.close().value();
            l.close().value();
          };
          if (by_thread) {
            std::thread(close_both).join();
          } else {
            close_both();
          }
          co_await g.wait();
        });
        CHECK(errors.size() == 5);
        for (const std::error_code error : errors) CHECK(error == errc::not_open);
        for (const int number : numbers) co_await until_closed(number);
        CHECK(c.server.close().error() == errc::not_open);
        CHECK(l.close().error() == errc::not_open);
      });
    }
  }
}

task<std::error_code> read_one(stream s) {
  std::array<char, 1> some;
  const result<std::size_t> got = co_await s.read(some);
  co_return got.error();
}

TEST_CASE("close: a thread that closes one connection and ends leaves the others alone") {
  run_test(1, []() -> task<> {
    connection a = socket_pair();
    connection b = socket_pair();
    co_await scope([&](group& g) -> task<> {
      auto of_closed = g.async(read_one, a.server);
      co_await until_quiet();
      auto of_other = g.async(read_one, b.server);
      // Now the second read waits in the worker's queue, or is with the kernel already.
      co_await this_goroutine::yield();
      std::thread([&a] { a.server.close().value(); }).join();
      const std::error_code closed = co_await of_closed;
      CHECK(closed == errc::not_open);
      (co_await b.client.write_all("x")).value();
      const std::error_code other = co_await of_other;
      CHECK_FALSE(other);
    });
  });
}

TEST_CASE("close: the same connection from several threads and workers: once") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 200; ++round) {
      connection c = socket_pair();
      std::atomic<int> closed{0};
      std::vector<std::thread> threads;
      for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] { closed += c.client.close() ? 1 : 0; });
      }
      co_await scope([&](group& g) -> task<> {
        for (int i = 0; i < 3; ++i) {
          g.go([&]() -> task<> {
            std::array<char, 4> some;
            const result<std::size_t> got = co_await c.client.read(some);
            CHECK(got.error() == errc::not_open);
          });
          g.go([&]() -> task<> {
            closed += c.client.close() ? 1 : 0;
            co_return;
          });
        }
        co_return;
      });
      for (std::thread& t : threads) t.join();
      CHECK(closed == 1);
    }
  });
}

/// Opens a pair, lets others read and write it while it is closed, and looks what each has got:
/// bytes of this pair alone, whoever has had its numbers before.
task<> storm(std::uint8_t mark, int rounds, std::atomic<long>& foreign) {
  const std::string text(64, static_cast<char>(mark));
  for (int i = 0; i < rounds; ++i) {
    connection c = socket_pair();
    co_await scope([&](group& g) -> task<> {
      for (int k = 0; k < 2; ++k) {
        g.go([&]() -> task<> {
          std::array<char, 64> some;
          for (;;) {
            const result<std::size_t> got = co_await c.server.read(some);
            if (!got || *got == 0) co_return;
            for (std::size_t n = 0; n < *got; ++n) {
              if (some[n] != static_cast<char>(mark)) ++foreign;
            }
          }
        });
      }
      g.go([&]() -> task<> {
        result<void> sent;
        while (sent) sent = co_await c.client.write_all(text);
      });
      co_await this_goroutine::yield();
      if (i % 3 == 0) co_await this_goroutine::yield();
      if (i % 2 == 0) {
        c.server.close().value();
        c.client.close().value();
      } else {
        c.client.close().value();
        c.server.close().value();
      }
    });
  }
}

TEST_CASE("close: a storm of open and close: nobody reads what is another's") {
  const int before = open_descriptors();
  for (const int workers : {2, 4}) {
    std::atomic<long> foreign{0};
    run_test(workers, [&foreign]() -> task<> {
      co_await scope([&](group& g) -> task<> {
        for (std::uint8_t mark = 1; mark <= 8; ++mark) g.go(storm, mark, 150, std::ref(foreign));
        co_return;
      });
    });
    CHECK(foreign == 0);
    CHECK(open_descriptors() == before);
  }
}

// --- more than one runtime -----------------------------------------------------------------------

TEST_CASE("runtimes: descriptors and listeners outlive one, and serve the next") {
  connection kept;
  listener l;
  run_test(2, [&]() -> task<> {
    kept = co_await connect_here();
    l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    // A read that the end of this runtime unwinds, and an accept for select.
    go([s = kept.server]() mutable -> task<> {
      std::array<char, 1> some;
      const result<std::size_t> got = co_await s.read(some);
      CHECK(got.error() == errc::canceled);
    });
    result<stream> next;
    const int chosen = co_await select(l.accept(next), after(1ms));
    CHECK(chosen == 1);
  });
  for (int i = 0; i < 3; ++i) {
    run_test(2, [&]() -> task<> {
      (co_await kept.client.write_all("abc")).value();
      std::string got(3, '\0');
      (co_await kept.server.read_full(got)).value();
      CHECK(got == "abc");
      const stream dialled = (co_await net::dial(l.local_address())).value();
      result<stream> next;
      const int chosen = co_await select(l.accept(next), chan<int>().recv());
      CHECK(chosen == 0);
      REQUIRE(next.has_value());
      CHECK(next->peer_address() == dialled.local_address());
    });
  }
}

TEST_CASE("runtimes: two at the same time share a connection") {
  std::optional<connection> c = socket_pair();
  long sum[2] = {0, 0};
  const auto reader = [&c](long& total) {
    return [&c, &total]() -> task<> {
      std::array<char, 1> some;
      for (;;) {
        const result<std::size_t> got = co_await c->server.read(some);
        if (!got || *got == 0) co_return;
        total += 1;
        co_await this_goroutine::yield();
      }
    };
  };
  std::thread one([&] { run_test(1, reader(sum[0])); });
  std::thread other([&] { run_test(1, reader(sum[1])); });
  constexpr long bytes_sent = 3000;
  run_test(1, [&c]() -> task<> {
    for (long i = 0; i < bytes_sent; ++i) (co_await c->client.write_all("x")).value();
    c->client.shutdown(net::direction::writing).value();
  });
  one.join();
  other.join();
  CHECK(sum[0] + sum[1] == bytes_sent);
}

}  // namespace
