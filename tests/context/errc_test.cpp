// SPDX-License-Identifier: MIT
// The errors: their texts and what they equal.
#include <doctest/doctest.h>

#include <burrow/errc.hpp>
#include <ostream>  // doctest prints error codes
#include <string_view>
#include <system_error>

using namespace burrow;

TEST_CASE("CX6: the errors have Go's texts and tell a timeout from a cancellation") {
  const std::error_code canceled = errc::canceled;
  const std::error_code late = errc::deadline_exceeded;
  CHECK(canceled.message() == "context canceled");
  CHECK(late.message() == "context deadline exceeded");
  CHECK(canceled == std::errc::operation_canceled);
  CHECK(canceled != std::errc::timed_out);
  CHECK(late == std::errc::timed_out);
  CHECK(late != std::errc::operation_canceled);
  CHECK(canceled != late);
  CHECK(std::string_view(canceled.category().name()) == "burrow");
}

TEST_CASE("a closed channel is an error of its own, which equals no condition of the system") {
  const std::error_code closed = errc::closed;
  CHECK(closed);
  CHECK(closed.message() == "channel closed");
  CHECK(closed != std::errc::operation_canceled);
  CHECK(closed != std::errc::timed_out);
  CHECK(closed != std::errc::broken_pipe);
  CHECK(std::error_code(77, errc_category()).message() == "unknown error");
}
