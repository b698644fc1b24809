// SPDX-License-Identifier: MIT
// How a handler answers.
#pragma once

#include <burrow/http/errc.hpp>
#include <burrow/http/headers.hpp>
#include <burrow/io_bytes.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace burrow::http {

namespace detail {

/// Where a response goes.
class response_sink {
 public:
  virtual ~response_sink() = default;
  virtual task<result<void>> send(std::span<const const_bytes> parts) = 0;
};

/// What of a request decides on the form of its response.
struct response_form {
  bool is_head = false;  // the request was HEAD: no body goes out
  int minor_version = 1;
  bool keep_alive = true;
};

}  // namespace detail

/// The response to a request. The header goes out with the first bytes of the body that do: when
/// they no longer fit into a small buffer, at flush(), or when the handler returns. A body that was
/// not announced goes out with its length if all of it fits into that buffer, else in chunks (to
/// HTTP/1.0: until the connection ends). One goroutine at a time. Writes do not end with the
/// request's Context, so that a client that has ended its side, and waits, has its answer. Go:
/// http.ResponseWriter.
class response_writer {
 public:
  response_writer(detail::response_sink& sink, detail::response_form form) noexcept
      : sink_(sink), form_(form) {}
  response_writer(const response_writer&) = delete;
  response_writer& operator=(const response_writer&) = delete;

  /// 200 to begin with. errc::too_late: the header is on its way. Throws std::invalid_argument for
  /// one that is not in 200 to 599. Go: WriteHeader.
  result<void> status(int code);
  int status() const noexcept { return status_; }

  /// Changes after the header is on its way have no effect. "Connection: close" ends the connection
  /// behind this response; else Connection, Content-Length (see content_length()) and
  /// Transfer-Encoding are the server's own affair. Go: Header.
  http::headers& headers() noexcept { return headers_; }

  /// Announces the body's length in bytes. errc::too_late.
  result<void> content_length(std::uint64_t length);

  /// Writes a part of the body. errc::body_not_allowed: the status has none; errc::length_mismatch:
  /// more than was announced, and nothing of it was written; or why the connection has failed. To a
  /// HEAD it goes nowhere. Go: Write.
  task<result<void>> write(const_bytes part);
  /// Writes all of the body, and announces its length. errc::too_late: the header is on its way.
  task<result<void>> write_all(const_bytes whole);
  /// Sends what was written by now. Go: Flusher.
  task<result<void>> flush();

  /// The header is on its way: the status cannot be changed any more.
  bool has_begun() const noexcept { return has_begun_; }

  // --- the server's ------------------------------------------------------------------------------

  /// Sends what is left, and the end.
  task<result<void>> finish();
  /// Puts another response in the place of one of which nothing was sent.
  task<result<void>> replace(int code);
  /// Neither a status was set nor anything written.
  bool is_untouched() const noexcept { return !has_begun_ && status_ == 200 && written_ == 0; }
  /// The connection must end behind this response.
  void end_connection() noexcept { form_.keep_alive = false; }
  /// Where the body ends only the end of the connection tells: HTTP/1.0, no length announced.
  bool ends_with_connection() const noexcept { return form_.minor_version == 0 && !length_; }
  /// Whether another response may follow this one.
  bool keeps_alive() const noexcept { return form_.keep_alive; }

 private:
  bool has_no_body() const noexcept { return status_ == 204 || status_ == 304; }
  bool sends_body() const noexcept { return !form_.is_head && !has_no_body(); }
  void settle_form();
  std::string header_text() const;
  task<result<void>> send_part(const_bytes part);

  detail::response_sink& sink_;
  detail::response_form form_;
  int status_ = 200;
  http::headers headers_;
  std::optional<std::uint64_t> length_;
  std::uint64_t written_ = 0;
  std::string buffer_;  // of the body
  bool has_begun_ = false;
  bool is_chunked_ = false;
};

}  // namespace burrow::http
