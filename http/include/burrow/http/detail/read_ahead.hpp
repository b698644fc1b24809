// SPDX-License-Identifier: MIT
// Reads a connection ahead of the one who serves it, in a goroutine of its own, so that a client
// that goes away is noticed while a handler runs.
//
// The reader fills one of two blocks while the server takes the other; blocks travel by two
// channels, so that neither side shares memory that the other writes. A read is always in the
// kernel, and none is ever called off between requests: under io_uring that would cost two
// completions a request. When both blocks are full of what nobody has read yet, a disconnect is not
// noticed; Go notices none while there is any of the body left.
#pragma once

#include <burrow/chan.hpp>
#include <burrow/context.hpp>
#include <burrow/http/detail/byte_stream.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

namespace burrow::http::detail {

/// What ended a wait for a request.
enum class arrival { bytes, end, timeout, closing, canceled };

class read_ahead final : public byte_source {
 public:
  /// `gone` is called when the client ends its side, or the connection fails.
  read_ahead(std::shared_ptr<byte_stream> stream, cancel_cause_trigger gone);

  /// The reader. It runs under a Context that ends when the connection does. Keeps `self`.
  static task<> run(context ctx, std::shared_ptr<read_ahead> self);

  /// What has come, if any has, even if the carried Context has ended: that the client has ended
  /// its side is no reason to forget what it has sent. Else waits, and heeds the Context.
  task<result<std::string_view>> next(time_point until) override;

  /// Waits for the first bytes of a request, which are in `into` then; `closing` ends it, too.
  task<arrival> next_request(std::string_view& into, time_point until, recv_chan<> closing);

 private:
  struct block {
    std::size_t size = 0;
    std::array<char, 8192> data;
  };

  void give_back() noexcept;
  std::string_view take(block* b) noexcept;

  std::shared_ptr<byte_stream> stream_;
  cancel_cause_trigger gone_;
  std::array<block, 2> blocks_;
  chan<block*> filled_;  // closed by the reader
  chan<block*> empty_;
  block* taken_ = nullptr;
};

}  // namespace burrow::http::detail
