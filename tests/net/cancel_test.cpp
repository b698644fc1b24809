// SPDX-License-Identifier: MIT
// What ends an operation that waits for the kernel: a Context, a deadline, abandonment.
#include "sockets.hpp"

#include <burrow/buffered_reader.hpp>
#include <burrow/net/packet.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <vector>

namespace {

using namespace burrow;
using namespace std::chrono_literals;
using net::listener;
using net::stream;
using std::chrono::steady_clock;

task<std::error_code> read_one(stream s) {
  std::array<char, 1> some;
  const result<std::size_t> got = co_await s.read(some);
  co_return got.error();
}

task<std::error_code> write_until_stuck(stream s) {
  const std::string much(256 * 1024, 'x');
  for (;;) {
    const result<void> sent = co_await s.write_all(much);
    if (!sent) co_return sent.error();
  }
}

task<std::error_code> accept_one(listener l) {
  const result<stream> got = co_await l.accept();
  co_return got.error();
}

// --- the Context ---------------------------------------------------------------------------------

/// Starts `waits` under a Context that `end` ends once it waits; gives what it returned.
template <class F, class End>
task<std::error_code> ended_by(F waits, End end) {
  auto [ctx, cancel] = with_cancel(this_goroutine::context());
  std::error_code error;
  co_await scope([&](group& g) -> task<> {
    auto waiting =
        g.async([&]() -> task<std::error_code> { co_return co_await under(ctx, waits()); });
    co_await until_quiet();
    end(cancel);
    error = co_await waiting;
  });
  co_return error;
}

TEST_CASE("cancel: ends a read, a write that is stuck, and an accept that wait") {
  for (const int workers : {1, 3}) {
    run_test(workers, []() -> task<> {
      const auto cancelled = [](cancel_function& cancel) { cancel(); };
      connection c = co_await connect_here();
      const std::error_code read = co_await ended_by([&] { return read_one(c.server); }, cancelled);
      CHECK(read == errc::canceled);
      const std::error_code written =
          co_await ended_by([&] { return write_until_stuck(c.client); }, cancelled);
      CHECK(written == errc::canceled);
      listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
      const std::error_code accepted = co_await ended_by([&] { return accept_one(l); }, cancelled);
      CHECK(accepted == errc::canceled);
      // The connection is sound afterwards.
      (co_await c.server.write_all("y")).value();
      const std::error_code again = co_await read_one(c.client);
      CHECK_FALSE(again);
    });
  }
}

TEST_CASE("cancel: by a thread that is not the runtime's") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    for (int i = 0; i < 20; ++i) {
      const std::error_code read = co_await ended_by(
          [&] { return read_one(c.server); },
          [](cancel_function& cancel) { std::thread([&cancel] { cancel(); }).join(); });
      CHECK(read == errc::canceled);
    }
  });
}

TEST_CASE("cancel: the deadline of the Context ends a wait, with its own error") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    auto [ctx, cancel] = with_timeout(background(), 5ms);
    std::array<char, 1> some;
    const result<std::size_t> got = co_await c.server.read(ctx, some);
    CHECK(got.error() == errc::deadline_exceeded);
  });
}

TEST_CASE("cancel: forms with a Context first watch that one, and not the carried one") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    auto [ctx, cancel] = with_cancel(background());
    cancel();
    std::array<char, 1> some;
    const result<std::size_t> read = co_await c.server.read(ctx, some);
    CHECK(read.error() == errc::canceled);
    const result<void> full = co_await c.server.read_full(ctx, some);
    CHECK(full.error() == errc::canceled);
    const result<std::size_t> written = co_await c.server.write(ctx, "x");
    CHECK(written.error() == errc::canceled);
    const result<void> all_written = co_await c.server.write_all(ctx, "x");
    CHECK(all_written.error() == errc::canceled);
    const result<stream> accepted = co_await l.accept(ctx);
    CHECK(accepted.error() == errc::canceled);
    const result<stream> dialled = co_await net::dial(ctx, "tcp", to_string(l.local_address()));
    CHECK(dialled.error() == errc::canceled);
    const auto resolved = co_await net::resolve(ctx, "localhost", "80");
    CHECK(resolved.error() == errc::canceled);

    // The carried one has ended, the named one lives.
    const result<std::size_t> other = co_await under(
        ctx,
        [](stream s) -> task<result<std::size_t>> { return s.write(background(), "x"); }(c.server));
    CHECK(other.value() == 1);
  });
}

TEST_CASE("cancel: every operation of a connection takes a Context first") {
  run_test(1, []() -> task<> {
    const auto [ended, cancel] = with_cancel(this_goroutine::context());
    cancel();
    connection c = socket_pair();
    std::array<char, 4> four{};
    const bytes into = four;
    const const_bytes from = "x";
    const result<std::size_t> read = co_await c.client.read(ended, std::span(&into, 1));
    CHECK(read.error() == errc::canceled);
    const result<std::string> all = co_await c.client.read_all(ended);
    CHECK(all.error() == errc::canceled);
    const result<void> written = co_await c.client.write_all(ended, std::span(&from, 1));
    CHECK(written.error() == errc::canceled);
    buffered_reader<net::stream> reader(c.server);
    const result<std::size_t> some = co_await reader.read(ended, four);
    CHECK(some.error() == errc::canceled);
    const result<void> full = co_await reader.read_full(ended, four);
    CHECK(full.error() == errc::canceled);
    const auto line = co_await reader.read_line(ended);
    CHECK(line.error() == errc::canceled);
    const auto l = co_await net::listen(ended, "tcp", "127.0.0.1:0");
    CHECK(l.error() == errc::canceled);
    const auto p = co_await net::listen_packet(ended, "udp", "127.0.0.1:0");
    CHECK(p.error() == errc::canceled);
    const net::listener open = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    const result<net::stream> dialled = co_await net::dial(ended, open.local_address());
    CHECK(dialled.error() == errc::canceled);
  });
}

TEST_CASE("cancel: under a Context that has ended nothing is done, though it could be at once") {
  run_test(1, []() -> task<> {
    connection c = socket_pair();
    (co_await c.client.write_all("abc")).value();
    auto [ctx, cancel] = with_cancel(background());
    cancel();
    const std::error_code ended = co_await under(ctx, read_one(c.server));
    CHECK(ended == errc::canceled);
    std::string got(3, '\0');
    (co_await c.server.read_full(got)).value();
    CHECK(got == "abc");
  });
}

TEST_CASE("cancel: what has come before it counts: no byte is lost between the two") {
  for (const int workers : {1, 2, 4}) {
    run_test(workers, []() -> task<> {
      connection c = socket_pair();
      std::size_t sent = 0;
      std::size_t received = 0;
      std::size_t ended = 0;
      for (int i = 0; i < 2000; ++i) {
        auto [ctx, cancel] = with_cancel(background());
        co_await scope([&](group& g) -> task<> {
          auto reading = g.async(
              [](context within, stream s) -> task<result<std::size_t>> {
                std::array<char, 8> some;
                co_return co_await s.read(within, some);
              },
              ctx, c.server);
          co_await this_goroutine::yield();
          (co_await c.client.write_all("x")).value();
          ++sent;
          cancel();
          const result<std::size_t> got = co_await reading;
          if (got) {
            received += *got;
          } else {
            CHECK(got.error() == errc::canceled);
            ++ended;
          }
        });
      }
      c.client.close().value();
      std::array<char, 512> rest;
      for (;;) {
        const std::size_t n = (co_await c.server.read(rest)).value();
        if (n == 0) break;
        received += n;
      }
      CHECK(received == sent);
      CHECK(ended <= sent);
    });
  }
}

// --- abandonment ---------------------------------------------------------------------------------

TEST_CASE("abandonment: the loser of a race is unwound out of a read, and joined") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    const int before = open_descriptors();
    for (int i = 0; i < 50; ++i) {
      (co_await c.client.write_all("x")).value();
      const auto won = co_await race(read_one(c.server), read_one(c.client));
      CHECK_FALSE(won);
    }
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("abandonment: a scope that fails ends reads, accepts and writes under any Context") {
  run_test(1, []() -> task<> {  // one worker: they count together
    connection c = co_await connect_here();
    connection silent = socket_pair();
    listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    const int before = open_descriptors();
    int unwound = 0;
    const auto noting = [&unwound](task<std::error_code> t) -> task<> {
      try {
        co_await under(background(), std::move(t));
      } catch (const goroutine_exit&) {
        ++unwound;
        throw;
      }
    };
    bool has_failed = false;
    try {
      co_await scope([&](group& g) -> task<> {
        g.limit(1);
        g.go([&]() -> task<> {
          co_await all(noting(read_one(silent.server)), noting(accept_one(l)),
                       noting(write_until_stuck(c.client)));
        });
        co_await until_quiet();
        throw std::runtime_error("failed");
      });
    } catch (const std::runtime_error&) {
      has_failed = true;
    }
    CHECK(has_failed);
    CHECK(unwound == 3);
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("abandonment: the end of run unwinds what waits for the kernel; no descriptor is left") {
  const int before = open_descriptors();
  for (const int workers : {1, 2, 2, 4}) {
    std::atomic<int> unwound{0};
    run_test(workers, [&unwound]() -> task<> {
      // All own what they wait for, and its peer: main has ended when they are unwound.
      const auto noting = [&unwound](auto waits) -> task<> {
        try {
          co_await under(background(), waits());
        } catch (const goroutine_exit&) {
          ++unwound;
          throw;
        }
      };
      connection c = co_await connect_here();
      connection silent = socket_pair();
      listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
      go(noting, [silent] { return read_one(silent.server); });
      go(noting, [c] { return write_until_stuck(c.client); });
      go(noting, [l] { return accept_one(l); });
      co_await until_quiet();
    });
    CHECK(unwound == 3);
    CHECK(open_descriptors() == before);
  }
}

// --- deadlines -----------------------------------------------------------------------------------

TEST_CASE("deadline: in the past, operations of that side fail at once, the other goes on") {
  run_test(1, []() -> task<> {
    connection c = socket_pair();
    (co_await c.client.write_all("abc")).value();
    c.server.set_read_deadline(steady_clock::now() - 1s).value();
    const std::error_code read = co_await read_one(c.server);
    CHECK(read == errc::io_timeout);
    CHECK(read == std::errc::timed_out);
    const result<void> written = co_await c.server.write_all("x");
    CHECK(written.has_value());
    c.server.set_read_deadline(steady_clock::time_point::max()).value();
    const std::error_code again = co_await read_one(c.server);
    CHECK_FALSE(again);
    c.server.set_write_deadline(steady_clock::now()).value();
    const result<void> late = co_await c.server.write_all("x");
    CHECK(late.error() == errc::io_timeout);
  });
}

TEST_CASE("deadline: ends a read, a write that is stuck, when it passes and when it is moved") {
  for (const int workers : {1, 3}) {
    run_test(workers, []() -> task<> {
      connection c = co_await connect_here();
      c.server.set_read_deadline(steady_clock::now() + 5ms).value();
      const std::error_code read = co_await read_one(c.server);
      CHECK(read == errc::io_timeout);
      c.client.set_write_deadline(steady_clock::now() + 5ms).value();
      const std::error_code written = co_await write_until_stuck(c.client);
      CHECK(written == errc::io_timeout);

      c.server.set_read_deadline(steady_clock::now() + 1h).value();
      connection other = co_await connect_here();
      other.server.set_read_deadline(steady_clock::now() + 1h).value();
      co_await scope([&](group& g) -> task<> {
        auto reading =
            g.async([](stream s) -> task<std::error_code> { return read_one(s); }, other.server);
        co_await until_quiet();
        other.server.set_read_deadline(steady_clock::now() - 1s).value();
        const std::error_code error = co_await reading;
        CHECK(error == errc::io_timeout);
      });
    });
  }
}

TEST_CASE("deadline: one that is cleared before anybody has seen it pass has not passed") {
  run_test(1, []() -> task<> {
    connection c = socket_pair();
    co_await scope([&](group& g) -> task<> {
      auto reading =
          g.async([](stream s) -> task<std::error_code> { return read_one(s); }, c.server);
      co_await until_quiet();
      c.server.set_read_deadline(steady_clock::now() - 1s).value();
      c.server.set_read_deadline(steady_clock::time_point::max()).value();
      // Time for the worker to hand over what that has cancelled.
      for (int i = 0; i < 200; ++i) co_await this_goroutine::yield();
      (co_await c.client.write_all("x")).value();
      const std::error_code error = co_await reading;
      CHECK_FALSE(error);
    });
  });
}

TEST_CASE("deadline: set by a plain thread, while goroutines of several workers read") {
  run_test(3, []() -> task<> {
    connection c = co_await connect_here();
    for (int i = 0; i < 30; ++i) {
      std::atomic<int> timeouts{0};
      co_await scope([&](group& g) -> task<> {
        for (int k = 0; k < 3; ++k) {
          g.go([&]() -> task<> {
            const std::error_code error = co_await read_one(c.server);
            if (error == errc::io_timeout) ++timeouts;
          });
        }
        co_await until_quiet();
        auto set = [&c] { c.server.set_read_deadline(steady_clock::now() - 1s).value(); };
        co_await blocking(set);
        co_await g.wait();
      });
      CHECK(timeouts == 3);
      c.server.set_read_deadline(steady_clock::time_point::max()).value();
    }
  });
}

}  // namespace
