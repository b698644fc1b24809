// SPDX-License-Identifier: MIT
// Streams: what is written comes out at the other end, whole and in order; how a side ends.
#include "sockets.hpp"

#include <burrow/after.hpp>
#include <burrow/buffered_reader.hpp>

#include <csignal>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <utility>
#include <vector>

namespace {

using namespace burrow;
using net::direction;
using net::stream;

task<std::string> read_to_end(stream s) {
  std::string all;
  std::array<char, 4096> some;
  for (;;) {
    const std::size_t n = (co_await s.read(some)).value();
    if (n == 0) co_return all;
    all.append(some.data(), n);
  }
}

/// Reads like one who has much else to do: little at a time, and lets others run in between.
task<std::string> read_slowly(stream s, std::size_t size) {
  std::string all;
  std::vector<char> some(16 * 1024);
  while (all.size() < size) {
    const std::size_t n = (co_await s.read(some)).value();
    if (n == 0) break;
    all.append(some.data(), n);
    co_await this_goroutine::yield();
  }
  co_return all;
}

task<> write_and_end(stream s, const std::string& text) {
  (co_await s.write_all(text)).value();
  s.shutdown(direction::writing).value();
}

TEST_CASE("stream: a read gives what is there, read_full as much as was asked for") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    (co_await c.client.write_all("hello")).value();
    std::array<char, 16> some{};
    const std::size_t n = (co_await c.server.read(some)).value();
    CHECK(n > 0);
    CHECK(n <= 5);
    std::string rest(5 - n, '\0');
    (co_await c.server.read_full(rest)).value();
    CHECK(std::string(some.data(), n) + rest == "hello");
  });
}

TEST_CASE("stream: at the peer's end a read gives 0, again and again, read_full unexpected_eof") {
  run_test(2, []() -> task<> {
    for (const char* network : {"tcp", "unix"}) {
      const std::string where = network == std::string("tcp") ? "127.0.0.1:0" : own_abstract_path();
      connection c = co_await connect_here(network, where);
      (co_await c.client.write_all("abc")).value();
      c.client.close().value();
      std::array<char, 4> some{};
      const result<void> full = co_await c.server.read_full(some);
      CHECK(full.error() == errc::unexpected_eof);
      for (int i = 0; i < 3; ++i) {
        const result<std::size_t> n = co_await c.server.read(some);
        CHECK(n.value() == 0);
      }
      const result<void> none = co_await c.server.read_full(std::span<char>());
      CHECK(none.has_value());
    }
  });
}

TEST_CASE("stream: a read into nothing does not wait") {
  run_test(1, []() -> task<> {
    connection c = socket_pair();
    const result<std::size_t> n = co_await c.client.read(bytes());
    CHECK(n.value() == 0);
    const std::array<bytes, 2> parts{};
    const result<std::size_t> of_parts = co_await c.client.read(parts);
    CHECK(of_parts.value() == 0);
    const result<void> written = co_await c.client.write_all(const_bytes());
    CHECK(written.has_value());
  });
}

TEST_CASE("stream: several MiB against a slow reader, both ways at the same time") {
  const std::string text = some_bytes(3 * 1024 * 1024);
  for (const int workers : {1, 2, 4}) {
    run_test(workers, [&text]() -> task<> {
      for (const char* network : {"tcp", "unix"}) {
        const std::string where =
            network == std::string("tcp") ? "127.0.0.1:0" : own_abstract_path();
        connection c = co_await connect_here(network, where);
        auto [one, other, w1, w2] =
            co_await all(read_slowly(c.server, text.size()), read_slowly(c.client, text.size()),
                         write_and_end(c.client, text), write_and_end(c.server, text));
        CHECK(one == text);
        CHECK(other == text);
        const std::string rest = co_await read_to_end(c.server);
        CHECK(rest.empty());
      }
    });
  }
}

TEST_CASE("stream: more buffers than one call takes, some of them empty, written and read") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    const std::string text = some_bytes(300 * 700);
    std::vector<const_bytes> parts;
    for (int i = 0; i < 70; ++i) parts.emplace_back();  // more than one call takes, all empty
    for (std::size_t i = 0; i < 300; ++i) {
      parts.emplace_back(text.data() + 700 * i, std::size_t{700});
      if (i % 7 == 0) parts.emplace_back();
    }
    auto writing = [](stream s, std::vector<const_bytes>& from) -> task<> {
      (co_await s.write_all(from)).value();
      s.shutdown(direction::writing).value();
    };
    auto [got, written] = co_await all(read_to_end(c.server), writing(c.client, parts));
    CHECK(got == text);

    // Empty buffers in front, more than a call takes: they do not look like the peer's end.
    (co_await c.server.write_all("abcdef")).value();
    std::array<char, 3> first{};
    std::array<char, 8> second{};
    std::vector<bytes> into(100);
    into.emplace_back(first);
    into.emplace_back(second);
    const std::size_t n = (co_await c.client.read(into)).value();
    CHECK(n == 6);
    CHECK(std::string(first.data(), 3) + std::string(second.data(), 3) == "abcdef");
  });
}

TEST_CASE("stream: a buffer of more than 4 GiB is read into, as far as the kernel goes") {
  constexpr std::size_t size = std::size_t{1} << 32;
  void* const room = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(room != MAP_FAILED);
  run_test(1, [room]() -> task<> {
    connection c = socket_pair();
    (co_await c.client.write_all("abc")).value();
    const std::size_t n = (co_await c.server.read(bytes(room, size))).value();
    CHECK(n == 3);
    CHECK(std::memcmp(room, "abc", 3) == 0);
  });
  ::munmap(room, size);
}

TEST_CASE("stream: half of it is ended: the peer reads to the end, and still answers") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    (co_await c.client.write_all("question")).value();
    c.client.shutdown(direction::writing).value();
    const std::string asked = co_await read_to_end(c.server);
    CHECK(asked == "question");
    const result<void> more = co_await c.client.write_all("more");
    CHECK(more.error() == std::errc::broken_pipe);
    (co_await c.server.write_all("answer")).value();
    c.server.close().value();
    const std::string answered = co_await read_to_end(c.client);
    CHECK(answered == "answer");
  });
}

TEST_CASE("stream: shutdown ends a read that waits on the same side") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    co_await scope([&c](group& g) -> task<> {
      auto reading =
          g.async([](stream s) -> task<std::string> { return read_to_end(s); }, c.server);
      co_await until_quiet();
      c.server.shutdown(direction::reading).value();
      const std::string got = co_await reading;
      CHECK(got.empty());
    });
  });
}

TEST_CASE("stream: writing to a peer that is gone is an error, and raises no SIGPIPE") {
  struct sigaction before{};
  struct sigaction by_default{};
  by_default.sa_handler = SIG_DFL;
  REQUIRE(::sigaction(SIGPIPE, &by_default, &before) == 0);
  run_test(2, []() -> task<> {
    for (const bool in_parts : {false, true}) {
      connection c = socket_pair();
      c.server.close().value();
      const std::array<const_bytes, 2> parts{const_bytes("a"), const_bytes("b")};
      result<void> got;
      if (in_parts) {
        got = co_await c.client.write_all(parts);
      } else {
        got = co_await c.client.write_all("ab");
      }
      CHECK(got.error() == std::errc::broken_pipe);
    }
  });
  ::sigaction(SIGPIPE, &before, nullptr);
}

TEST_CASE("stream: a connection that is reset ends reads and writes with the kernel's error") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    co_await scope([&c](group& g) -> task<> {
      auto reading = g.async(
          [](stream s) -> task<std::error_code> {
            std::array<char, 16> some;
            const result<std::size_t> got = co_await s.read(some);
            co_return got.error();
          },
          c.server);
      co_await until_quiet();
      const linger at_once{1, 0};
      REQUIRE(::setsockopt(c.client.native_handle(), SOL_SOCKET, SO_LINGER, &at_once,
                           sizeof(at_once)) == 0);
      c.client.close().value();
      const std::error_code error = co_await reading;
      CHECK(error == std::errc::connection_reset);
    });
    const result<void> written = co_await c.server.write_all("x");
    CHECK(written.error() == std::errc::broken_pipe);
  });
}

TEST_CASE("stream: options reach the socket; those of TCP fail on a Unix socket") {
  run_test(1, []() -> task<> {
    connection c = co_await connect_here();
    const auto option = [](const stream& s, int level, int name) {
      int value = -1;
      socklen_t size = sizeof(value);
      REQUIRE(::getsockopt(s.native_handle(), level, name, &value, &size) == 0);
      return value;
    };
    CHECK(option(c.client, IPPROTO_TCP, TCP_NODELAY) != 0);
    CHECK(option(c.server, IPPROTO_TCP, TCP_NODELAY) != 0);
    c.client.set_no_delay(false).value();
    CHECK(option(c.client, IPPROTO_TCP, TCP_NODELAY) == 0);
    c.client.set_keep_alive(true).value();
    CHECK(option(c.client, SOL_SOCKET, SO_KEEPALIVE) != 0);
    c.client.set_option(IPPROTO_TCP, TCP_KEEPIDLE, 77).value();
    CHECK(option(c.client, IPPROTO_TCP, TCP_KEEPIDLE) == 77);
    connection u = socket_pair();
    const result<void> refused = u.client.set_no_delay(true);
    CHECK(refused.error() == std::errc::operation_not_supported);
  });
}

TEST_CASE("stream: addresses of both ends; of one that is closed, none") {
  run_test(1, []() -> task<> {
    connection c = co_await connect_here();
    CHECK(c.client.peer_address() == c.server.local_address());
    CHECK(c.client.local_address() == c.server.peer_address());
    CHECK(c.client.peer_address().host() == "127.0.0.1");
    CHECK(c.client.peer_address().port() != 0);
    c.client.close().value();
    CHECK(c.client.local_address().empty());
    CHECK(c.client.native_handle() == -1);
    CHECK(c.server.native_handle() >= 0);
  });
}

TEST_CASE("stream: IPv6, where the machine has it") {
  run_test(1, []() -> task<> {
    if (::access("/proc/net/if_inet6", R_OK) != 0) {
      MESSAGE("this machine has no IPv6");
      co_return;
    }
    result<net::listener> l = co_await net::listen("tcp6", "[::1]:0");
    if (!l && l.error() == std::errc::address_not_available) {
      MESSAGE("this machine has no IPv6 loopback");
      co_return;
    }
    connection c;
    c.client = (co_await net::dial("tcp6", to_string(l->local_address()))).value();
    c.server = (co_await l->accept()).value();
    CHECK(c.client.peer_address().host() == "::1");
    (co_await c.client.write_all("six")).value();
    std::string got(3, '\0');
    (co_await c.server.read_full(got)).value();
    CHECK(got == "six");
  });
}

// --- handles -------------------------------------------------------------------------------------

TEST_CASE("stream: copies are the same connection, which the last one closes") {
  run_test(1, []() -> task<> {
    connection c = socket_pair();
    const int number = c.client.native_handle();
    {
      stream copy = c.client;
      const stream moved = std::move(c.client);
      CHECK_FALSE(static_cast<bool>(c.client));  // NOLINT(bugprone-use-after-move)
      c.client = copy;
      CHECK(moved.native_handle() == number);
    }
    CHECK(is_open(number));
    c.client = stream();
    CHECK_FALSE(is_open(number));
    std::array<char, 1> some;
    const std::size_t n = (co_await c.server.read(some)).value();
    CHECK(n == 0);
  });
}

TEST_CASE("stream: none at all is not open") {
  run_test(1, []() -> task<> {
    stream none;
    CHECK_FALSE(static_cast<bool>(none));
    std::array<char, 1> some;
    const result<std::size_t> got = co_await none.read(some);
    CHECK(got.error() == errc::not_open);
    const result<void> written = co_await none.write_all("x");
    CHECK(written.error() == errc::not_open);
    CHECK(none.close().error() == errc::not_open);
    CHECK(none.set_read_deadline({}).error() == errc::not_open);
    CHECK(none.local_address().empty());
  });
}

TEST_CASE("stream: one that is closed refuses to write nothing, too") {
  run_test(1, []() -> task<> {
    connection c = socket_pair();
    const result<void> open = co_await c.client.write_all("");
    CHECK(open);
    c.client.close().value();
    const result<void> nothing = co_await c.client.write_all("");
    CHECK(nothing.error() == errc::not_open);
    const result<void> no_buffers = co_await c.client.write_all(std::span<const const_bytes>());
    CHECK(no_buffers.error() == errc::not_open);
  });
}

TEST_CASE("stream: all that comes is read, and a reader keeps what is behind it") {
  run_test(1, []() -> task<> {
    connection c = socket_pair();
    const std::string text = some_bytes(100'000);
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> {
        const result<void> written = co_await c.client.write_all(text);
        CHECK(written);
        c.client.close().value();
      });
      buffered_reader<stream> reader(c.server);
      std::string begin(10, '\0');
      (co_await reader.read_full(begin)).value();
      CHECK(begin == text.substr(0, 10));
      std::string more(6000, '\0');
      (co_await reader.read_full(more)).value();
      CHECK(more == text.substr(10, 6000));
      std::string rest(text.size(), '\0');
      const result<void> ended = co_await reader.read_full(rest);
      CHECK(ended.error() == errc::unexpected_eof);
    });
    connection d = socket_pair();
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> {
        const result<void> written = co_await d.client.write_all(text);
        CHECK(written);
        d.client.close().value();
      });
      const result<std::string> all = co_await d.server.read_all();
      CHECK(all.value() == text);
    });
  });
}

TEST_CASE("stream: readiness is awaited, and a case of select") {
  run_test(1, []() -> task<> {
    connection c = socket_pair();
    const int nothing = co_await select(c.server.readable(), otherwise);
    CHECK(nothing == 1);
    const result<void> room = co_await c.server.writable();
    CHECK(room);
    (co_await c.client.write_all("x")).value();
    const int something = co_await select(after(std::chrono::hours(1)), c.server.readable());
    CHECK(something == 1);
    c.server.close().value();
    const result<void> closed = co_await c.server.readable();
    CHECK(closed.error() == errc::not_open);
    const result<void> of_nil = co_await stream().readable();
    CHECK(of_nil.error() == errc::not_open);
  });
}

TEST_CASE("stream: a deadline, or a wait that was given up, does not keep the last handle open") {
  using namespace std::chrono_literals;
  run_test(2, []() -> task<> {
    connection c = socket_pair();
    int number = c.client.native_handle();
    c.client.set_read_deadline(std::chrono::steady_clock::now() + 1h).value();
    c.client = stream();
    CHECK_FALSE(is_open(number));

    // Of a socket that came with O_NONBLOCK: with io_uring the ring waits for readiness then.
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
    stream s = stream::adopt(ends[0]);
    number = ends[0];
    auto [ctx, cancel] = with_cancel(background());
    co_await scope([&](group& g) -> task<> {
      auto reading = g.async(
          [](context within, stream& from) -> task<std::error_code> {
            std::array<char, 1> some;
            const result<std::size_t> got = co_await from.read(within, some);
            co_return got.error();
          },
          ctx, std::ref(s));
      co_await until_quiet();
      cancel();
      const std::error_code error = co_await reading;
      CHECK(error == errc::canceled);
    });
    s = stream();
    co_await until_closed(number);
    ::close(ends[1]);
  });
}

TEST_CASE("stream: try_write() gives the kernel what it takes, and never waits") {
  run_test(1, []() -> task<> {
    connection c = co_await connect_here();
    const std::string much(256 * 1024, 'x');
    std::size_t sent = 0;
    result<std::size_t> n = c.client.try_write(much);
    for (; n && *n > 0; n = c.client.try_write(much)) sent += *n;
    CHECK(n.value() == 0);  // it is full
    CHECK(sent > 0);
    c.client.close().value();
    n = c.client.try_write("x");
    CHECK(n.error() == errc::not_open);
    std::size_t came = 0;
    std::string piece(64 * 1024, '\0');
    for (;;) {
      const result<std::size_t> some = co_await c.server.read(piece);
      came += some.value();
      if (*some == 0) break;
    }
    CHECK(came == sent);
    connection broken = co_await connect_here();
    broken.server.shutdown(net::direction::both).value();
    n = broken.server.try_write("x");
    CHECK(n.error() == std::errc::broken_pipe);  // and no SIGPIPE
  });
}

TEST_CASE("what is written of an array of chars: a literal without its zero, else all of it") {
  char filled[4] = {'a', 'b', 'c', 'd'};
  const char named[4] = {'a', 'b', 'c', 'd'};
  const std::byte raw[2] = {};
  CHECK(const_bytes("abcd").size() == 4);
  CHECK(const_bytes(filled).size() == 4);
  CHECK(const_bytes(named).size() == 4);
  CHECK(const_bytes(raw).size() == 2);
  const char* const text = "abc";
  CHECK(const_bytes(text).size() == 3);
}

}  // namespace
