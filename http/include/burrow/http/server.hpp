// SPDX-License-Identifier: MIT
// A server of HTTP/1.1.
#pragma once

#include <burrow/context.hpp>
#include <burrow/http/request.hpp>
#include <burrow/http/response_writer.hpp>
#include <burrow/http/transport.hpp>
#include <burrow/net/listener.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>

namespace burrow::http {

/// Answers a request. It runs in the goroutine of its connection, under `ctx`, the request's own
/// Context, which is a child of the one that serve() runs under. It ends when the handler returns,
/// when the client disconnects (its cause is errc::client_disconnected then) or ends its side, when
/// server_options::request_timeout has passed, and when a shutdown's grace has; and with it
/// whatever the handler has started under it. Request and writer live until the handler returns:
/// goroutines that use them belong into a scope.
///
/// One that returns without a word after request_timeout is answered by 503, and the connection
/// ends. An exception that leaves it is answered by 500, where nothing was sent yet, and ends the
/// connection; the server lives on. Go: http.Handler.
using handler = std::function<task<>(context ctx, request& req, response_writer& res)>;

struct server_options {
  http::handler handler;
  /// What is put on each connection, a tls::config; nothing: plain HTTP. A handshake that fails, or
  /// takes longer than read_header_timeout, ends its connection without a word. Go: ServeTLS.
  http::transport transport;
  /// Of the first line and the fields of a request, in bytes; beyond it: 431. Go: MaxHeaderBytes.
  std::size_t header_limit = 32UL * 1024;
  /// Of a request's body, in bytes; beyond it: 413, at once where the length is announced, else
  /// read() of the body fails.
  std::uint64_t body_limit = 16UL * 1024 * 1024;
  /// From the first byte of a request, or from the begin of the connection, to the end of its
  /// header; beyond it: 408. Go: ReadHeaderTimeout.
  std::chrono::nanoseconds read_header_timeout = std::chrono::seconds(10);
  /// How long a client may send nothing within a body; beyond it read() of the body fails, and a
  /// handler that has sent nothing is answered for by 408.
  std::chrono::nanoseconds read_body_timeout = std::chrono::seconds(30);
  /// Between two requests; then the connection ends. Go: IdleTimeout.
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds(120);
  /// For each write to be taken by the client; then the connection ends.
  std::chrono::nanoseconds write_timeout = std::chrono::seconds(30);
  /// Of the request's Context, from the end of the header on; 0: none.
  std::chrono::nanoseconds request_timeout{};
  /// Beyond so many connections of one serve() none is accepted until another has ended.
  std::size_t connection_limit = 10'000;
  /// Told of an exception that has left a handler; nothing: a line on stderr. Called by any worker,
  /// also at the same time; must not throw.
  std::function<void(const request& req, std::exception_ptr error)> on_handler_error;
};

namespace detail {
struct server_state;
}

/// Serves what listeners accept. Move-only; its functions may be called by any goroutine at the
/// same time. Whoever destroys it while serve() runs has called close() first and awaited serve().
/// Go: http.Server.
class server {
 public:
  /// Throws std::invalid_argument for options without a handler, with a timeout that is not
  /// positive (request_timeout may be 0), or with a limit of connections or of the header that is
  /// 0; std::bad_alloc.
  explicit server(server_options options);
  server(server&&) noexcept;
  server& operator=(server&&) noexcept;
  ~server();

  /// Accepts connections and serves them until shutdown() or close(), until the Context that it
  /// runs under ends, or the listener fails. It closes the listener, and returns when all its
  /// connections have ended; Go's Serve does not wait for that. Always an error:
  /// errc::server_closed, the Context's, or the listener's. Any number of listeners at the same
  /// time. Go: Serve.
  task<result<void>> serve(net::listener listener);

  /// Ends it gently: accepts no more, ends idle connections, lets requests that have begun finish
  /// within `grace`, then cancels their Contexts, and waits until all serve() have returned. A
  /// handler that heeds neither its Context nor an error is waited for without a limit.
  /// errc::timeout: the grace was not enough; or the error of the Context that the caller carries,
  /// whose end ends the grace. Not from a handler, which it would wait for. Go: Shutdown.
  task<result<void>> shutdown(std::chrono::nanoseconds grace);

  /// Ends it at once: cancels the Contexts of all requests, and does not wait. Any thread. Go:
  /// Close.
  void close() noexcept;

 private:
  std::shared_ptr<detail::server_state> state_;
};

}  // namespace burrow::http
