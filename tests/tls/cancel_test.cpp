// SPDX-License-Identifier: MIT
// What ends an operation that waits: a Context, a deadline, close(), abandonment; and what the
// connection is good for afterwards.
#include "../support/abandoned.hpp"
#include "tls_test.hpp"

using namespace tls_test;
using burrow::errc;
using std::chrono::steady_clock;

namespace {

task<std::error_code> read_one(tls::stream s) {
  std::array<char, 1> some;
  const result<std::size_t> n = co_await s.read(some);
  co_return n.error();
}

task<std::error_code> write_until_stuck(tls::stream s) {
  const std::string much(256 * 1024, 'x');
  for (;;) {
    const result<void> sent = co_await s.write_all(much);
    if (!sent) co_return sent.error();
  }
}

task<std::error_code> shake_one(tls::stream s) {
  const result<void> shaken = co_await s.handshake();
  co_return shaken.error();
}

/// Starts `waits(s)`, and calls `end(cancel)` once it waits; gives what it returned.
template <class F, class End>
task<std::error_code> ended_by(F waits, tls::stream s, End end) {
  auto [ctx, cancel] = with_cancel(this_goroutine::context());
  std::error_code error;
  co_await scope([&](group& g) -> task<> {
    auto waiting =
        g.async([&]() -> task<std::error_code> { co_return co_await under(ctx, waits(s)); });
    co_await until_quiet();
    end(cancel);
    error = co_await waiting;
  });
  co_return error;
}

template <class F>
task<std::error_code> cancelled(F waits, tls::stream s) {
  co_return co_await ended_by(waits, s, [](cancel_function& cancel) { cancel(); });
}

}  // namespace

TEST_CASE("tls: a cancelled handshake is gone on with by whoever comes next") {
  run_test(2, []() -> task<> {
    secure_connection c = co_await secure_here();
    std::error_code error = co_await cancelled(shake_one, c.client);
    CHECK(error == errc::canceled);
    error = co_await cancelled(read_one, c.client);  // which begins with the handshake
    CHECK(error == errc::canceled);
    error = co_await cancelled(shake_one, c.server);  // it has said hello, and waits for an answer
    CHECK(error == errc::canceled);
    const auto errors = co_await shake(c);
    CHECK_FALSE(errors.first);
    CHECK_FALSE(errors.second);
    (co_await c.client.write_all("x")).value();
    error = co_await read_one(c.server);
    CHECK_FALSE(error);
  });
}

TEST_CASE("tls: a cancelled read loses nothing") {
  run_test(2, []() -> task<> {
    secure_connection c = co_await ready_here();
    for (int i = 0; i < 50; ++i) {
      const std::error_code error = co_await cancelled(read_one, c.server);
      CHECK(error == errc::canceled);
      const std::string text = "message " + std::to_string(i);
      (co_await c.client.write_all(text)).value();
      std::string came(text.size(), '\0');
      (co_await c.server.read_full(came)).value();
      CHECK(came == text);
    }
  });
}

TEST_CASE("tls: a cancelled write is the last one; reading goes on") {
  run_test(2, []() -> task<> {
    secure_connection c = co_await ready_here();
    const std::error_code error = co_await cancelled(write_until_stuck, c.client);
    CHECK(error == errc::canceled);
    const result<void> late = co_await c.client.write_all("x");
    CHECK(late.error() == errc::canceled);
    const result<void> farewell = co_await c.client.end_writing();
    CHECK(farewell.error() == errc::canceled);
    (co_await c.server.write_all("still here")).value();
    std::string came(10, '\0');
    (co_await c.client.read_full(came)).value();
    CHECK(came == "still here");
    // The other side does not take what it has for all there is.
    c.client.close().value();
    const what_came rest = co_await read_to_end(c.server);
    CHECK(rest.error == errc::unexpected_eof);
  });
}

TEST_CASE("tls: a Context that has ended already does no harm to the stream") {
  run_test(2, []() -> task<> {
    secure_connection c = co_await ready_here();
    auto [ctx, cancel] = with_cancel(background());
    cancel();
    std::array<char, 1> some;
    const result<std::size_t> n = co_await c.client.read(ctx, some);
    CHECK(n.error() == errc::canceled);
    const result<void> full = co_await c.client.read_full(ctx, some);
    CHECK(full.error() == errc::canceled);
    const result<void> sent = co_await c.client.write_all(ctx, "x");
    CHECK(sent.error() == errc::canceled);
    const result<std::size_t> some_sent = co_await c.client.write(ctx, "x");
    CHECK(some_sent.error() == errc::canceled);
    const result<void> end = co_await c.client.end_writing(ctx);
    CHECK(end.error() == errc::canceled);
    const auto dialled = co_await tls::dial(ctx, "tcp", "127.0.0.1:1", client_config());
    CHECK(dialled.error() == errc::canceled);
    secure_connection fresh = co_await secure_here();
    const result<void> shaken = co_await fresh.client.handshake(ctx);
    CHECK(shaken.error() == errc::canceled);

    (co_await c.client.write_all("y")).value();
    const std::error_code error = co_await read_one(c.server);
    CHECK_FALSE(error);
  });
}

TEST_CASE("tls: deadlines end reads and writes; a read goes on behind a new one") {
  run_test(2, []() -> task<> {
    secure_connection c = co_await ready_here();
    c.client.set_read_deadline(steady_clock::now() + 2ms).value();
    std::error_code error = co_await read_one(c.client);
    CHECK(error == errc::io_timeout);
    c.client.set_read_deadline(steady_clock::time_point::max()).value();
    (co_await c.server.write_all("x")).value();
    error = co_await read_one(c.client);
    CHECK_FALSE(error);

    c.client.set_write_deadline(steady_clock::now() + 2ms).value();
    error = co_await write_until_stuck(c.client);
    CHECK(error == errc::io_timeout);
    c.client.set_write_deadline(steady_clock::time_point::max()).value();
    const result<void> late = co_await c.client.write_all("x");
    CHECK(late.error() == errc::io_timeout);
  });
}

TEST_CASE("tls: a peer that never answers is left at the deadline, of the stream or the Context") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    tls::stream client = tls::connect(c.client, client_config()).value();
    client.set_read_deadline(steady_clock::now() + 2ms).value();
    const result<void> shaken = co_await client.handshake();
    CHECK(shaken.error() == errc::io_timeout);
    auto [ctx, cancel] = with_timeout(background(), 2ms);
    connection d = co_await connect_here();
    tls::stream server = tls::accept(d.server, server_config()).value();
    const result<void> unshaken = co_await server.handshake(ctx);
    CHECK(unshaken.error() == errc::deadline_exceeded);
  });
}

TEST_CASE("tls: close() ends what waits: handshakes, reads, writes; and tells the peer") {
  for (const int workers : {1, 4}) {
    run_test(workers, []() -> task<> {
      secure_connection fresh = co_await secure_here();
      const auto close = [](tls::stream& s) {
        return [&s](cancel_function&) { s.close().value(); };
      };
      std::error_code error = co_await ended_by(shake_one, fresh.client, close(fresh.client));
      CHECK(error == errc::not_open);
      secure_connection c = co_await ready_here();
      error = co_await ended_by(read_one, c.client, close(c.client));
      CHECK(error == errc::not_open);
      const what_came came = co_await read_to_end(c.server);
      CHECK_FALSE(came.error);
      secure_connection d = co_await ready_here();
      error = co_await ended_by(write_until_stuck, d.client, close(d.client));
      CHECK(error == errc::not_open);
      const what_came half = co_await read_to_end(d.server);
      CHECK(half.error == errc::unexpected_eof);
      error = co_await read_one(d.client);
      CHECK(error == errc::not_open);
      const result<void> late = co_await d.client.write_all("x");
      CHECK(late.error() == errc::not_open);
    });
  }
}

TEST_CASE("tls: several who wait for the same direction all end with close()") {
  run_test(3, []() -> task<> {
    secure_connection c = co_await ready_here();
    int ended = 0;
    mutex mu;
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 4; ++i) {
        g.go([&, i]() -> task<> {
          const std::error_code error =
              co_await (i % 2 == 0 ? read_one(c.client) : write_until_stuck(c.client));
          const auto held = co_await mu.guard();
          ended += error == errc::not_open ? 1 : 0;
        });
      }
      co_await until_quiet();
      c.client.close().value();
    });
    CHECK(ended == 4);
  });
}

TEST_CASE("tls: abandoned readers, writers and handshakes unwind, and leave nothing open") {
  const int before = open_descriptors();
  run_test(2, []() -> task<> {
    // Under a Context that does not end with the scope: it is the abandonment that ends them.
    const auto unwound = [](auto waits, tls::stream s) -> task<std::string> {
      co_return co_await abandoned([&]() -> task<> { co_await under(background(), waits(s)); });
    };
    secure_connection c = co_await ready_here();
    const std::string read = co_await unwound(read_one, c.client);
    CHECK(read == "exit");
    const std::error_code lost = co_await read_one(c.client);
    CHECK(lost == errc::canceled);  // nobody knows what became of the bytes
    const std::string written = co_await unwound(write_until_stuck, c.client);
    CHECK(written == "exit");
    const result<void> late = co_await c.client.write_all("x");
    CHECK(late.error() == errc::canceled);
    secure_connection fresh = co_await secure_here();
    const std::string shaken = co_await unwound(shake_one, fresh.client);
    CHECK(shaken == "exit");
  });
  CHECK(open_descriptors() == before);
}

TEST_CASE("tls: what is no TLS is refused with a word, by both sides") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    tls::stream server = tls::accept(c.server, server_config()).value();
    (co_await c.client.write_all("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).value();
    for (int i = 0; i < 2; ++i) {
      const result<void> shaken = co_await server.handshake();
      CHECK(shaken.error().message() == "tls: http request");
    }
    connection d = co_await connect_here();
    tls::stream client = tls::connect(d.server, client_config()).value();
    (co_await d.client.write_all("220 mail.example.org ready\r\n")).value();
    const std::error_code error = co_await read_one(client);
    CHECK(error.category() == tls::error_category());
    const result<void> sent = co_await client.write_all("x");
    CHECK(sent.error() == error);
  });
}

TEST_CASE("tls: a peer that leaves within the handshake has ended too early") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    tls::stream server = tls::accept(c.server, server_config()).value();
    (co_await c.client.write_all("\x16\x03\x01")).value();
    c.client.close().value();
    const result<void> shaken = co_await server.handshake();
    CHECK(shaken.error() == errc::unexpected_eof);
  });
}

TEST_CASE("tls: a byte that was changed on its way ends the connection, and the peer hears of it") {
  run_test(2, []() -> task<> {
    secure_connection c = co_await ready_here();
    // A whole record of another key.
    const std::string record = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
    (co_await c.client.transport().write_all(record)).value();
    const std::error_code error = co_await read_one(c.server);
    CHECK(error.category() == tls::error_category());
    CHECK(error.message() == "tls: decryption failed or bad record mac");
    const std::error_code heard = co_await read_one(c.client);
    CHECK(heard.message() == "tls: sslv3 alert bad record mac");
  });
}
