// SPDX-License-Identifier: MIT
// Sockets on a kernel whose waits and submissions fail, are interrupted, or come late; and names
// whose lookup does not come to an end.
#include "kernel.hpp"

#include <burrow/burrow.hpp>
#include <burrow/net.hpp>
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

struct healed_at_end {
  ~healed_at_end() { heal_kernel(); }
};

/// Whether this run is that of io_uring.
bool has_ring() {
  const char* const forced = std::getenv("BURROW_IO");
  return forced != nullptr && std::string(forced) == "uring";
}

task<> echo(net::stream s) {
  std::array<char, 256> some;
  for (;;) {
    const result<std::size_t> got = co_await s.read(some);
    if (!got || *got == 0) co_return;
    const result<void> sent = co_await s.write_all(const_bytes(some.data(), *got));
    if (!sent) co_return;
  }
}

task<> serve(net::listener l) {
  co_await scope([&l](group& g) -> task<> {
    for (;;) {
      result<net::stream> next = co_await l.accept();
      if (!next) co_return;
      g.go(echo, std::move(*next));
    }
  });
}

task<bool> ask(net::address where) {
  net::stream s = (co_await net::dial(where)).value();
  for (int i = 0; i < 10; ++i) {
    const std::string text(100, static_cast<char>('a' + i));
    std::string got(text.size(), '\0');
    (co_await s.write_all(text)).value();
    (co_await s.read_full(got)).value();
    if (got != text) co_return false;
  }
  // A read that is given up, by a Context and by a deadline.
  auto [ctx, cancel] = with_timeout(background(), 1ms);
  std::array<char, 1> some;
  const result<std::size_t> timed = co_await s.read(ctx, some);
  s.set_read_deadline(std::chrono::steady_clock::now() + 1ms).value();
  const result<std::size_t> late = co_await s.read(some);
  const bool both = timed.error() == errc::deadline_exceeded && late.error() == errc::io_timeout;
  co_return both;
}

/// Echo over several connections; 0: all that was sent came back, and all that was given up ended.
///
/// `busy`: the workers never go to sleep, so that they submit without waiting.
int some_connections(bool busy = false) {
  std::atomic<bool> is_over{!busy};
  return run({.workers = 3}, [&is_over]() -> task<int> {
    net::listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    int failures = 0;
    co_await scope([&](group& g) -> task<> {
      g.go(serve, l);
      for (int i = 0; i < 6; ++i) {
        g.go([&is_over]() -> task<> {
          while (!is_over) co_await this_goroutine::yield();
        });
      }
      auto first = g.async(ask, l.local_address());
      auto second = g.async(ask, l.local_address());
      auto third = g.async(ask, l.local_address());
      const bool one = co_await first;
      const bool two = co_await second;
      const bool three = co_await third;
      failures = (one ? 0 : 1) + (two ? 0 : 1) + (three ? 0 : 1);
      is_over = true;
      l.close().value();
    });
    co_return failures;
  });
}

}  // namespace

TEST_CASE("sockets: waits that are interrupted, or refused for the moment") {
  const healed_at_end heal;
  for (const int error : {EINTR, EAGAIN, EBUSY}) {
    if (!has_ring() && error != EINTR) continue;  // epoll knows neither
    for (const unsigned every : {1u, 2u, 3u}) {
      CAPTURE(error);
      CAPTURE(every);
      heal_kernel();
      faults().wait.error = error;
      faults().wait.every = every;
      faults().wait.most = 20'000;
      CHECK(some_connections() == 0);
      CHECK(faults().wait.failed > 0);
    }
  }
}

TEST_CASE("sockets: submissions that are refused for the moment") {
  const healed_at_end heal;
  if (!has_ring()) {
    MESSAGE("only io_uring has submissions");
    return;
  }
  for (const int error : {EINTR, EAGAIN, EBUSY}) {
    for (const unsigned every : {1u, 2u}) {
      CAPTURE(error);
      CAPTURE(every);
      heal_kernel();
      faults().submit.error = error;
      faults().submit.every = every;
      faults().submit.most = 20'000;
      CHECK(some_connections(true) == 0);
      CHECK(faults().submit.failed > 0);
    }
  }
}

TEST_CASE("sockets: waits that end late") {
  const healed_at_end heal;
  faults().wait.late_ns = 1'000'000;
  CHECK(some_connections() == 0);
  CHECK(faults().wait.calls > 0);
}

TEST_CASE("sockets: a ring of two entries, whose submissions and waits fail as well") {
  const healed_at_end heal;
  faults().entries = 2;
  CHECK(some_connections() == 0);
  faults().submit.error = EBUSY;
  faults().submit.every = 2;
  faults().submit.most = 20'000;
  faults().wait.error = EINTR;
  faults().wait.every = 3;
  faults().wait.most = 20'000;
  CHECK(some_connections() == 0);
}

TEST_CASE("resolve: a lookup that does not end holds up neither its Context nor the runtime") {
  const healed_at_end heal;
  faults().lookups_hang = true;
  for (int i = 0; i < 3; ++i) {
    const int status = run({.workers = 2}, []() -> task<int> {
      auto [ctx, cancel] = with_timeout(background(), 2ms);
      const auto timed = co_await net::resolve(ctx, "localhost", "80");
      auto [other, stop] = with_timeout(background(), 2ms);
      const auto dialled = co_await net::dial(other, "tcp", "localhost:80");
      // And one that the end of the runtime unwinds.
      go([]() -> task<> {
        static_cast<void>(co_await net::resolve(background(), "localhost", "80"));
      });
      co_await this_goroutine::yield();
      const bool both =
          timed.error() == errc::deadline_exceeded && dialled.error() == errc::deadline_exceeded;
      co_return both ? 0 : 1;
    });
    CHECK(status == 0);
  }
  CHECK(faults().lookups > 0);
  heal_kernel();
  const int status = run({.workers = 2}, []() -> task<int> {
    const auto found = co_await net::resolve("localhost", "80");
    co_return found && !found->empty() ? 0 : 1;
  });
  CHECK(status == 0);
  // The threads of the lookups that nobody wants any more come to their end, too.
  while (faults().lookups != 0) std::this_thread::yield();
}
