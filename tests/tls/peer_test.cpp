// SPDX-License-Identifier: MIT
// Peers that are not burrow's: the openssl program, and OpenSSL driven record by record.
#include "../support/io_test.hpp"
#include "raw_peer.hpp"

#include <command.hpp>
#include <fstream>
#include <openssl/err.h>

using namespace tls_test;
using burrow::errc;
using std::chrono::steady_clock;

namespace {

void as_it_is(SSL_CTX*) {}

/// One ticket, of so many records that its message is not whole with the first.
void with_long_ticket(SSL_CTX* c) {
  SSL_CTX_set_num_tickets(c, 1);
  SSL_CTX_set_max_send_fragment(c, 512);
  SSL_CTX_set_session_ticket_cb(
      c,
      [](SSL* s, void*) {
        const std::string much(2000, 'x');
        return SSL_SESSION_set1_ticket_appdata(SSL_get_session(s), much.data(), much.size());
      },
      nullptr, nullptr);
}

/// Our client, to whom a part of a message has come; it cannot write before the rest does.
struct half_told {
  against_raw_server both;
  std::string rest;
};

task<half_told> half_told_here() {
  half_told h{co_await shaken_with_raw_server(with_long_ticket), {}};
  const std::vector<std::string> records = h.both.server->records();
  REQUIRE(records.size() > 2);
  (co_await h.both.server->stream.write_all(records.front())).value();
  for (std::size_t i = 1; i < records.size(); ++i) h.rest += records[i];
  // It looks at that record, and waits for more.
  auto [ctx, cancel] = with_cancel(background());
  co_await scope([&](group& g) -> task<> {
    g.go([&]() -> task<> {
      std::array<char, 1> some;
      const result<std::size_t> n = co_await h.both.client.read(ctx, some);
      CHECK(n.error() == errc::canceled);
    });
    co_await until_quiet();
    cancel();
  });
  co_return h;
}

}  // namespace

TEST_CASE("peers: the openssl program is served, under TLS 1.2 and 1.3") {
  if (!has_program("openssl")) {
    MESSAGE("openssl is not installed: this case is left out");
    return;
  }
  temporary_folder folder;
  std::ofstream(folder / "roots.pem") << authority().certificate_text();
  run_io([&]() -> task<> {
    tls::listener l = (co_await tls::listen("tcp", "127.0.0.1:0", server_config())).value();
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
      std::string asked(8, '\0');
      std::string said;
      co_await scope([&](group& g) -> task<> {
        g.go([&]() -> task<> {
          tls::stream s = (co_await l.accept()).value();
          (co_await s.read_full(asked)).value();
          (co_await s.write_all("an answer\n")).value();
          s.close().value();
        });
        said = co_await output_of("echo question | timeout 60 openssl s_client -quiet " + version +
                                  " -verify_return_error -verify_hostname localhost -servername "
                                  "localhost -CAfile " +
                                  (folder / "roots.pem") + " -connect " +
                                  to_string(l.local_address()) + " 2>/dev/null");
      });
      CHECK(asked == "question");
      CHECK(said == "an answer\n");
    }
    l.close().value();
  });
}

TEST_CASE("peers: a writer waits for the rest of a message, and brings it itself") {
  run_test(2, []() -> task<> {
    half_told h = co_await half_told_here();
    std::string came;
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> { (co_await h.both.client.write_all("hello")).value(); });
      co_await until_quiet();
      (co_await h.both.server->stream.write_all(h.rest)).value();
      came = co_await h.both.server->read(5);
    });
    CHECK(came == "hello");
  });
}

TEST_CASE("peers: a writer is told of the rest of a message by the reader who brings it") {
  run_test(2, []() -> task<> {
    half_told h = co_await half_told_here();
    std::string came;
    co_await scope([&](group& g) -> task<> {
      auto reading = g.async([&]() -> task<std::string> {
        std::string text(6, '\0');
        (co_await h.both.client.read_full(text)).value();
        co_return text;
      });
      co_await until_quiet();
      g.go([&]() -> task<> { (co_await h.both.client.write_all("hello")).value(); });
      co_await until_quiet();
      (co_await h.both.server->stream.write_all(h.rest)).value();
      came = co_await h.both.server->read(5);  // nothing more has come for the reader by now
      h.both.server->encrypt("answer");
      co_await h.both.server->send_output();
      const std::string text = co_await reading;
      CHECK(text == "answer");
    });
    CHECK(came == "hello");
  });
}

TEST_CASE("peers: a writer that waits for a message ends with its Context, deadline and close()") {
  run_test(2, []() -> task<> {
    for (const bool has_reader : {false, true}) {
      for (const int how : {0, 1, 2}) {
        half_told h = co_await half_told_here();
        auto [ctx, cancel] = with_cancel(background());
        std::error_code error;
        co_await scope([&](group& g) -> task<> {
          if (has_reader) {
            g.go([&]() -> task<> {
              const what_came came = co_await read_to_end(h.both.client);
              CHECK(came.error);
            });
            co_await until_quiet();
          }
          auto writing = g.async([&]() -> task<std::error_code> {
            const result<void> sent = co_await h.both.client.write_all(ctx, "hello");
            co_return sent.error();
          });
          co_await until_quiet();
          if (how == 0) cancel();
          if (how == 1) {
            h.both.client.set_write_deadline(steady_clock::now()).value();
          }
          if (how == 2) h.both.client.close().value();
          if (has_reader || how != 1) {
            error = co_await writing;
          } else {
            // It reads itself; the deadline for that is the other one.
            h.both.client.set_read_deadline(steady_clock::now()).value();
            error = co_await writing;
          }
          static_cast<void>(h.both.client.close());
        });
        const std::array<errc, 3> expected = {errc::canceled, errc::io_timeout, errc::not_open};
        CHECK(error == expected[static_cast<std::size_t>(how)]);
      }
    }
  });
}

TEST_CASE("peers: new keys, asked for by the peer, are there before what is written next") {
  run_test(2, []() -> task<> {
    against_raw_server both = co_await shaken_with_raw_server(as_it_is);
    for (int i = 0; i < 3; ++i) {
      REQUIRE(SSL_key_update(both.server->ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
      both.server->encrypt("ping");
      co_await both.server->send_output();
      std::string came(4, '\0');
      (co_await both.client.read_full(came)).value();
      CHECK(came == "ping");
      (co_await both.client.write_all("pong")).value();
      const std::string back = co_await both.server->read(4);
      CHECK(back == "pong");
    }
  });
}

TEST_CASE("peers: a cancelled read loses nothing, wherever in a record it was") {
  run_test(2, []() -> task<> {
    against_raw_server both = co_await shaken_with_raw_server(as_it_is);
    const std::string words = "every byte counts";
    both.server->encrypt(words);
    const std::string all = both.server->output();
    std::string came(words.size(), '\0');
    std::size_t size = 0;
    for (const char c : all) {
      auto [ctx, cancel] = with_cancel(background());
      co_await scope([&](group& g) -> task<> {
        auto reading = g.async([&]() -> task<result<std::size_t>> {
          co_return co_await both.client.read(ctx, bytes(came).from(size));
        });
        (co_await both.server->stream.write_all(const_bytes(&c, 1))).value();
        co_await until_quiet();
        cancel();
        const result<std::size_t> n = co_await reading;
        size += n.value_or(0);
      });
    }
    CHECK(size == words.size());
    CHECK(came == words);
  });
}

TEST_CASE("peers: who wants to shake hands again under TLS 1.2 is told no") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    tls::stream server = tls::accept(c.server, server_config()).value();
    raw_peer client(false, c.client,
                    [](SSL_CTX* x) { SSL_CTX_set_max_proto_version(x, TLS1_2_VERSION); });
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> { (co_await server.handshake()).value(); });
      co_await client.shake();
    });
    CHECK(server.version_name() == "TLSv1.2");
    REQUIRE(SSL_renegotiate(client.ssl()) == 1);
    CHECK(SSL_do_handshake(client.ssl()) <= 0);
    co_await client.send_output();
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> {
        const what_came came = co_await read_to_end(server);
        CHECK(came.error);
      });
      co_await client.take_in();
      ERR_clear_error();
      CHECK(SSL_do_handshake(client.ssl()) <= 0);
      CHECK(ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION);
      client.stream.close().value();
    });
  });
}

TEST_CASE("peers: TLS 1.1 is too old") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    tls::stream server = tls::accept(c.server, server_config()).value();
    raw_peer client(false, c.client, [](SSL_CTX* x) {
      SSL_CTX_set_security_level(x, 0);
      SSL_CTX_set_min_proto_version(x, TLS1_VERSION);
      SSL_CTX_set_max_proto_version(x, TLS1_1_VERSION);
    });
    CHECK(SSL_do_handshake(client.ssl()) <= 0);
    co_await client.send_output();
    const result<void> shaken = co_await server.handshake();
    CHECK(shaken.error().message() == "tls: unsupported protocol");
  });
}
