// SPDX-License-Identifier: MIT
#include <burrow/errc.hpp>

#include <string>

namespace burrow {

namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "burrow"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::closed: return "channel closed";
      case errc::canceled: return "context canceled";
      case errc::deadline_exceeded: return "context deadline exceeded";
      case errc::not_open: return "use of closed connection or file";
      case errc::unexpected_eof: return "unexpected EOF";
      case errc::io_timeout: return "i/o timeout";
    }
    return "unknown error";
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::canceled: return std::errc::operation_canceled;
      case errc::deadline_exceeded:
      case errc::io_timeout: return std::errc::timed_out;
      case errc::not_open: return std::errc::bad_file_descriptor;
      case errc::closed:
      case errc::unexpected_eof: break;
    }
    return {value, *this};
  }
};

/// Never destroyed: an error code may be looked at after main() has returned.
union immortal_category {
  constexpr immortal_category() noexcept : value() {}
  ~immortal_category() {}
  category value;
};

constinit immortal_category the_category;

}  // namespace

const std::error_category& errc_category() noexcept { return the_category.value; }

}  // namespace burrow
