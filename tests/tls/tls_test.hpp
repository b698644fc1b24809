// SPDX-License-Identifier: MIT
// What the tests of TLS share: an authority with a server's certificate, and connections.
#pragma once

#include "../net/sockets.hpp"

#include <burrow/tls.hpp>
#include <certificates.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace tls_test {

using namespace burrow;
using namespace std::chrono_literals;

inline constexpr const char* here = "DNS:localhost,IP:127.0.0.1";

inline const certificates::identity& authority() {
  static const auto made = certificates::make("an authority", "", nullptr);
  return made;
}

/// A server's options, for a certificate of the authority's.
inline tls::options server_options(const std::string& names = here,
                                   certificates::validity when = {}) {
  const auto own = certificates::make("a server", names, &authority(), when);
  tls::options o;
  o.certificate = tls::pem::text(own.certificate_text());
  o.key = tls::pem::text(own.key_text());
  return o;
}

/// A client's, that trusts the authority.
inline tls::options client_options() {
  tls::options o;
  o.roots = tls::pem::text(authority().certificate_text());
  o.server_name = "localhost";
  return o;
}

inline tls::config config_of(const tls::options& o) { return tls::config::make(o).value(); }

/// Made once: a key takes a while.
inline const tls::config& server_config() {
  static const tls::config made = config_of(server_options());
  return made;
}
inline const tls::config& client_config() {
  static const tls::config made = config_of(client_options());
  return made;
}

/// Two ends of one connection, before the handshake.
struct secure_connection {
  tls::stream client;
  tls::stream server;
};

inline task<secure_connection> secure_here(tls::config client = client_config(),
                                           tls::config server = server_config()) {
  connection c = co_await connect_here();
  secure_connection s;
  s.client = tls::connect(c.client, client).value();
  s.server = tls::accept(c.server, server).value();
  co_return s;
}

/// Both handshakes, at the same time; what came of them, the client's first.
inline task<std::pair<std::error_code, std::error_code>> shake(secure_connection& c) {
  std::pair<std::error_code, std::error_code> errors;
  co_await scope([&](group& g) -> task<> {
    g.go([&]() -> task<> {
      const result<void> shaken = co_await c.server.handshake();
      errors.second = shaken.error();
    });
    const result<void> shaken = co_await c.client.handshake();
    errors.first = shaken.error();
  });
  co_return errors;
}

/// With the handshake done, and nothing left unread: a server's tickets for later sessions come
/// behind it, and to close a socket with bytes that nobody has read resets the connection.
inline task<secure_connection> ready_here(tls::config client = client_config(),
                                          tls::config server = server_config()) {
  secure_connection c = co_await secure_here(std::move(client), std::move(server));
  const auto errors = co_await shake(c);
  CHECK_FALSE(errors.first);
  CHECK_FALSE(errors.second);
  (co_await c.server.write_all(".")).value();
  std::array<char, 1> first;
  (co_await c.client.read_full(first)).value();
  co_return c;
}

/// Reads to the end; the error is that of the last read.
struct what_came {
  std::string text;
  std::error_code error;
};

template <class Stream>
task<what_came> read_to_end(Stream s) {
  what_came came;
  std::string piece(64 * 1024, '\0');
  for (;;) {
    const result<std::size_t> n = co_await s.read(piece);
    came.error = n.error();
    if (!n || *n == 0) co_return came;
    came.text.append(piece, 0, *n);
  }
}

inline task<> send_back(tls::stream s) {
  std::array<char, 4096> piece;
  for (;;) {
    const result<std::size_t> n = co_await s.read(piece);
    if (!n || *n == 0) break;
    const result<void> sent = co_await s.write_all(const_bytes(piece.data(), *n));
    if (!sent) break;
  }
  static_cast<void>(s.close());
}

}  // namespace tls_test
