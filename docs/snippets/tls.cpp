// SPDX-License-Identifier: MIT
// Chapter 10 of the guide: TLS.
#include <burrow/burrow.hpp>
#include <burrow/tls.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

using namespace burrow;
using namespace std::chrono_literals;

// [tls_client]
task<result<std::string>> greet_securely(std::string where) {
  auto s = co_await tls::dial("tcp", where);  // its certificate and its name are checked
  if (!s) co_return s.error();
  auto sent = co_await s->write_all("hello\n");
  if (!sent) co_return sent.error();
  std::array<char, 64> answer;
  auto n = co_await s->read(answer);
  if (!n) co_return n.error();
  co_return std::string(answer.data(), *n);
}
// [/tls_client]

// [tls_server]
task<result<void>> serve_securely(std::string certificate, std::string key) {
  tls::options o;
  o.certificate = tls::pem::file(certificate);
  o.key = tls::pem::file(key);
  auto config = tls::config::make(o);
  if (!config) co_return config.error();
  auto listener = co_await tls::listen("tcp", ":4433", *config);
  if (!listener) co_return listener.error();
  for (;;) {
    auto s = co_await listener->accept();
    if (!s) co_return s.error();
    go([](tls::stream c) -> task<> { static_cast<void>(co_await c.write_all("hello\n")); }, *s);
  }
}
// [/tls_server]

task<> start() {
  auto [ctx, cancel] = with_timeout(background(), 1s);
  const auto nobody = co_await under(ctx, greet_securely("127.0.0.1:1"));
  std::printf("%s\n", nobody ? nobody->c_str() : "nobody listens there");
  const auto served = co_await serve_securely("no such file", "no such file");
  std::printf("%s\n", served.error().message().c_str());
}

int main() { return run(start); }
