// SPDX-License-Identifier: MIT
// Reads messages, one after the other, from a byte_source. Boost.Beast parses them; this hands it
// the bytes, and refuses what Beast is more patient with than a server may be:
//
//  - Beast counts a header's limit anew from each line on: here it is for the whole header.
//  - Beast takes two Content-Length fields that agree, and a Transfer-Encoding that it does not
//    know as no body: proxies read such a message in another way, and the rest of it as the next.
//  - Beast looks for the end of a chunk's first line without a limit.
//
// Invariants: one message at a time; `rest_` is what has come and was not taken, in the source's
// piece or, where a line goes on in the next piece, in `carry_`.
#pragma once

#include <burrow/http/detail/byte_stream.hpp>
#include <burrow/http/errc.hpp>
#include <burrow/http/headers.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace burrow::http::detail {

/// The first lines of a message.
struct message_head {
  std::string method;  // of a request
  std::string target;  // of a request
  int status = 0;      // of a response
  int minor_version = 1;
  http::headers fields;
  bool keep_alive = false;
  bool is_chunked = false;
  std::optional<std::uint64_t> length;  // of the body, where the header says it
  bool has_body = false;
};

enum class message_kind : bool { request, response };

class message_reader {
 public:
  /// `header_limit` in bytes.
  message_reader(byte_source& source, message_kind kind, std::size_t header_limit);
  message_reader(const message_reader&) = delete;
  message_reader& operator=(const message_reader&) = delete;
  ~message_reader();

  /// Reads a header; the message before must have been read to its end. The error is that of the
  /// source, errc::incomplete, or why this is no good message.
  task<result<message_head>> read_head(time_point until);
  /// The message has no body, whatever its header says: a response to HEAD.
  void expect_no_body() noexcept { no_body_ = true; }

  /// Reads of the body; 0: it has ended. `into` is not empty.
  task<result<std::size_t>> read_body(bytes into, time_point until);
  bool body_has_ended() const noexcept;
  /// Bytes of the message, or of the next, have come already.
  bool has_rest() const noexcept { return !rest_.empty(); }
  /// Takes a piece that has come from the source by another way.
  void take_piece(std::string_view piece) noexcept { rest_ = piece; }

 private:
  struct parser;

  task<std::error_code> fill(time_point until);
  std::error_code feed_head();
  result<message_head> finish_head();
  void skip_empty_lines() noexcept;

  byte_source& source_;
  message_kind kind_;
  std::size_t header_limit_;
  std::unique_ptr<parser> parser_;
  std::string carry_;
  std::string_view rest_;
  std::size_t head_size_ = 0;  // of the header so far
  bool no_body_ = false;
  bool at_end_ = false;  // the source has ended
};

/// The status with which a server answers a request that could not be read.
int status_for(std::error_code error) noexcept;

}  // namespace burrow::http::detail
