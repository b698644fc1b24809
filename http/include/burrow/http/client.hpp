// SPDX-License-Identifier: MIT
// A client of HTTP/1.1.
#pragma once

#include <burrow/context.hpp>
#include <burrow/http/body.hpp>
#include <burrow/http/headers.hpp>
#include <burrow/http/transport.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace burrow::http {

struct client_options {
  /// What https:// is spoken by, a tls::config; nothing: it is not. Go: TLSClientConfig.
  http::transport transport;
  /// Connections kept for later requests, to one host and to all of them. Go: MaxIdleConnsPerHost,
  /// MaxIdleConns.
  std::size_t idle_per_host = 8;
  std::size_t idle_limit = 100;
  /// Longer unused they are not used again. Go: IdleConnTimeout.
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds(90);
  /// Followed before send() fails. 0: none is followed, and the redirect itself is the response.
  int redirect_limit = 10;
  /// Of a response's header, in bytes.
  std::size_t header_limit = 256UL * 1024;
  /// Of a response's body, in bytes; beyond it read() of the body fails.
  std::uint64_t body_limit = 1024UL * 1024 * 1024;
};

/// What a client asks. Go: http.NewRequest.
struct client_request {
  std::string method = "GET";
  /// Absolute: "http://host:port/path?query", or "https://..." if the client has a transport.
  std::string url;
  /// Host, Connection, Content-Length and Transfer-Encoding are the client's, and not sent from
  /// here; but a Host is.
  http::headers headers;
  /// Sent with its length, unless it is empty and the method is one that needs none.
  std::string body;
};

/// What a server has answered. Its body keeps the connection until it was read to its end or is
/// destroyed. Go: *http.Response.
struct response {
  int status = 0;
  http::headers headers;
  http::body body;
  /// Of the last request, behind the redirects.
  std::string url;
};

namespace detail {
struct client_state;
}

/// Sends requests, and keeps connections for later ones. A handle, copied like a pointer; all
/// functions may be called by any goroutine at the same time. Every operation, reads of a body
/// included, ends with the Context that its goroutine carries, or with the one that comes first:
/// timeouts are Contexts with a deadline. Go: http.Client.
class client {
 public:
  explicit client(client_options options = {});

  /// Sends a request, and gives the response as soon as its header has come. A status is no error.
  /// Redirects are followed: by GET behind 301, 302 and 303 (a HEAD stays one), by the same request
  /// behind 307 and 308; Authorization and Cookie do not go to another host. A request that an old
  /// connection did not take is sent again on a new one, if that does no harm (GET, HEAD, OPTIONS,
  /// PUT, DELETE). Errors: those of dial(), of the connection, errc::bad_url,
  /// errc::unsupported_scheme, errc::too_many_redirects, errc::malformed, errc::header_too_large,
  /// errc::incomplete. Go: Do.
  task<result<response>> send(client_request r);
  task<result<response>> send(context ctx, client_request r);

  /// Go: http.Get.
  task<result<response>> get(std::string url);
  task<result<response>> get(context ctx, std::string url);

  /// Connections that are kept for later.
  std::size_t idle_connections() const;
  /// Ends those. Go: CloseIdleConnections.
  void close_idle();

 private:
  std::shared_ptr<detail::client_state> state_;
};

}  // namespace burrow::http
