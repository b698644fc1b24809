// SPDX-License-Identifier: MIT
// What can go wrong with HTTP itself; errors of the connection are those of the system.
#pragma once

#include <system_error>
#include <type_traits>

namespace burrow::http {

/// Errors of a message, of its size, and of how it was used. Beside them operations return
/// burrow::errc (the Context has ended) and the system's errors.
enum class errc {
  malformed = 1,         ///< what came is no HTTP message, or one that is read in two ways
  header_too_large,      ///< the header is larger than its limit
  body_too_large,        ///< the body is larger than its limit
  incomplete,            ///< the peer ended the connection within a message
  timeout,               ///< the peer was silent, or requests ran, for too long
  unsupported_version,   ///< neither HTTP/1.0 nor HTTP/1.1
  unsupported_encoding,  ///< a Transfer-Encoding other than chunked
  body_not_allowed,      ///< a body for a status or a method that has none
  length_mismatch,       ///< more of a body than the length that was announced
  too_late,              ///< the header has been sent already
  bad_url,               ///< not an absolute URL
  unsupported_scheme,    ///< neither http nor https, or https without a transport
  too_many_redirects,    ///< the client has followed as many redirects as it may
  server_closed,         ///< shutdown() or close() was called. Go: http.ErrServerClosed
  client_disconnected,   ///< the cause of a request's Context when its client has gone
};

/// The category of errc, "http".
const std::error_category& errc_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), errc_category()};
}

}  // namespace burrow::http

template <>
struct std::is_error_code_enum<burrow::http::errc> : std::true_type {};
