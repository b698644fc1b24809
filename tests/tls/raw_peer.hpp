// SPDX-License-Identifier: MIT
// A peer that is OpenSSL itself, in memory, whose every byte the test sends when it likes.
#pragma once

#include "tls_test.hpp"

#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <vector>

namespace tls_test {

class raw_peer {
 public:
  /// A server, or a client, on that connection; `prepare` is given the SSL_CTX.
  template <class F>
  raw_peer(bool is_server, net::stream s, F prepare) : stream(std::move(s)) {
    context_.reset(SSL_CTX_new(TLS_method()));
    REQUIRE(context_ != nullptr);
    static const auto own = certificates::make("a raw server", here, &authority());
    REQUIRE(SSL_CTX_use_certificate(context_.get(), own.certificate.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context_.get(), own.key.get()) == 1);
    prepare(context_.get());
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    is_server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() const { return ssl_.get(); }

  /// What it wants to send; the test does.
  std::string output() {
    std::string all(BIO_ctrl_pending(SSL_get_wbio(ssl())), '\0');
    if (!all.empty()) BIO_read(SSL_get_wbio(ssl()), all.data(), static_cast<int>(all.size()));
    return all;
  }
  /// The same, cut into records.
  std::vector<std::string> records() {
    const std::string all = output();
    std::vector<std::string> cut;
    for (std::size_t at = 0; at + 5 <= all.size();) {
      const auto high = static_cast<unsigned char>(all[at + 3]);
      const auto low = static_cast<unsigned char>(all[at + 4]);
      const std::size_t size = 5 + high * 256U + low;
      cut.push_back(all.substr(at, size));
      at += size;
    }
    return cut;
  }
  void encrypt(const std::string& text) {
    REQUIRE(SSL_write(ssl(), text.data(), static_cast<int>(text.size())) > 0);
  }
  task<> send_output() {
    const std::string all = output();
    (co_await stream.write_all(all)).value();
  }
  /// What has come on the connection, until there is some; not yet looked at.
  task<> take_in() {
    std::array<char, 4096> piece;
    const std::size_t n = (co_await stream.read(piece)).value();
    REQUIRE(n > 0);
    BIO_write(SSL_get_rbio(ssl()), piece.data(), static_cast<int>(n));
  }
  /// Until it has shaken hands; its last words are not sent.
  task<> shake() {
    for (;;) {
      const int done = SSL_do_handshake(ssl());
      if (done == 1) co_return;
      REQUIRE(SSL_get_error(ssl(), done) == SSL_ERROR_WANT_READ);
      co_await send_output();
      co_await take_in();
    }
  }
  task<std::string> read(std::size_t size) {
    std::string all;
    while (all.size() < size) {
      std::array<char, 4096> piece;
      const int n = SSL_read(ssl(), piece.data(), static_cast<int>(piece.size()));
      if (n > 0) {
        all.append(piece.data(), static_cast<std::size_t>(n));
      } else {
        REQUIRE(SSL_get_error(ssl(), n) == SSL_ERROR_WANT_READ);
        co_await take_in();
      }
    }
    co_return all;
  }

  net::stream stream;

 private:
  struct freed {
    void operator()(SSL* s) const noexcept { SSL_free(s); }
    void operator()(SSL_CTX* c) const noexcept { SSL_CTX_free(c); }
  };
  std::unique_ptr<SSL_CTX, freed> context_;
  std::unique_ptr<SSL, freed> ssl_;
};

/// A client of ours, and a raw server: hands are shaken, and the server's last words not yet sent.
struct against_raw_server {
  tls::stream client;
  std::unique_ptr<raw_peer> server;
};

template <class F>
task<against_raw_server> shaken_with_raw_server(F prepare) {
  connection c = co_await connect_here();
  against_raw_server both;
  both.client = tls::connect(c.client, client_config()).value();
  both.server = std::make_unique<raw_peer>(true, c.server, prepare);
  co_await scope([&](group& g) -> task<> {
    g.go([&]() -> task<> { (co_await both.client.handshake()).value(); });
    co_await both.server->shake();
  });
  co_return both;
}

}  // namespace tls_test
