// SPDX-License-Identifier: MIT
// Reads a connection ahead of the one who serves it, in a goroutine of its own, so that a client
// that goes away is noticed while a handler runs.
//
// What has come travels by a channel, so that neither side shares memory that the other writes. A
// read is always in the kernel, and none is ever called off between requests: under io_uring that
// would cost two completions a request. While one piece waits in the channel and the reader holds
// another, a disconnect is not noticed; Go notices none while there is any of the body left. A
// connection that is idle holds no buffer.
#pragma once

#include <burrow/chan.hpp>
#include <burrow/context.hpp>
#include <burrow/http/detail/byte_stream.hpp>
#include <burrow/io_buffer.hpp>

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
  std::shared_ptr<byte_stream> stream_;
  cancel_cause_trigger gone_;
  chan<io_buffer> read_;  // closed by the reader
  io_buffer taken_;       // the piece that is looked at
};

}  // namespace burrow::http::detail
