// SPDX-License-Identifier: MIT
// Bytes over TLS, both ways, and their end.
#include "tls_test.hpp"

#include <vector>

using namespace tls_test;

TEST_CASE("tls: dial and listen, an echo, and what was agreed on") {
  run_test(2, []() -> task<> {
    tls::listener l = (co_await tls::listen("tcp", "127.0.0.1:0", server_config())).value();
    tls::options o = client_options();
    o.server_name.clear();  // so the dialled address is what the certificate must have
    tls::stream server;
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> {
        server = (co_await l.accept()).value();
        co_await send_back(server);
      });
      const std::string where = to_string(l.local_address());
      tls::stream s = (co_await tls::dial("tcp", where, o)).value();
      CHECK(s.version_name() == "TLSv1.3");
      CHECK(s.protocol().empty());
      CHECK(s.peer_address() == l.local_address());
      (co_await s.write_all("hello")).value();
      std::string back(5, '\0');
      (co_await s.read_full(back)).value();
      CHECK(back == "hello");
      s.close().value();
      const result<void> again = s.close();
      CHECK(again.error() == burrow::errc::not_open);
    });
    CHECK(server.server_name().empty());  // an address is not asked for
    l.close().value();
  });
}

TEST_CASE("tls: a name is asked for, and TLS 1.2 and 1.3 are both spoken") {
  run_test(2, []() -> task<> {
    secure_connection c = co_await ready_here();
    CHECK(c.server.server_name() == "localhost");
    CHECK(c.server.version_name() == "TLSv1.3");
    tls::options strict = server_options();
    strict.minimum_version = tls::version::tls_1_3;
    secure_connection d = co_await ready_here(client_config(), config_of(strict));
    CHECK(d.client.version_name() == "TLSv1.3");
  });
}

TEST_CASE("tls: 4 MiB both ways at the same time, each side by a reader and a writer") {
  const std::string much = some_bytes(4 << 20);
  for (const int workers : {1, 4}) {
    run_test(workers, [&much]() -> task<> {
      secure_connection c = co_await secure_here();  // the first of the four shakes hands
      const auto send = [&much](tls::stream s) -> task<> {
        (co_await s.write_all(much)).value();
        (co_await s.end_writing()).value();
      };
      what_came at_client;
      what_came at_server;
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> { co_await send(c.client); });
        g.go([&]() -> task<> { co_await send(c.server); });
        g.go([&]() -> task<> { at_client = co_await read_to_end(c.client); });
        at_server = co_await read_to_end(c.server);
      });
      CHECK_FALSE(at_client.error);
      CHECK_FALSE(at_server.error);
      const bool is_same = at_client.text == much && at_server.text == much;
      CHECK(is_same);
    });
  }
}

TEST_CASE("tls: writers do not interrupt each other, readers share what comes") {
  run_test(4, []() -> task<> {
    secure_connection c = co_await ready_here();
    constexpr std::size_t block = 40'000;
    constexpr int writers = 6;
    std::string all;
    co_await scope([&](group& g) -> task<> {
      wait_group sent;
      sent.add(writers);
      for (int i = 0; i < writers; ++i) {
        g.go([&, i]() -> task<> {
          const std::string text(block, static_cast<char>('a' + i));
          (co_await c.client.write_all(text)).value();
          sent.done();
        });
      }
      g.go([&]() -> task<> {
        co_await sent.wait();
        (co_await c.client.end_writing()).value();
      });
      const what_came came = co_await read_to_end(c.server);
      CHECK_FALSE(came.error);
      all = came.text;
    });
    REQUIRE(all.size() == block * writers);
    for (std::size_t at = 0; at < all.size(); at += block) {
      CHECK(all.find_first_not_of(all[at], at) >= at + block);
    }
  });
}

TEST_CASE("tls: several buffers, some of them empty; and write() takes a record at most") {
  run_test(2, []() -> task<> {
    secure_connection c = co_await ready_here();
    const std::array<const_bytes, 4> parts = {"one ", "", "two ", "three"};
    (co_await c.client.write_all(parts)).value();
    std::string text(13, '\0');
    (co_await c.server.read_full(text)).value();
    CHECK(text == "one two three");
    const std::string much(100'000, 'x');
    const result<std::size_t> n = co_await c.client.write(much);
    CHECK(n.value() == 16 * 1024);
    const result<std::size_t> none = co_await c.client.write("");
    CHECK(none.value() == 0);
    const result<std::size_t> nothing = co_await c.client.read(bytes());
    CHECK(nothing.value() == 0);
  });
}

TEST_CASE("tls: read_all gives all until the end, and an error where the end is none") {
  run_test(2, []() -> task<> {
    const std::string much = some_bytes(100'000);
    for (const bool says_so : {true, false}) {
      secure_connection c = co_await ready_here();
      const std::array<const_bytes, 2> parts = {"first ", much};
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> {
          (co_await c.client.write_all(background(), parts)).value();
          if (says_so) (co_await c.client.end_writing()).value();
          if (!says_so) c.client.transport().close().value();
        });
        const result<std::string> all = co_await c.server.read_all(background());
        if (says_so) CHECK(all.value() == "first " + much);
        if (!says_so) CHECK(all.error() == burrow::errc::unexpected_eof);
      });
    }
    tls::stream none;
    const result<std::string> nothing = co_await none.read_all();
    CHECK(nothing.error() == burrow::errc::not_open);
  });
}

TEST_CASE("tls: who has ended its side still reads, and writes no more") {
  run_test(2, []() -> task<> {
    secure_connection c = co_await ready_here();
    (co_await c.client.end_writing()).value();
    const result<void> late = co_await c.client.write_all("x");
    CHECK(late.error() == std::errc::broken_pipe);
    std::array<char, 8> some;
    for (int i = 0; i < 2; ++i) {  // the end stays the end
      const result<std::size_t> end = co_await c.server.read(some);
      CHECK(end.value() == 0);
    }
    (co_await c.server.write_all("answer")).value();
    c.server.close().value();
    const what_came came = co_await read_to_end(c.client);
    CHECK_FALSE(came.error);
    CHECK(came.text == "answer");
  });
}

TEST_CASE("tls: an end without a farewell is an error, behind what has come") {
  run_test(2, []() -> task<> {
    for (const bool is_dropped : {false, true}) {
      secure_connection c = co_await ready_here();
      (co_await c.client.write_all("half of it")).value();
      if (is_dropped) {
        c.client = {};
      } else {
        c.client.transport().shutdown(net::direction::writing).value();
      }
      const what_came came = co_await read_to_end(c.server);
      CHECK(came.text == "half of it");
      CHECK(came.error == burrow::errc::unexpected_eof);
      std::array<char, 1> some;
      const result<void> full = co_await c.server.read_full(some);
      CHECK(full.error() == burrow::errc::unexpected_eof);
    }
  });
}

TEST_CASE("tls: the protocol inside is the server's choice; none in common, no connection") {
  run_test(2, []() -> task<> {
    tls::options server = server_options();
    tls::options client = client_options();
    server.alpn = {"h2", "http/1.1"};
    client.alpn = {"spdy", "http/1.1", "h2"};
    secure_connection c = co_await ready_here(config_of(client), config_of(server));
    CHECK(c.client.protocol() == "h2");
    CHECK(c.server.protocol() == "h2");
    secure_connection without = co_await ready_here(client_config(), config_of(server));
    CHECK(without.server.protocol().empty());
    client.alpn = {"spdy"};
    secure_connection none = co_await secure_here(config_of(client), config_of(server));
    const auto errors = co_await shake(none);
    CHECK(errors.first.category() == tls::error_category());
    CHECK(errors.second.category() == tls::error_category());
    CHECK(errors.first.message() == "tls: tlsv1 alert no application protocol");
  });
}

TEST_CASE("tls: an empty handle is not open, and has nothing to tell") {
  run_test(1, []() -> task<> {
    tls::stream none;
    CHECK_FALSE(none);
    std::array<char, 1> some;
    const result<std::size_t> n = co_await none.read(some);
    CHECK(n.error() == burrow::errc::not_open);
    const result<void> sent = co_await none.write_all("x");
    CHECK(sent.error() == burrow::errc::not_open);
    const result<void> shaken = co_await none.handshake();
    CHECK(shaken.error() == burrow::errc::not_open);
    const result<void> closed = none.close();
    CHECK(closed.error() == burrow::errc::not_open);
    CHECK(none.peer_address().empty());
  });
}

TEST_CASE("tls: a thousand connections leave no descriptor behind, closed or dropped") {
  const int before = open_descriptors();
  run_test(4, []() -> task<> {
    tls::listener l = (co_await tls::listen("tcp", "127.0.0.1:0", server_config())).value();
    const std::string where = to_string(l.local_address());
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> {
        for (;;) {
          result<tls::stream> s = co_await l.accept();
          if (!s) co_return;
          g.go(send_back, *s);
        }
      });
      co_await scope([&](group& clients) -> task<> {
        for (int c = 0; c < 20; ++c) {
          clients.go([&where, c]() -> task<> {
            for (int i = 0; i < 50; ++i) {
              tls::stream s = (co_await tls::dial("tcp", where, client_config())).value();
              (co_await s.write_all("ping")).value();
              std::string back(4, '\0');
              (co_await s.read_full(back)).value();
              CHECK(back == "ping");
              if ((c + i) % 2 == 0) s.close().value();
            }
          });
        }
        co_await clients.wait();
      });
      l.close().value();
    });
  });
  CHECK(open_descriptors() == before);
}
