// SPDX-License-Identifier: MIT
// What the tests of HTTP share: a server with a listener, and a client that is nothing but bytes.
#pragma once

#include <burrow/burrow.hpp>
#include <burrow/http/server.hpp>
#include <burrow/net/listener.hpp>

#include <chrono>
#include <cstddef>
#include <doctest/doctest.h>
#include <exception>
#include <run_test.hpp>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

namespace http_test {

using namespace burrow;
using namespace std::chrono_literals;

/// Far longer than anything takes: what waits that long fails the test.
inline constexpr auto patience = 60s;

/// A server that serves in a goroutine of its own.
class running_server {
 public:
  running_server(http::server_options options, net::listener listener)
      : server(std::move(options)), listener_(std::move(listener)) {
    // It ends after stop() has: it has its own handle to the channel.
    go(
        [](http::server& served, net::listener l, chan<std::error_code> ended) -> task<> {
          const result<void> end = co_await served.serve(std::move(l));
          co_await ended.send(end.error());
        },
        std::ref(server), listener_, ended_);
  }
  running_server(const running_server&) = delete;
  running_server& operator=(const running_server&) = delete;

  std::string where() const { return to_string(listener_.local_address()); }
  /// What serve() has returned.
  task<std::error_code> end() {
    std::error_code error;
    co_await ended_.recv(error);
    co_return error;
  }
  /// Ends it, and waits for that.
  task<> stop() {
    server.close();
    const std::error_code error = co_await end();
    CHECK(error == http::errc::server_closed);
  }

  http::server server;

 private:
  net::listener listener_;
  chan<std::error_code> ended_ = make_chan<std::error_code>(1);
};

inline task<net::listener> any_port() {
  result<net::listener> l = co_await net::listen("tcp", "127.0.0.1:0");
  co_return std::move(l).value();
}

/// Options with a handler, and none that a slow machine would meet.
inline http::server_options options_with(http::handler h) {
  http::server_options o;
  o.handler = std::move(h);
  o.read_header_timeout = patience;
  o.read_body_timeout = patience;
  o.write_timeout = patience;
  return o;
}

/// Sends bytes, and reads bytes.
class raw_client {
 public:
  static task<raw_client> connect(std::string where) {
    result<net::stream> s = co_await net::dial("tcp", where);
    co_return raw_client(std::move(s).value());
  }
  task<> send(std::string_view text) {
    const result<void> sent = co_await stream.write_all(const_bytes(text));
    sent.value();
  }
  /// Reads until `mark` has come `times` times, or the connection ends; gives what has come since
  /// the last call.
  task<std::string> read_until(std::string_view mark, int times = 1) {
    std::string all;
    for (;;) {
      int found = 0;
      for (std::size_t at = 0; (at = all.find(mark, at)) != std::string::npos; ++at) ++found;
      if (found >= times) co_return all;
      char piece[4096];
      const result<std::size_t> n = co_await stream.read(piece);
      if (!n || *n == 0) co_return all;
      all.append(piece, *n);
    }
  }
  /// Reads until the server ends the connection.
  task<std::string> read_to_end() {
    std::string all;
    for (;;) {
      char piece[4096];
      const result<std::size_t> n = co_await stream.read(piece);
      if (!n || *n == 0) co_return all;
      all.append(piece, *n);
    }
  }
  /// Ends the connection so that the server's next call fails.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(stream.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    static_cast<void>(stream.close());
  }

  net::stream stream;

 private:
  explicit raw_client(net::stream s) : stream(std::move(s)) {}
};

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

inline int count_of(const std::string& text, std::string_view part) {
  int n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++n;
  return n;
}

/// Answers with "METHOD PATH BODY".
inline task<> echo(context, http::request& req, http::response_writer& res) {
  const result<std::string> body = co_await req.body.read_all(1 << 20);
  const std::string text = req.method + " " + req.path() + " " + body.value();
  const result<void> sent = co_await res.write_all(text);
  sent.value();
}

}  // namespace http_test
