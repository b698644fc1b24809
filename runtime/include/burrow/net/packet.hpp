// SPDX-License-Identifier: MIT
// Packets: UDP, and Unix sockets that keep messages apart.
#pragma once

#include <burrow/io_bytes.hpp>
#include <burrow/net/address.hpp>
#include <burrow/readiness.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <chrono>
#include <cstddef>
#include <string_view>

namespace burrow::net {

/// What receive_from() tells of a packet.
struct packet {
  std::size_t size = 0;       ///< bytes that are in the buffer
  address from;               ///< empty: a Unix socket without a path has sent it
  bool is_truncated = false;  ///< the packet was larger than the buffer; the rest is lost
};

/// A socket for packets: a handle, copied like a pointer; the last copy closes it. All functions
/// may be called by any goroutine, and at the same time: each packet goes to one receiver, whole.
/// Every operation also ends, with its error, when the Context that the goroutine carries does;
/// with a Context first it watches that one. Go: net.PacketConn.
class packet_socket {
 public:
  packet_socket() noexcept = default;

  explicit operator bool() const noexcept { return static_cast<bool>(d_); }

  /// The next packet, which may be empty. A connected socket gets those of its peer alone, and
  /// std::errc::connection_refused where the peer's machine says that nobody receives there. Go:
  /// ReadFrom.
  task<result<packet>> receive_from(bytes into);
  task<result<packet>> receive_from(context ctx, bytes into);

  /// One packet, whole or not at all; that it is sent does not tell that it comes.
  /// std::errc::message_size: it is too large. A Unix socket whose receiver does not keep up gives
  /// std::errc::resource_unavailable_try_again; the others wait for room. Go: WriteTo.
  task<result<void>> send_to(const_bytes from, address to);
  task<result<void>> send_to(context ctx, const_bytes from, address to);

  /// To the peer of a connected socket; waits for room. Go: Write.
  task<result<void>> send(const_bytes from);
  task<result<void>> send(context ctx, const_bytes from);

  /// There is a packet; there is room for one. Cases of select, too.
  io::readiness readable() const noexcept { return {d_, burrow::detail::io_side::read}; }
  io::readiness writable() const noexcept { return {d_, burrow::detail::io_side::write}; }

  /// Ends what waits here, with errc::not_open. The path of a Unix socket stays, as in Go. Go:
  /// Close.
  result<void> close() noexcept;

  /// From that time on receiving, or sending, fails with errc::io_timeout, also where it waits
  /// already; time_point::max(): never. Go: SetReadDeadline, SetWriteDeadline.
  result<void> set_read_deadline(std::chrono::steady_clock::time_point at);
  result<void> set_write_deadline(std::chrono::steady_clock::time_point at);

  /// Any option of the socket; see setsockopt(2).
  result<void> set_option(int level, int name, int value) noexcept;

  address local_address() const noexcept;
  /// Of a connected socket; else empty.
  address peer_address() const noexcept;
  /// For calls that burrow does not have. -1: closed. The number stays burrow's.
  int native_handle() const noexcept;

 private:
  friend task<result<packet_socket>> listen_packet(std::string_view network,
                                                   std::string_view where);
  friend task<result<packet_socket>> dial_packet(std::string_view network, std::string_view where);
  packet_socket(burrow::detail::descriptor_ref d, int family) noexcept
      : d_(std::move(d)), family_(family) {}

  burrow::detail::descriptor_ref d_;
  int family_ = 0;
};

/// A socket that receives packets. `network` is "udp", "udp4", "udp6" or "unixgram"; `where` is as
/// for listen(). Go: net.ListenPacket.
task<result<packet_socket>> listen_packet(std::string_view network, std::string_view where);
task<result<packet_socket>> listen_packet(context ctx, std::string_view network,
                                          std::string_view where);

/// A socket that is connected to one peer, the first address of `where` that this machine can send
/// to. Go: net.Dial("udp", ...).
task<result<packet_socket>> dial_packet(std::string_view network, std::string_view where);
task<result<packet_socket>> dial_packet(context ctx, std::string_view network,
                                        std::string_view where);

}  // namespace burrow::net
