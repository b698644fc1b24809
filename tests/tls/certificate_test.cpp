// SPDX-License-Identifier: MIT
// Whom a client, or a server, lets pass; and what a config refuses.
#include "../support/io_test.hpp"
#include "tls_test.hpp"

#include <fstream>

using namespace tls_test;
using tls::certificate_errc;

namespace {

/// What the client says of a server with that certificate; the server must have heard of it.
task<std::error_code> verdict(tls::options client, tls::options server) {
  secure_connection c = co_await secure_here(config_of(client), config_of(server));
  const auto errors = co_await shake(c);
  if (errors.first) CHECK(errors.second);
  co_return errors.first;
}

}  // namespace

TEST_CASE("tls: a certificate of another host, another time or another authority is refused") {
  run_test(2, []() -> task<> {
    std::error_code error = co_await verdict(client_options(), server_options("DNS:example.org"));
    CHECK(error == certificate_errc::wrong_name);
    CHECK(error.message() == "tls: certificate refused: hostname mismatch");

    tls::options by_address = client_options();
    by_address.server_name = "127.0.0.1";
    error = co_await verdict(by_address, server_options("DNS:localhost,IP:127.0.0.2"));
    CHECK(error == certificate_errc::wrong_address);

    error = co_await verdict(client_options(), server_options(here, {-7200, -3600}));
    CHECK(error == certificate_errc::expired);
    CHECK(error.message() == "tls: certificate refused: certificate has expired");
    error = co_await verdict(client_options(), server_options(here, {3600, 7200}));
    CHECK(error == certificate_errc::not_yet_valid);

    const auto other = certificates::make("another authority", "", nullptr);
    tls::options stranger = client_options();
    stranger.roots = tls::pem::text(other.certificate_text());
    error = co_await verdict(stranger, server_options());
    CHECK(error == certificate_errc::unknown_issuer);
    stranger.roots = {};  // nor does the system know it
    error = co_await verdict(stranger, server_options());
    CHECK(error == certificate_errc::unknown_issuer);

    const auto itself = certificates::make("a server", here, nullptr);
    tls::options alone;
    alone.certificate = tls::pem::text(itself.certificate_text() + itself.key_text());
    error = co_await verdict(client_options(), alone);
    CHECK(error == certificate_errc::self_signed);
  });
}

TEST_CASE("tls: names with a star hold for one label, a dot at the end is none of the name") {
  run_test(2, []() -> task<> {
    tls::options client = client_options();
    client.server_name = "a.example.org.";
    std::error_code error = co_await verdict(client, server_options("DNS:*.example.org"));
    CHECK_FALSE(error);
    client.server_name = "a.b.example.org";
    error = co_await verdict(client, server_options("DNS:*.example.org"));
    CHECK(error == certificate_errc::wrong_name);
    client.server_name = "www.example.org";
    error = co_await verdict(client, server_options("DNS:w*.example.org"));
    CHECK(error == certificate_errc::wrong_name);
  });
}

TEST_CASE("tls: what is not checked has to be named") {
  run_test(2, []() -> task<> {
    tls::options client = client_options();
    client.verify = tls::verification::insecure_without_name;
    std::error_code error = co_await verdict(client, server_options("DNS:example.org"));
    CHECK_FALSE(error);
    error = co_await verdict(client, server_options(here, {-7200, -3600}));
    CHECK(error == certificate_errc::expired);
    client.verify = tls::verification::insecure_none;
    error = co_await verdict(client, server_options("DNS:example.org", {-7200, -3600}));
    CHECK_FALSE(error);

    // Without a name there is nothing to check, and that is not the same.
    connection c = co_await connect_here();
    client = client_options();
    client.server_name.clear();
    const result<tls::stream> nameless = tls::connect(c.client, client);
    CHECK(nameless.error() == std::errc::invalid_argument);
    client.verify = tls::verification::insecure_none;
    const result<tls::stream> named = tls::connect(c.client, client);
    CHECK(named.has_value());
  });
}

TEST_CASE("tls: a server may demand certificates of its clients") {
  run_test(2, []() -> task<> {
    tls::options server = server_options();
    server.requires_client_certificate = true;
    server.roots = tls::pem::text(authority().certificate_text());
    tls::options client = client_options();
    const auto own = certificates::make("a client", "", &authority());
    client.certificate = tls::pem::text(own.certificate_text());
    client.key = tls::pem::text(own.key_text());
    const std::error_code error = co_await verdict(client, server);
    CHECK_FALSE(error);

    // Under TLS 1.3 a client learns of it when it reads.
    secure_connection c = co_await secure_here(client_config(), config_of(server));
    const auto errors = co_await shake(c);
    CHECK(errors.second.category() == tls::error_category());
    CHECK(errors.second.message() == "tls: peer did not return a certificate");
    const what_came came = co_await read_to_end(c.client);
    CHECK(came.error.category() == tls::error_category());
  });
}

TEST_CASE("tls: a config is made from files or texts, and says what is wrong with them") {
  temporary_folder folder;
  const tls::options texts = server_options();
  std::ofstream(folder / "chain.pem") << texts.certificate.load().value();
  std::ofstream(folder / "key.pem") << texts.key.load().value();
  tls::options o;
  o.certificate = tls::pem::file(folder / "chain.pem");
  o.key = tls::pem::file(folder / "key.pem");
  o.roots = tls::pem::file(folder / "chain.pem");
  CHECK(tls::config::make(o));

  tls::options wrong = o;
  wrong.certificate = tls::pem::file(folder / "none.pem");
  CHECK(tls::config::make(wrong).error() == std::errc::no_such_file_or_directory);
  wrong = o;
  wrong.roots = tls::pem::text("these are no certificates");
  CHECK(tls::config::make(wrong).error().message() == "tls: no start line");
  wrong = o;
  wrong.key = server_options().key;
  CHECK(tls::config::make(wrong).error().message() == "tls: key values mismatch");
  wrong = o;
  wrong.key = {};  // and there is none behind the certificate
  CHECK(tls::config::make(wrong).error().category() == tls::error_category());
  wrong = o;
  wrong.certificate = tls::pem::text(texts.certificate.load().value().substr(0, 200));
  CHECK(tls::config::make(wrong).error().category() == tls::error_category());
  for (const std::string& name : {std::string(), std::string(256, 'x')}) {
    wrong = o;
    wrong.alpn = {name};
    CHECK(tls::config::make(wrong).error() == std::errc::invalid_argument);
  }
}

TEST_CASE("tls: a server without a certificate is none; the default config is a client's") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    const result<tls::stream> server = tls::accept(c.server, tls::config());
    CHECK(server.error() == std::errc::invalid_argument);
    const result<tls::stream> client = tls::connect(c.client, tls::config(), "localhost");
    CHECK(client.has_value());
  });
}
