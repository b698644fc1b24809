// SPDX-License-Identifier: MIT
// Connections with TLS on them.
#pragma once

#include <burrow/net/listener.hpp>
#include <burrow/net/stream.hpp>
#include <burrow/tls/config.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace burrow::tls {

namespace detail {
struct stream_state;
}

/// A connection with TLS on it: a handle, copied like a pointer. All functions may be called by any
/// goroutine, and at the same time: one that reads and one that writes do not wait for each other.
/// Every operation also ends, with its error, when the Context that the goroutine carries does;
/// with a Context first it watches that one. Never raises SIGPIPE. Go: tls.Conn.
///
/// The first operation shakes hands, if handshake() has not. One that a Context or a deadline ends
/// is gone on with by the next operation; one that has failed has failed for ever, with the same
/// error: certificate_errc, error_category(), errc::unexpected_eof, or that of the connection.
///
/// The last copy closes the connection, but says no farewell: only close() and end_writing() tell
/// the peer that what it has is all there is; without them it reads errc::unexpected_eof.
class stream {
 public:
  stream() noexcept = default;

  explicit operator bool() const noexcept { return state_ != nullptr; }

  /// Shakes hands, unless that was done. A peer that never answers is the affair of the Context, or
  /// of a deadline. Go: HandshakeContext.
  task<result<void>> handshake();
  task<result<void>> handshake(context ctx);

  /// Reads what is there, at most `into.size()` bytes, and waits for the first. 0: the peer has
  /// said that no more comes, or `into` is empty. errc::unexpected_eof: the connection has ended
  /// without that; what came may not be all. A read that was ended by a Context or a deadline has
  /// lost nothing. Go: Read.
  task<result<std::size_t>> read(bytes into);
  task<result<std::size_t>> read(context ctx, bytes into);

  /// Reads until `into` is full. errc::unexpected_eof: the peer ended before. Go: io.ReadFull.
  task<result<void>> read_full(bytes into);
  task<result<void>> read_full(context ctx, bytes into);

  /// Reads all that comes until the peer has said that no more does; errc::unexpected_eof as
  /// read(). Go: io.ReadAll.
  task<result<std::string>> read_all();
  task<result<std::string>> read_all(context ctx);

  /// Writes some of it, at most 16 KiB, and says how much. After an error nothing can be written
  /// any more, also if it was that of a Context or a deadline: the peer may have half of it, which
  /// only the other half could follow. (Not if the Context had ended before.) Reading goes on.
  task<result<std::size_t>> write(const_bytes from);
  task<result<std::size_t>> write(context ctx, const_bytes from);

  /// Writes all of it, uninterrupted by other writes. Errors as write(). Go: Write.
  task<result<void>> write_all(const_bytes from);
  task<result<void>> write_all(context ctx, const_bytes from);

  /// Writes all the buffers, in order.
  task<result<void>> write_all(std::span<const const_bytes> from);
  task<result<void>> write_all(context ctx, std::span<const const_bytes> from);

  /// Tells the peer that no more comes (close_notify); it may still send, and be read. Writes fail
  /// with std::errc::broken_pipe then. Go: CloseWrite.
  task<result<void>> end_writing();
  task<result<void>> end_writing(context ctx);

  /// Ends what waits here, with errc::not_open, and the connection; the peer is told, if that needs
  /// no waiting and no write is under way. Go: Close, which waits for 5 s.
  result<void> close() noexcept;

  /// As those of net::stream. A write that a deadline ends is the last one, as above.
  result<void> set_read_deadline(std::chrono::steady_clock::time_point at);
  result<void> set_write_deadline(std::chrono::steady_clock::time_point at);

  net::address local_address() const noexcept;
  net::address peer_address() const noexcept;
  /// What is below, for the options of the socket. Whoever reads from it or writes to it ruins the
  /// connection. Go: NetConn.
  net::stream transport() const noexcept;

  /// Behind the handshake: what both sides have agreed on. protocol() is empty without ALPN;
  /// version_name() is "TLSv1.3"; server_name() is the one that the client has asked for. Throw
  /// std::bad_alloc. Go: ConnectionState.
  std::string protocol() const;
  std::string version_name() const;
  std::string server_name() const;

  /// Whether nothing is there to be read, not even an end.
  bool is_quiet() const noexcept;

 private:
  friend struct detail::stream_state;
  explicit stream(std::shared_ptr<detail::stream_state> state) noexcept;
  std::shared_ptr<detail::stream_state> state_;
};

/// The client's side of TLS on a connection; nothing is sent yet. `server_name` is the host whose
/// certificate is demanded, unless the config names one. std::errc::invalid_argument: neither does,
/// and the name is to be checked. With options instead of a config: as config::make(), each time.
/// Throw std::bad_alloc. Go: tls.Client.
result<stream> connect(net::stream s, const config& c, std::string_view server_name = {});
result<stream> connect(net::stream s, const options& o);

/// The server's side of TLS on a connection; nothing is read yet. std::errc::invalid_argument: the
/// config has no certificate. Throws std::bad_alloc. Go: tls.Server.
result<stream> accept(net::stream s, const config& c);

/// Connects, as net::dial(), and shakes hands; the host of `where` is the one that the server must
/// prove to be, unless the config names another. Go: tls.Dialer.DialContext.
task<result<stream>> dial(std::string_view network, std::string_view where, config c = {});
task<result<stream>> dial(context ctx, std::string_view network, std::string_view where,
                          config c = {});
task<result<stream>> dial(std::string_view network, std::string_view where, options o);
task<result<stream>> dial(context ctx, std::string_view network, std::string_view where, options o);

}  // namespace burrow::tls
