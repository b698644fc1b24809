// SPDX-License-Identifier: MIT
// A socket for IPv6 that serves both families names IPv4 addresses in its own form
// (::ffff:192.0.2.1). Users see and give them as what they are.
//
// Sends are never requests: where one would have blocked, io_uring has used up its data, and the
// packet that it sends in the end is empty (seen on Linux 6.18 with a Unix socket whose receiver
// was full).
#include <burrow/detail/context_node.hpp>
#include <burrow/detail/socket.hpp>
#include <burrow/net/listener.hpp>
#include <burrow/net/packet.hpp>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <vector>

namespace burrow::net {

namespace d = burrow::detail;

namespace {

address as_four(const address& a) noexcept {
  if (a.family() != AF_INET6) return a;
  sockaddr_in6 six{};
  std::memcpy(&six, a.data(), sizeof(six));
  if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) return a;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = six.sin6_port;
  std::memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, sizeof(four.sin_addr));
  return {reinterpret_cast<const sockaddr*>(&four), sizeof(four)};
}

address for_family(const address& a, int family) noexcept {
  if (family != AF_INET6 || a.family() != AF_INET) return a;
  sockaddr_in four{};
  std::memcpy(&four, a.data(), sizeof(four));
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = four.sin_port;
  six.sin6_addr.s6_addr[10] = 0xff;
  six.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(six.sin6_addr.s6_addr + 12, &four.sin_addr, sizeof(four.sin_addr));
  return {reinterpret_cast<const sockaddr*>(&six), sizeof(six)};
}

bool is_network(std::string_view network) noexcept {
  return network == "udp" || network == "udp4" || network == "udp6" || network == "unixgram";
}

/// The kernel tells nobody when the receiver of a Unix socket that is not connected has room again,
/// so this does not wait.
task<result<void>> send_at_once(d::descriptor_ref socket, const_bytes from, address to) {
  const d::goroutine& g = co_await d::io_entry();
  d::cancellable_node* const watched = d::watched_by(g);
  if (watched != nullptr && watched->has_ended()) co_return d::error_of(*watched);
  if (!socket || !d::begin_use(*socket)) co_return errc::not_open;
  std::error_code error = d::refusal_of(*socket, d::io_side::write);
  if (!error && ::sendto(socket->fd, from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                         to.data(), static_cast<socklen_t>(to.size())) < 0) {
    error = d::system_error_code(errno);
  }
  d::end_use(*socket);
  co_return error;
}

}  // namespace

// --- packets -------------------------------------------------------------------------------------

task<result<packet>> packet_socket::receive_from(bytes into) {
  sockaddr_storage from{};
  iovec part{into.data(), into.size()};
  d::message_request r(d::io_side::read);
  r.header.msg_name = &from;
  r.header.msg_namelen = sizeof(from);
  r.header.msg_iov = &part;
  r.header.msg_iovlen = 1;
  const d::io_outcome got = co_await d::perform(d_, r);
  if (got.error) co_return got.error;
  packet p;
  p.size = static_cast<std::size_t>(got.value);
  p.from = as_four(address(reinterpret_cast<const sockaddr*>(&from), r.header.msg_namelen));
  p.is_truncated = (r.header.msg_flags & MSG_TRUNC) != 0;
  co_return p;
}

task<result<packet>> packet_socket::receive_from(context, bytes into) {
  co_return co_await receive_from(into);
}

task<result<void>> packet_socket::send_to(const_bytes from, address to) {
  if (to.empty()) co_return std::make_error_code(std::errc::destination_address_required);
  if (to.is_path()) co_return co_await send_at_once(d_, from, to);
  const address there = for_family(to, family_);
  iovec part{const_cast<std::byte*>(from.data()), from.size()};
  d::message_request r(d::io_side::write);
  r.header.msg_name = const_cast<sockaddr*>(there.data());
  r.header.msg_namelen = static_cast<socklen_t>(there.size());
  r.header.msg_iov = &part;
  r.header.msg_iovlen = 1;
  const d::io_outcome sent = co_await d::perform(d_, r, d::io_course::when_ready);
  co_return sent.error;
}

task<result<void>> packet_socket::send_to(context, const_bytes from, address to) {
  co_return co_await send_to(from, to);
}

task<result<void>> packet_socket::send(const_bytes from) {
  d::send_request r(from.data(), from.size());
  const d::io_outcome sent = co_await d::perform(d_, r, d::io_course::when_ready);
  co_return sent.error;
}

task<result<void>> packet_socket::send(context, const_bytes from) { co_return co_await send(from); }

// --- what it has in common with a stream ---------------------------------------------------------

result<void> packet_socket::close() noexcept { return stream(d_).close(); }

result<void> packet_socket::set_read_deadline(std::chrono::steady_clock::time_point at) {
  return stream(d_).set_read_deadline(at);
}

result<void> packet_socket::set_write_deadline(std::chrono::steady_clock::time_point at) {
  return stream(d_).set_write_deadline(at);
}

result<void> packet_socket::set_option(int level, int name, int value) noexcept {
  return stream(d_).set_option(level, name, value);
}

address packet_socket::local_address() const noexcept { return stream(d_).local_address(); }
address packet_socket::peer_address() const noexcept { return stream(d_).peer_address(); }
int packet_socket::native_handle() const noexcept { return stream(d_).native_handle(); }

// --- making them ---------------------------------------------------------------------------------

task<result<packet_socket>> listen_packet(std::string_view network, std::string_view where) {
  if (!is_network(network)) co_return std::make_error_code(std::errc::protocol_not_supported);
  const result<address> at = d::address_to_bind(network, where);
  if (!at) co_return at.error();
  result<d::descriptor_ref> socket = d::open_socket(at->family(), SOCK_DGRAM);
  if (!socket) co_return socket.error();
  const int fd = (*socket)->fd;
  const int six_only = network == "udp6" ? 1 : 0;
  if (at->family() == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &six_only, sizeof(six_only));
  }
  if (::bind(fd, at->data(), static_cast<socklen_t>(at->size())) != 0) {
    co_return d::system_error_code(errno);
  }
  co_return packet_socket(std::move(*socket), at->family());
}

task<result<packet_socket>> listen_packet(context ctx, std::string_view network,
                                          std::string_view where) {
  if (const std::error_code ended = ctx.err()) co_return ended;
  co_return co_await listen_packet(network, where);
}

namespace {

/// The addresses that `where` means, at least one.
task<result<std::vector<address>>> find(std::string_view network, std::string_view where) {
  std::vector<address> all;
  if (network == "unixgram") {
    const result<address> at = address::of_path(where);
    if (!at) co_return at.error();
    all.push_back(*at);
    co_return all;
  }
  if (const result<address> at = address::parse(where)) {
    all.push_back(*at);
  } else {
    const std::size_t colon = where.rfind(':');
    if (colon == where.npos) co_return std::make_error_code(std::errc::invalid_argument);
    const std::string_view host = colon == 0 ? "localhost" : where.substr(0, colon);
    result<std::vector<address>> found = co_await resolve(host, where.substr(colon + 1));
    if (!found) co_return found.error();
    all = std::move(*found);
  }
  std::erase_if(all, [network](const address& a) { return !d::is_of_network(a, network); });
  if (all.empty()) co_return d::system_error_code(EAFNOSUPPORT);
  co_return all;
}

}  // namespace

task<result<packet_socket>> dial_packet(std::string_view network, std::string_view where) {
  if (!is_network(network)) co_return std::make_error_code(std::errc::protocol_not_supported);
  const result<std::vector<address>> all = co_await find(network, where);
  if (!all) co_return all.error();
  std::error_code error;
  for (const address& to : *all) {
    result<d::descriptor_ref> socket = d::open_socket(to.family(), SOCK_DGRAM);
    if (!socket) co_return socket.error();
    // It only notes the peer, and so does not block.
    if (::connect((*socket)->fd, to.data(), static_cast<socklen_t>(to.size())) == 0) {
      co_return packet_socket(std::move(*socket), to.family());
    }
    error = d::system_error_code(errno);
  }
  co_return error;
}

task<result<packet_socket>> dial_packet(context, std::string_view network, std::string_view where) {
  co_return co_await dial_packet(network, where);
}

}  // namespace burrow::net
