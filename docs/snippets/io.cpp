// SPDX-License-Identifier: MIT
// Chapter 10 of the guide: sockets.
#include <burrow/buffered_reader.hpp>
#include <burrow/burrow.hpp>
#include <burrow/net/listener.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

using namespace burrow;
using namespace std::chrono_literals;

// [echo]
task<> echo(net::stream s) {
  std::array<char, 4096> buffer;
  for (;;) {
    result<std::size_t> n = co_await s.read(buffer);  // Go: n, err := s.Read(buffer)
    if (!n || *n == 0) co_return;                     // an error, or the peer has ended
    auto written = co_await s.write_all(const_bytes(buffer.data(), *n));
    if (!written) co_return;
  }
}

task<> serve(net::listener listener) {
  for (;;) {
    result<net::stream> s = co_await listener.accept();
    if (!s) co_return;  // the listener is closed, or the Context has ended
    go(echo, *s);
  }
}
// [/echo]

// [dial]
task<result<std::string>> ask(std::string where, std::string question) {
  auto s = co_await net::dial("tcp", where);  // "example.org:80", "[::1]:4000"
  if (!s) co_return s.error();
  auto sent = co_await s->write_all(question + "\n");
  if (!sent) co_return sent.error();
  buffered_reader in(*s);
  auto line = co_await in.read_line();
  if (!line) co_return line.error();
  co_return line->value_or("");
}
// [/dial]

// [context]
task<> gives_up(net::stream s) {
  std::array<char, 64> buffer;
  auto [ctx, cancel] = with_timeout(background(), 10ms);
  auto n = co_await s.read(ctx, buffer);  // nothing comes
  std::printf("%s\n", n.error().message().c_str());

  // The deadline of a connection outlives the call, as in Go.
  s.set_read_deadline(std::chrono::steady_clock::now() + 10ms).value();
  n = co_await s.read(buffer);
  std::printf("%s\n", n.error().message().c_str());
}
// [/context]

// [accept_case]
task<> serve_for_a_while(net::listener listener) {
  for (int clients = 0;; ++clients) {
    result<net::stream> next;
    if (co_await select(listener.accept(next), after(20ms)) == 1 || !next) {
      std::printf("%d clients\n", clients);
      co_return;
    }
    go(echo, *next);
  }
}
// [/accept_case]

task<> start() {
  auto listener = (co_await net::listen("tcp", "127.0.0.1:0")).value();
  go(serve, listener);
  auto answer = co_await ask(to_string(listener.local_address()), "hello");
  std::printf("%s\n", answer.value().c_str());
  co_await gives_up((co_await net::dial(listener.local_address())).value());
  listener.close().value();
  co_await serve_for_a_while((co_await net::listen("tcp", "127.0.0.1:0")).value());
}

int main() { return run(start); }
