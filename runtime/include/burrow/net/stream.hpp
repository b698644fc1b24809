// SPDX-License-Identifier: MIT
// Connections: TCP and Unix streams.
#pragma once

#include <burrow/io_buffer.hpp>
#include <burrow/io_bytes.hpp>
#include <burrow/net/address.hpp>
#include <burrow/readiness.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

namespace burrow::net {

/// What shutdown() ends.
enum class direction { reading, writing, both };

/// A connection: a handle, copied like a pointer; the last copy closes it. All functions may be
/// called by any goroutine, and at the same time: reads exclude each other only in that each byte
/// goes to one of them, and a write_all() is not interrupted by another only if its user sees to
/// that. Every operation also ends, with its error, when the Context that the goroutine carries
/// does; with a Context first it watches that one. Never raises SIGPIPE. Go: net.Conn.
class stream {
 public:
  stream() noexcept = default;
  /// Takes over a connected stream socket.
  explicit stream(burrow::detail::descriptor_ref d) noexcept : d_(std::move(d)) {}
  /// Takes over the number of a connected stream socket. Throws std::bad_alloc.
  static stream adopt(int fd);

  explicit operator bool() const noexcept { return static_cast<bool>(d_); }

  /// Reads what is there, at most `into.size()` bytes, and waits for the first. 0: the peer has
  /// ended its side, or `into` is empty. Go: Read, whose io.EOF is 0 here.
  task<result<std::size_t>> read(bytes into);
  task<result<std::size_t>> read(context ctx, bytes into);

  /// Reads what is there, at most `most` bytes, into memory that is taken when there is something:
  /// a goroutine that waits here holds none. Empty: the peer has ended its side. With io_uring
  /// on Linux 5.19 or later the kernel chooses a buffer of at most 4096 bytes of the worker's, and
  /// what came is copied out of it. Throws std::bad_alloc; then what came is lost to the caller.
  task<result<io_buffer>> receive(std::size_t most = 4096);
  task<result<io_buffer>> receive(context ctx, std::size_t most = 4096);

  /// Reads until `into` is full. errc::unexpected_eof: the peer ended before; then what came is
  /// lost to the caller. Go: io.ReadFull.
  task<result<void>> read_full(bytes into);
  task<result<void>> read_full(context ctx, bytes into);

  /// Reads all that comes until the peer ends its side. Go: io.ReadAll.
  task<result<std::string>> read_all();
  task<result<std::string>> read_all(context ctx);

  /// Reads into one buffer after the other, with one call.
  task<result<std::size_t>> read(std::span<const bytes> into);
  task<result<std::size_t>> read(context ctx, std::span<const bytes> into);

  /// Writes some of it, and says how much; waits until the peer takes any.
  task<result<std::size_t>> write(const_bytes from);
  task<result<std::size_t>> write(context ctx, const_bytes from);

  /// Writes what the kernel takes at once, maybe nothing: 0. Never waits, on any thread; heeds
  /// neither a Context nor a deadline.
  result<std::size_t> try_write(const_bytes from) noexcept;

  /// Writes all of it. After an error some of it may have been written. Go: Write.
  task<result<void>> write_all(const_bytes from);
  task<result<void>> write_all(context ctx, const_bytes from);

  /// Writes all the buffers, in order, with as few calls as the kernel allows. Go: net.Buffers.
  task<result<void>> write_all(std::span<const const_bytes> from);
  task<result<void>> write_all(context ctx, std::span<const const_bytes> from);

  /// There is something to read, or the end of it; there is room to write, or nobody who would
  /// read. Cases of select, too.
  io::readiness readable() const noexcept { return {d_, burrow::detail::io_side::read}; }
  io::readiness writable() const noexcept { return {d_, burrow::detail::io_side::write}; }

  /// Tells the peer that no more comes, or that no more is read. Go: CloseWrite, CloseRead.
  result<void> shutdown(direction d) noexcept;
  /// Ends what waits here, with errc::not_open, and the connection. Go: Close.
  result<void> close() noexcept;

  /// From that time on reads, or writes, fail with errc::io_timeout, those that wait already, too;
  /// time_point::max(): never. Go: SetReadDeadline, SetWriteDeadline.
  result<void> set_read_deadline(std::chrono::steady_clock::time_point at);
  result<void> set_write_deadline(std::chrono::steady_clock::time_point at);

  /// Small packets are sent at once (TCP; the default, as in Go). Go: SetNoDelay.
  result<void> set_no_delay(bool on) noexcept;
  /// A peer that is gone without a word is noticed though nothing is sent: after 15 s in which
  /// nothing has come it is asked every 15 s, and the ninth time in vain ends the connection with
  /// ETIMEDOUT (TCP; the default, as in Go). Go: SetKeepAlive.
  result<void> set_keep_alive(bool on) noexcept;
  /// Those 15 s; whole seconds, rounded up. Go: SetKeepAlivePeriod.
  result<void> set_keep_alive_period(std::chrono::steady_clock::duration period) noexcept;
  /// Any option of the socket; see setsockopt(2).
  result<void> set_option(int level, int name, int value) noexcept;

  address local_address() const noexcept;
  address peer_address() const noexcept;
  /// For calls that burrow does not have. -1: closed. The number stays burrow's.
  int native_handle() const noexcept;

 private:
  burrow::detail::descriptor_ref d_;
};

}  // namespace burrow::net
