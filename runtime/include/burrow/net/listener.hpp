// SPDX-License-Identifier: MIT
// Waiting for connections.
#pragma once

#include <burrow/detail/io_case.hpp>
#include <burrow/net/stream.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace burrow::net {

namespace detail {
struct listener_state;
}

/// Accepts connections: a handle, copied like a pointer; the last copy closes it. Go: net.Listener.
class listener {
 public:
  listener() noexcept = default;

  explicit operator bool() const noexcept { return state_ != nullptr; }

  /// The next connection. Errors that concern one connection alone, which is gone already, are not
  /// reported; without descriptors it waits until there are some. errc::not_open after close().
  /// Go: Accept.
  task<result<stream>> accept();
  task<result<stream>> accept(context ctx);

  /// The same as a case of select: `select(l.accept(next), ctx.done())`. The connection, or the
  /// error, is in `next` once its case has happened. From the first such call on a goroutine
  /// accepts, so that a connection is at hand.
  auto accept(result<stream>& next) { return burrow::detail::receive_result(accepted(), next); }

  /// Ends what waits here, with errc::not_open. Connections that nobody has accepted are reset. Go:
  /// Close.
  result<void> close() noexcept;

  address local_address() const noexcept;
  int native_handle() const noexcept;

 private:
  friend task<result<listener>> listen(std::string_view network, std::string_view where);
  explicit listener(std::shared_ptr<detail::listener_state> state) noexcept;
  recv_chan<result<stream>> accepted();
  recv_chan<result<stream>> accepted_before() const;

  std::shared_ptr<detail::listener_state> state_;
};

/// Listens. `network` is "tcp", "tcp4", "tcp6" or "unix"; `where` is "host:port", ":port" for all
/// addresses, port 0 for any that is free, or the path of a Unix socket (which is removed when
/// the listener closes). A host is an IP address or "localhost". Go: net.Listen.
task<result<listener>> listen(std::string_view network, std::string_view where);
task<result<listener>> listen(context ctx, std::string_view network, std::string_view where);

/// Connects. `where` is "host:port", whose host is looked up, or a path. Where a name has several
/// addresses the next one is tried 250 ms after the last, or at once when that has failed, IPv6 and
/// IPv4 in turns; the first to answer wins. Go: net.Dialer.DialContext.
task<result<stream>> dial(std::string_view network, std::string_view where);
task<result<stream>> dial(context ctx, std::string_view network, std::string_view where);

/// Connects to an address. Go: net.DialTCP.
task<result<stream>> dial(address to);
task<result<stream>> dial(context ctx, address to);

/// The addresses of a host, which is a name or an IP address, in the order in which the system
/// would try them. `port` is a number or the name of a service. Looked up on a thread that may
/// block; neither the Context nor the end of the runtime waits for it. The category of errors is
/// that of getaddrinfo(3). Throws std::system_error where no thread can be had, std::bad_alloc. Go:
/// net.Resolver.LookupIPAddr.
task<result<std::vector<address>>> resolve(std::string_view host, std::string_view port);
task<result<std::vector<address>>> resolve(context ctx, std::string_view host,
                                           std::string_view port);

}  // namespace burrow::net
