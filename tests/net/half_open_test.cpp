// SPDX-License-Identifier: MIT
//
// Half-open connections: the peer's end is gone, and this end has not been told. Its socket is
// closed in the kernel's repair mode, which sends nothing; that takes CAP_NET_ADMIN.
#include <burrow/net/stream.hpp>

#include <cerrno>
#include <chrono>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "run_test.hpp"
#include "sockets.hpp"

using namespace burrow;
using namespace std::chrono_literals;
using net::stream;

namespace {

/// False: this process may not do that.
bool vanish(stream& s) {
  const result<void> set = s.set_option(IPPROTO_TCP, TCP_REPAIR, 1);
  if (set.error() == std::errc::operation_not_permitted) {
    MESSAGE("no CAP_NET_ADMIN here: what a peer does that vanishes is not tried");
    return false;
  }
  set.value();
  s.close().value();
  return true;
}

int option(const stream& s, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  REQUIRE(::getsockopt(s.native_handle(), level, name, &value, &size) == 0);
  return value;
}

}  // namespace

TEST_CASE("half-open: a read ends at its deadline; what is written then is answered by a reset") {
  run_test(1, []() -> task<> {
    connection c = co_await connect_here();
    if (!vanish(c.client)) co_return;
    std::array<char, 8> buffer;
    c.server.set_read_deadline(std::chrono::steady_clock::now() + 20ms).value();
    const auto late = co_await c.server.read(buffer);
    CHECK(late.error() == errc::io_timeout);
    c.server.set_read_deadline(std::chrono::steady_clock::time_point::max()).value();
    const auto written = co_await c.server.write_all("is there anybody?");
    CHECK(written.has_value());
    const auto read = co_await c.server.read(buffer);
    CHECK(read.error() == std::errc::connection_reset);
  });
}

TEST_CASE("half-open: a read that only waits is ended by keep-alive") {
  run_test(1, []() -> task<> {
    connection c = co_await connect_here();
    c.server.set_keep_alive_period(1s).value();
    if (!vanish(c.client)) co_return;
    std::array<char, 8> buffer;
    const auto read = co_await c.server.read(buffer);
    CHECK(read.error() == std::errc::connection_reset);
  });
}

TEST_CASE("half-open: keep-alive is on at both ends, every 15 s and 9 times, as in Go") {
  run_test(1, []() -> task<> {
    connection c = co_await connect_here();
    for (stream* s : {&c.client, &c.server}) {
      CHECK(option(*s, SOL_SOCKET, SO_KEEPALIVE) != 0);
      CHECK(option(*s, IPPROTO_TCP, TCP_KEEPIDLE) == 15);
      CHECK(option(*s, IPPROTO_TCP, TCP_KEEPINTVL) == 15);
      CHECK(option(*s, IPPROTO_TCP, TCP_KEEPCNT) == 9);
    }
    c.client.set_keep_alive_period(1500ms).value();
    CHECK(option(c.client, IPPROTO_TCP, TCP_KEEPIDLE) == 2);
    CHECK(option(c.client, IPPROTO_TCP, TCP_KEEPINTVL) == 2);
    const result<void> none = c.client.set_keep_alive_period(0s);
    CHECK(none.error() == std::errc::invalid_argument);
    c.client.set_keep_alive(false).value();
    CHECK(option(c.client, SOL_SOCKET, SO_KEEPALIVE) == 0);
    connection u = socket_pair();
    const result<void> refused = u.client.set_keep_alive_period(1s);
    CHECK(refused.error() == std::errc::operation_not_supported);
  });
}
