// SPDX-License-Identifier: MIT
// HTTP over TLS: the server as curl sees it, the client, and what becomes of those who speak no
// TLS.
#include "../http/http_test.hpp"
#include "../support/io_test.hpp"
#include "../tls/tls_test.hpp"

#include <burrow/http/client.hpp>
#include <command.hpp>
#include <fstream>

using namespace http_test;
using tls_test::client_config;
using tls_test::server_config;

namespace {

http::server_options secure_options() {
  auto o = options_with(echo);
  o.transport = server_config();
  return o;
}

http::client secure_client() {
  http::client_options o;
  o.transport = client_config();
  return http::client(o);
}

/// Of a server whose certificate is for localhost.
std::string url_of(const running_server& s) {
  return "https://localhost" + s.where().substr(s.where().rfind(':'));
}

}  // namespace

TEST_CASE("https: curl is answered, on one connection; and trusts nobody whom it does not know") {
  if (!has_program("curl")) {
    MESSAGE("curl is not installed: this case is left out");
    return;
  }
  temporary_folder folder;
  std::ofstream(folder / "roots.pem") << tls_test::authority().certificate_text();
  const std::string curl = "curl --silent --max-time 60 --noproxy '*' ";
  const std::string trusting = curl + "--cacert " + (folder / "roots.pem") + " ";
  run_io([&]() -> task<> {
    running_server s(secure_options(), co_await any_port());
    const std::string url = url_of(s);
    const std::string two =
        co_await output_of(trusting + "-w '%{num_connects};' " + url + "/a " + url + "/b");
    CHECK(two == "GET /a 1;GET /b 0;");
    const std::string old = co_await output_of(trusting + "--tls-max 1.2 -d body " + url + "/p");
    CHECK(old == "POST /p body");
    const std::string large =
        co_await output_of("head -c 900000 /dev/zero | tr '\\0' x | " + trusting +
                           "-H 'Expect:' -d @- " + url + "/l" + " | wc -c");
    CHECK(large == "900008\n");  // "POST /l "
    const std::string distrust = co_await output_of(curl + url + "/a; echo $?");
    CHECK(distrust == "60\n");
    co_await s.stop();
  });
}

TEST_CASE("https: the client keeps its connections, and does not mix them with plain ones") {
  run_io([]() -> task<> {
    running_server s(secure_options(), co_await any_port());
    http::client c = secure_client();
    for (int i = 0; i < 3; ++i) {
      http::response r = (co_await c.get(url_of(s) + "/x")).value();
      CHECK(r.status == 200);
      const std::string text = (co_await r.body.read_all(100)).value();
      CHECK(text == "GET /x ");
      CHECK(c.idle_connections() == 1);
    }
    http::client plain;
    const auto refused = co_await plain.get(url_of(s));
    CHECK(refused.error() == http::errc::unsupported_scheme);
    c.close_idle();
    co_await s.stop();
  });
}

TEST_CASE("https: a server that cannot prove its name gets no request") {
  run_io([]() -> task<> {
    int asked = 0;
    auto o = secure_options();
    o.handler = [&asked](context, http::request&, http::response_writer&) -> task<> {
      ++asked;
      co_return;
    };
    o.transport = tls_test::config_of(tls_test::server_options("DNS:example.org"));
    running_server s(std::move(o), co_await any_port());
    http::client_options options;
    tls::options client = tls_test::client_options();
    client.server_name.clear();  // so it is the URL's
    options.transport = tls_test::config_of(client);
    http::client c(options);
    const auto answer = co_await c.get(url_of(s));
    CHECK(answer.error() == tls::certificate_errc::wrong_name);
    CHECK(asked == 0);
    co_await s.stop();
  });
}

TEST_CASE("https: a redirect from http to https is followed, without the credentials") {
  run_io([]() -> task<> {
    auto o = secure_options();
    o.handler = [](context, http::request& req, http::response_writer& res) -> task<> {
      const bool has_secret = req.headers.contains("Authorization");
      (co_await res.write_all(has_secret ? "secret" : "none")).value();
    };
    running_server secure(std::move(o), co_await any_port());
    const std::string to = url_of(secure);
    running_server plain(
        options_with([&to](context, http::request&, http::response_writer& res) -> task<> {
          res.headers().set("Location", to + "/there");
          res.status(301).value();
          co_return;
        }),
        co_await any_port());
    http::client c = secure_client();
    http::client_request r;
    r.url = "http://" + plain.where() + "/";
    r.headers.set("Authorization", "secret");
    http::response answer = (co_await c.send(r)).value();
    CHECK(answer.url == to + "/there");
    const std::string text = (co_await answer.body.read_all(100)).value();
    CHECK(text == "none");
    c.close_idle();
    co_await plain.stop();
    co_await secure.stop();
  });
}

TEST_CASE("https: who speaks no TLS is not answered, who says nothing does not hold up the end") {
  run_io([]() -> task<> {
    running_server s(secure_options(), co_await any_port());
    raw_client loud = co_await raw_client::connect(s.where());
    co_await loud.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = co_await loud.read_to_end();
    CHECK_FALSE(has(answer, "HTTP/"));
    raw_client silent = co_await raw_client::connect(s.where());
    co_await until_quiet();
    const result<void> ended = co_await s.server.shutdown(patience);
    CHECK(ended.has_value());
    const std::error_code error = co_await s.end();
    CHECK(error == http::errc::server_closed);
    const std::string nothing = co_await silent.read_to_end();
    CHECK(nothing.empty());
  });
}
