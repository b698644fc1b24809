// SPDX-License-Identifier: MIT
// The errors that operations return instead of throwing.
#pragma once

#include <system_error>
#include <type_traits>

namespace burrow {

/// Why an operation that watches a Context, or a channel that may be closed, did not happen.
/// `canceled` equals std::errc::operation_canceled, `deadline_exceeded` and `io_timeout` equal
/// std::errc::timed_out, `not_open` equals std::errc::bad_file_descriptor. Go: context.Canceled,
/// context.DeadlineExceeded, net.ErrClosed, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded.
enum class errc {
  closed = 1,             ///< the channel is closed
  canceled = 2,           ///< the Context was cancelled
  deadline_exceeded = 3,  ///< the Context's deadline has passed
  not_open = 4,           ///< the connection, file or listener has been closed on this side
  unexpected_eof = 5,     ///< the data ended before as much had come as was asked for
  io_timeout = 6,         ///< the deadline of the connection has passed
};

/// The category of errc. Its messages are Go's: "context canceled", "context deadline exceeded".
const std::error_category& errc_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), errc_category()};
}

}  // namespace burrow

template <>
struct std::is_error_code_enum<burrow::errc> : std::true_type {};
