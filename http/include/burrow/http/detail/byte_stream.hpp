// SPDX-License-Identifier: MIT
// What HTTP asks of a connection: as little as this, so that a TCP stream, one with TLS on it, and
// a test that has no socket can all stand there.
#pragma once

#include <burrow/io_buffer.hpp>
#include <burrow/io_bytes.hpp>
#include <burrow/net/stream.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace burrow::http::detail {

using time_point = std::chrono::steady_clock::time_point;

/// One goroutine reads, one writes, both at the same time. Every call ends with the Context that
/// its goroutine carries.
class byte_stream {
 public:
  virtual ~byte_stream() = default;
  /// 0: the peer has ended its side.
  virtual task<result<std::size_t>> read(bytes into) = 0;
  /// Reads what is there into memory that is taken for it. Empty: the peer has ended its side.
  virtual task<result<io_buffer>> receive();
  virtual task<result<void>> write_all(std::span<const const_bytes> from) = 0;
  /// The peer reads an end; reading goes on.
  virtual task<result<void>> end_writing() = 0;
  /// Ends what waits here. Any goroutine.
  virtual void close() noexcept = 0;
  /// The same, and the peer is not to take what it has got for all there is.
  virtual void abort() noexcept { close(); }
  /// Whether nothing is there to be read, not even an end: what a connection is like that can be
  /// used again.
  virtual bool is_quiet() const noexcept = 0;
};

class net_byte_stream final : public byte_stream {
 public:
  explicit net_byte_stream(net::stream s) noexcept : stream_(std::move(s)) {}
  task<result<std::size_t>> read(bytes into) override { return stream_.read(into); }
  task<result<io_buffer>> receive() override { return stream_.receive(); }
  task<result<void>> write_all(std::span<const const_bytes> from) override {
    return stream_.write_all(from);
  }
  task<result<void>> end_writing() override;
  void close() noexcept override;
  void abort() noexcept override;
  bool is_quiet() const noexcept override;

 private:
  net::stream stream_;
};

/// Where the bytes of messages come from, a piece at a time.
class byte_source {
 public:
  virtual ~byte_source() = default;
  /// The next piece, which stays until the next call; empty: the peer has ended its side.
  /// errc::timeout: `until` has passed, which some sources do not heed.
  virtual task<result<std::string_view>> next(time_point until) = 0;
};

}  // namespace burrow::http::detail
