// SPDX-License-Identifier: MIT
// What misuse of a channel throws, where Go panics.
#pragma once

#include <stdexcept>

namespace burrow {

/// "send on closed channel", "close of closed channel".
class closed_channel : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// "close of nil channel".
class nil_channel : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace detail {

[[noreturn]] void throw_send_on_closed();
[[noreturn]] void throw_close_of_closed();
[[noreturn]] void throw_close_of_nil();

}  // namespace detail
}  // namespace burrow
