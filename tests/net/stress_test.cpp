// SPDX-License-Identifier: MIT
// Echo servers and their clients, some of which are cancelled, abandoned or closed at any moment:
// every byte that a client has got is one that it has sent, and nothing is left over.
#include "sockets.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <stdexcept>

namespace {

using namespace burrow;
using net::listener;
using net::stream;

struct counters {
  std::atomic<long> begun{0};
  std::atomic<long> finished{0};
  std::atomic<long> cancelled{0};
  std::atomic<long> wrong{0};
  std::atomic<long> accepted{0};
  std::atomic<long> served{0};
};

task<> echo(stream s, counters& n) {
  std::array<char, 512> some;
  for (;;) {
    const result<std::size_t> got = co_await s.read(some);
    if (!got || *got == 0) break;
    const result<void> sent = co_await s.write_all(const_bytes(some.data(), *got));
    if (!sent) break;
  }
  ++n.served;
}

task<> serve(listener l, counters& n) {
  co_await scope([&](group& g) -> task<> {
    for (;;) {
      result<stream> next = co_await l.accept();
      if (!next) co_return;
      ++n.accepted;
      g.go(echo, std::move(*next), std::ref(n));
    }
  });
}

/// Some rounds of a question and its answer, under the carried Context.
task<std::error_code> ask(net::address where, int rounds, std::uint32_t seed, counters& n) {
  result<stream> s = co_await net::dial(where);
  if (!s) co_return s.error();
  for (int i = 0; i < rounds; ++i) {
    const std::string text(1 + (seed + static_cast<std::uint32_t>(i) * 131) % 1500,
                           static_cast<char>('a' + i % 26));
    std::string got(text.size(), '\0');
    if (const result<void> sent = co_await s->write_all(text); !sent) co_return sent.error();
    if (const result<void> full = co_await s->read_full(got); !full) co_return full.error();
    if (got != text) ++n.wrong;
  }
  co_return std::error_code();
}

task<> client(net::address where, std::uint32_t seed, counters& n) {
  std::minstd_rand random(seed);
  for (int i = 0; i < 25; ++i) {
    ++n.begun;
    auto [ctx, cancel] = with_cancel(this_goroutine::context());
    const std::uint32_t turns = random() % 30;
    std::error_code error;
    co_await scope([&](group& g) -> task<> {
      auto asking = g.async([&]() -> task<std::error_code> {
        co_return co_await under(ctx, ask(where, 8, seed, n));
      });
      if (turns < 20) {
        for (std::uint32_t k = 0; k < turns; ++k) co_await this_goroutine::yield();
        cancel();
      }
      error = co_await asking;
    });
    if (!error) {
      ++n.finished;
    } else if (error == errc::canceled) {
      ++n.cancelled;
    } else {
      MESSAGE(error.message());
    }
  }
}

TEST_CASE("stress: echo with cancels at any moment: the counters balance, nothing is left") {
  const int before = open_descriptors();
  for (const int workers : {2, 4}) {
    for (const std::string& where : {std::string("127.0.0.1:0"), own_abstract_path()}) {
      const std::string network = where[0] == '@' ? "unix" : "tcp";
      CAPTURE(network);
      CAPTURE(workers);
      counters n;
      run_test(workers, [&]() -> task<> {
        listener l = (co_await net::listen(network, where)).value();
        co_await scope([&](group& g) -> task<> {
          g.go(serve, l, std::ref(n));
          co_await scope([&](group& clients) -> task<> {
            for (std::uint32_t i = 1; i <= 12; ++i) {
              clients.go(client, l.local_address(), i, std::ref(n));
            }
            co_return;
          });
          l.close().value();
        });
      });
      CHECK(n.begun == 12 * 25);
      CHECK(n.finished + n.cancelled == n.begun);
      CHECK(n.finished > 0);
      CHECK(n.wrong == 0);
      CHECK(n.served == n.accepted);
      CHECK(open_descriptors() == before);
    }
  }
}

TEST_CASE("stress: scopes that fail, and runtimes that end, amid reads and writes") {
  const int before = open_descriptors();
  for (const int workers : {2, 4}) {
    for (int round = 0; round < 20; ++round) {
      int failures = 0;
      run_test(workers, [&]() -> task<> {
        for (int i = 0; i < 5; ++i) {
          connection c = socket_pair();
          counters n;
          try {
            co_await scope([&](group& g) -> task<> {
              g.go(echo, c.server, std::ref(n));
              for (int k = 0; k < 3; ++k) {
                g.go(
                    [](stream s) -> task<> {
                      std::array<char, 64> some{};
                      for (;;) {
                        (co_await under(background(), s.write_all(some))).value();
                        static_cast<void>((co_await under(background(), s.read(some))).value());
                      }
                    },
                    c.client);
              }
              for (int k = 0; k < i * 3; ++k) co_await this_goroutine::yield();
              throw std::runtime_error("failed");
            });
          } catch (const std::runtime_error&) {
            ++failures;
          }
        }
        // What is left to the end of the runtime.
        connection c = socket_pair();
        go([c]() mutable -> task<> {
          std::array<char, 64> some{};
          for (;;) {
            const result<void> sent = co_await c.client.write_all(some);
            if (!sent) co_return;
            const result<void> got = co_await c.server.read_full(some);
            if (!got) co_return;
          }
        });
        co_await this_goroutine::yield();
      });
      CHECK(failures == 5);
    }
    CHECK(open_descriptors() == before);
  }
}

TEST_CASE("deadlines that are moved by several workers while they fire") {
#if BURROW_ASAN || BURROW_TSAN
  constexpr int rounds = 500;
#else
  constexpr int rounds = 3'000;
#endif
  run_test(4, []() -> task<> {
    connection c = socket_pair();
    std::atomic<long> timeouts{0};
    co_await scope([&](group& g) -> task<> {
      wait_group setters;
      setters.add(3);
      g.go([&]() -> task<> {
        std::array<char, 8> some{};
        for (;;) {
          const result<std::size_t> got = co_await c.client.read(some);
          if (got) break;  // the byte that is sent in the end
          CHECK(got.error() == errc::io_timeout);
          ++timeouts;
          co_await this_goroutine::yield();
        }
      });
      for (int setter = 0; setter < 3; ++setter) {
        g.go([&, setter]() -> task<> {
          for (int i = 0; i < rounds; ++i) {
            const auto delay = std::chrono::microseconds((i + setter) % 7 * 10);
            c.client.set_read_deadline(std::chrono::steady_clock::now() + delay).value();
            co_await this_goroutine::yield();
          }
          setters.done();
        });
      }
      co_await setters.wait();
      c.client.set_read_deadline(std::chrono::steady_clock::now()).value();
      const long before = timeouts;
      while (timeouts == before) co_await this_goroutine::yield();
      c.client.set_read_deadline(std::chrono::steady_clock::time_point::max()).value();
      const result<void> sent = co_await c.server.write_all("!");
      sent.value();
      co_await g.wait();
    });
    CHECK(timeouts > 0);  // the last deadline, at least, was not moved in time
  });
}

}  // namespace
