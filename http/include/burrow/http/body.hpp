// SPDX-License-Identifier: MIT
// The body of a message, as it comes.
#pragma once

#include <burrow/http/errc.hpp>
#include <burrow/io_bytes.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace burrow::http {

namespace detail {

class body_source {
 public:
  virtual ~body_source() = default;
  /// 0: it has ended. `into` is not empty.
  virtual task<result<std::size_t>> read(bytes into) = 0;
};

}  // namespace detail

/// A body to be read, chunked or not. That of a request is there until its handler returns; that of
/// a response keeps the connection, which can be used again once the body was read to its end.
/// Move-only; one goroutine at a time. Go: io.ReadCloser of Request.Body and Response.Body.
class body {
 public:
  /// One that is empty.
  body() noexcept = default;
  body(std::shared_ptr<detail::body_source> source, std::optional<std::uint64_t> length) noexcept
      : source_(std::move(source)), length_(length) {}
  body(body&&) noexcept = default;
  body& operator=(body&&) noexcept = default;

  /// Reads what is there, at most `into.size()` bytes, and waits for the first; 0: it has ended.
  /// errc::body_too_large: beyond the limit of the server or the client; errc::incomplete: the peer
  /// has gone; errc::timeout; or the Context's error.
  task<result<std::size_t>> read(bytes into);
  task<result<std::size_t>> read(context ctx, bytes into);

  /// All that is left. errc::body_too_large: it is more than `limit` bytes. Go: io.ReadAll of an
  /// http.MaxBytesReader.
  task<result<std::string>> read_all(std::size_t limit);
  task<result<std::string>> read_all(context ctx, std::size_t limit);

  /// In bytes, where the header says it; 0 of one that is empty.
  std::optional<std::uint64_t> length() const noexcept { return length_; }

 private:
  std::shared_ptr<detail::body_source> source_;
  std::optional<std::uint64_t> length_ = 0;
};

}  // namespace burrow::http
