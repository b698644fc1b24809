// SPDX-License-Identifier: MIT
// Packets: each comes whole or not at all, with the address that it came from.
#include "sockets.hpp"

#include <burrow/net.hpp>

#include <chrono>
#include <netinet/in.h>
#include <thread>
#include <utility>

namespace {

using namespace burrow;
using namespace std::chrono_literals;
using net::packet;
using net::packet_socket;
using std::chrono::steady_clock;

task<std::error_code> receive_one(packet_socket s) {
  std::array<char, 16> some;
  const result<packet> got = co_await s.receive_from(some);
  co_return got.error();
}

TEST_CASE("packet: there and back, with addresses; empty ones count") {
  for (const int workers : {1, 3}) {
    run_test(workers, []() -> task<> {
      packet_socket a = (co_await net::listen_packet("udp", "127.0.0.1:0")).value();
      packet_socket b = (co_await net::listen_packet("udp4", "localhost:0")).value();
      std::array<char, 16> some;
      for (const char* text : {"hello", "", "again"}) {
        (co_await a.send_to(text, b.local_address())).value();
        const packet got = (co_await b.receive_from(some)).value();
        CHECK(std::string(some.data(), got.size) == text);
        CHECK(got.from == a.local_address());
        CHECK_FALSE(got.is_truncated);
      }
      CHECK(a.peer_address().empty());
    });
  }
}

TEST_CASE("packet: one that is larger than the buffer is cut off, and the next one is whole") {
  run_test(1, []() -> task<> {
    packet_socket a = (co_await net::listen_packet("udp", "127.0.0.1:0")).value();
    (co_await a.send_to("0123456789", a.local_address())).value();
    (co_await a.send_to("next", a.local_address())).value();
    std::array<char, 4> some;
    const packet cut = (co_await a.receive_from(some)).value();
    CHECK(cut.size == 4);
    CHECK(cut.is_truncated);
    const packet whole = (co_await a.receive_from(some)).value();
    CHECK(whole.size == 4);
    CHECK_FALSE(whole.is_truncated);
    CHECK(std::string(some.data(), 4) == "next");
  });
}

TEST_CASE("packet: a socket for both families names an IPv4 peer as what it is, and reaches it") {
  run_test(1, []() -> task<> {
    packet_socket any = (co_await net::listen_packet("udp", ":0")).value();
    packet_socket four = (co_await net::listen_packet("udp4", "127.0.0.1:0")).value();
    const net::address there =
        net::address::parse("127.0.0.1:" + std::to_string(any.local_address().port())).value();
    (co_await four.send_to("question", there)).value();
    std::array<char, 16> some;
    const packet asked = (co_await any.receive_from(some)).value();
    CHECK(asked.from == four.local_address());
    (co_await any.send_to("answer", asked.from)).value();
    const packet answered = (co_await four.receive_from(some)).value();
    CHECK(answered.from == there);
    CHECK(std::string(some.data(), answered.size) == "answer");
  });
}

TEST_CASE("packet: a connected socket hears its peer alone, and that nobody is there") {
  run_test(2, []() -> task<> {
    packet_socket server = (co_await net::listen_packet("udp", "127.0.0.1:0")).value();
    packet_socket other = (co_await net::listen_packet("udp", "127.0.0.1:0")).value();
    const std::string where = to_string(server.local_address());
    packet_socket client = (co_await net::dial_packet("udp", where)).value();
    CHECK(client.peer_address() == server.local_address());
    (co_await other.send_to("not for you", client.local_address())).value();
    (co_await client.send("ping")).value();
    std::array<char, 16> some;
    const packet ping = (co_await server.receive_from(some)).value();
    CHECK(ping.from == client.local_address());
    (co_await server.send_to("pong", ping.from)).value();
    const packet pong = (co_await client.receive_from(some)).value();
    CHECK(std::string(some.data(), pong.size) == "pong");

    server.close().value();
    co_await until_closed(server.native_handle());
    (co_await client.send("anybody?")).value();
    const std::error_code refused = co_await receive_one(client);
    CHECK(refused == std::errc::connection_refused);
  });
}

TEST_CASE("packet: names are looked up; networks and sizes that do not exist are refused") {
  run_test(2, []() -> task<> {
    packet_socket server = (co_await net::listen_packet("udp4", "127.0.0.1:0")).value();
    const std::string port = std::to_string(server.local_address().port());
    packet_socket client = (co_await net::dial_packet("udp4", "localhost:" + port)).value();
    (co_await client.send("x")).value();
    const std::error_code received = co_await receive_one(server);
    CHECK_FALSE(received);

    const auto network = co_await net::listen_packet("tcp", "127.0.0.1:0");
    CHECK(network.error() == std::errc::protocol_not_supported);
    const auto family = co_await net::dial_packet("udp6", "127.0.0.1:1");
    CHECK(family.error() == std::errc::address_family_not_supported);
    const auto no_port = co_await net::dial_packet("udp", "localhost");
    CHECK(no_port.error() == std::errc::invalid_argument);
    const result<void> nowhere = co_await server.send_to("x", net::address());
    CHECK(nowhere.error() == std::errc::destination_address_required);
    const std::string much(70'000, 'x');
    const result<void> too_large = co_await server.send_to(much, server.local_address());
    CHECK(too_large.error() == std::errc::message_size);
  });
}

TEST_CASE("packet: Unix sockets keep messages apart; one whose receiver is full says so") {
  run_test(2, []() -> task<> {
    const std::string path = own_abstract_path();
    packet_socket server = (co_await net::listen_packet("unixgram", path)).value();
    packet_socket sender = (co_await net::listen_packet("unixgram", path + "-sender")).value();
    packet_socket client = (co_await net::dial_packet("unixgram", path)).value();
    (co_await client.send("one")).value();
    (co_await sender.send_to("two", server.local_address())).value();
    std::array<char, 16> some;
    const packet one = (co_await server.receive_from(some)).value();
    CHECK(one.size == 3);
    CHECK(one.from.host().empty());
    const packet two = (co_await server.receive_from(some)).value();
    CHECK(to_string(two.from) == path + "-sender");

    result<void> sent;
    int count = 0;
    while (sent) {
      sent = co_await sender.send_to("x", server.local_address());
      count += sent ? 1 : 0;
    }
    CHECK(sent.error() == std::errc::resource_unavailable_try_again);
    CHECK(count > 0);
    // The connected one waits until there is room.
    co_await scope([&](group& g) -> task<> {
      auto sending = g.async(
          [](packet_socket from) -> task<std::error_code> {
            const result<void> done = co_await from.send("last");
            co_return done.error();
          },
          client);
      co_await until_quiet();
      std::string last;
      while (last != "last") {
        const packet got = (co_await server.receive_from(some)).value();
        last.assign(some.data(), got.size);
      }
      const std::error_code error = co_await sending;
      CHECK_FALSE(error);
    });
  });
}

TEST_CASE("packet: a receive that waits is ended by cancel, deadline and close") {
  run_test(2, []() -> task<> {
    packet_socket s = (co_await net::listen_packet("udp", "127.0.0.1:0")).value();
    auto [ctx, cancel] = with_cancel(background());
    co_await scope([&](group& g) -> task<> {
      auto cancelled = g.async(
          [](context within, packet_socket from) -> task<std::error_code> {
            std::array<char, 16> room;
            const result<packet> got = co_await from.receive_from(within, room);
            co_return got.error();
          },
          ctx, s);
      co_await until_quiet();
      cancel();
      const std::error_code error = co_await cancelled;
      CHECK(error == errc::canceled);
    });
    const result<void> sent = co_await s.send_to(ctx, "x", s.local_address());
    CHECK(sent.error() == errc::canceled);
    const auto dialled = co_await net::dial_packet(ctx, "udp", "localhost:1");
    CHECK(dialled.error() == errc::canceled);

    s.set_read_deadline(steady_clock::now() + 5ms).value();
    const std::error_code late = co_await receive_one(s);
    CHECK(late == errc::io_timeout);
    s.set_read_deadline(steady_clock::time_point::max()).value();
    s.set_write_deadline(steady_clock::now()).value();
    const result<void> too_late = co_await s.send_to("x", s.local_address());
    CHECK(too_late.error() == errc::io_timeout);

    co_await scope([&](group& g) -> task<> {
      auto closed = g.async(receive_one, s);
      co_await until_quiet();
      s.close().value();
      const std::error_code error = co_await closed;
      CHECK(error == errc::not_open);
    });
    const result<void> gone = co_await s.send_to("x", net::address::parse("127.0.0.1:9").value());
    CHECK(gone.error() == errc::not_open);
    CHECK(s.close().error() == errc::not_open);
  });
}

TEST_CASE("packet: many senders, receivers that share a socket: each packet goes to one, whole") {
  const int before = open_descriptors();
  run_test(4, []() -> task<> {
    packet_socket server = (co_await net::listen_packet("udp", "127.0.0.1:0")).value();
    server.set_option(SOL_SOCKET, SO_RCVBUF, 1 << 20).value();
    constexpr int senders = 4;
    constexpr int rounds = 200;
    std::atomic<int> echoed{0};
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 2; ++i) {
        g.go([&]() -> task<> {
          std::array<char, 64> some;
          for (;;) {
            const result<packet> got = co_await server.receive_from(some);
            if (!got) co_return;
            const const_bytes text(some.data(), got->size);
            (co_await server.send_to(text, got->from)).value();
          }
        });
      }
      co_await scope([&](group& clients) -> task<> {
        for (int i = 0; i < senders; ++i) {
          clients.go([&, i]() -> task<> {
            packet_socket s =
                (co_await net::dial_packet("udp", to_string(server.local_address()))).value();
            std::array<char, 64> some;
            for (int k = 0; k < rounds; ++k) {
              const std::string text = std::to_string(i) + ":" + std::to_string(k);
              (co_await s.send(text)).value();
              const packet got = (co_await s.receive_from(some)).value();
              if (std::string(some.data(), got.size) == text) ++echoed;
            }
          });
        }
        co_return;
      });
      server.close().value();
    });
    CHECK(echoed == senders * rounds);
  });
  CHECK(open_descriptors() == before);
}

}  // namespace
