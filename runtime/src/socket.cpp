// SPDX-License-Identifier: MIT
#include <burrow/detail/socket.hpp>

#include <algorithm>
#include <cerrno>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <unistd.h>

namespace burrow::detail {

namespace {

int result_of(ssize_t n) noexcept { return n < 0 ? -errno : static_cast<int>(n); }

/// What the kernel takes in one call; the size in a submission has 32 bits.
constexpr std::size_t most_bytes = 0x7ffff000;

template <class R>
R& as(io_request& r) noexcept {
  return static_cast<R&>(r);
}

constexpr io_type receive_type = {
    io_side::read,
    [](io_request& r, io_uring_sqe& sqe) noexcept {
      const auto& a = as<receive_request>(r);
      ::io_uring_prep_recv(&sqe, r.on->fd, a.data, a.size, 0);
    },
    [](io_request& r) noexcept {
      const auto& a = as<receive_request>(r);
      return result_of(::recv(r.on->fd, a.data, a.size, MSG_DONTWAIT));
    }};

constexpr io_type provided_receive_type = {.side = io_side::read,
                                           .prepare =
                                               [](io_request& r, io_uring_sqe& sqe) noexcept {
                                                 ::io_uring_prep_recv(&sqe, r.on->fd, nullptr, 0,
                                                                      0);
                                                 sqe.flags |= IOSQE_BUFFER_SELECT;
                                                 sqe.buf_group = provided_buffer_group;
                                               },
                                           // Who makes the call itself has a buffer of its own.
                                           .attempt = [](io_request&) noexcept { return -ENOBUFS; },
                                           .takes_buffer = true};

constexpr io_type send_type = {
    io_side::write,
    [](io_request& r, io_uring_sqe& sqe) noexcept {
      const auto& a = as<send_request>(r);
      ::io_uring_prep_send(&sqe, r.on->fd, a.data, a.size, MSG_NOSIGNAL);
    },
    [](io_request& r) noexcept {
      const auto& a = as<send_request>(r);
      return result_of(::send(r.on->fd, a.data, a.size, MSG_DONTWAIT | MSG_NOSIGNAL));
    }};

constexpr io_type receive_message_type = {
    io_side::read,
    [](io_request& r, io_uring_sqe& sqe) noexcept {
      ::io_uring_prep_recvmsg(&sqe, r.on->fd, &as<message_request>(r).header, 0);
    },
    [](io_request& r) noexcept {
      return result_of(::recvmsg(r.on->fd, &as<message_request>(r).header, MSG_DONTWAIT));
    }};

constexpr io_type send_message_type = {
    io_side::write,
    [](io_request& r, io_uring_sqe& sqe) noexcept {
      ::io_uring_prep_sendmsg(&sqe, r.on->fd, &as<message_request>(r).header, MSG_NOSIGNAL);
    },
    [](io_request& r) noexcept {
      return result_of(
          ::sendmsg(r.on->fd, &as<message_request>(r).header, MSG_DONTWAIT | MSG_NOSIGNAL));
    }};

constexpr io_type accept_type = {
    io_side::read, nullptr, [](io_request& r) noexcept {
      return result_of(::accept4(r.on->fd, nullptr, nullptr, socket_flags()));
    }};

constexpr io_type connect_type = {
    io_side::write,
    [](io_request& r, io_uring_sqe& sqe) noexcept {
      const net::address& to = as<connect_request>(r).to;
      ::io_uring_prep_connect(&sqe, r.on->fd, to.data(), static_cast<socklen_t>(to.size()));
    },
    // Called again until it does not block: connect(2) itself tells how it went.
    [](io_request& r) noexcept {
      const net::address& to = as<connect_request>(r).to;
      if (::connect(r.on->fd, to.data(), static_cast<socklen_t>(to.size())) == 0) return 0;
      if (errno == EISCONN) return 0;
      if (errno == EAGAIN) return -listener_is_full;
      return errno == EINPROGRESS || errno == EALREADY || errno == EINTR ? -EAGAIN : -errno;
    }};

}  // namespace

receive_request::receive_request(void* to, std::size_t n) noexcept
    : io_request(receive_type), data(to), size(std::min(n, most_bytes)) {}
provided_receive_request::provided_receive_request() noexcept : io_request(provided_receive_type) {}
send_request::send_request(const void* from, std::size_t n) noexcept
    : io_request(send_type), data(from), size(std::min(n, most_bytes)) {}
message_request::message_request(io_side side) noexcept
    : io_request(side == io_side::read ? receive_message_type : send_message_type) {}
accept_request::accept_request() noexcept : io_request(accept_type) {}
connect_request::connect_request(const net::address& a) noexcept
    : io_request(connect_type), to(a) {}

int socket_flags() noexcept {
  const worker* w = current_worker();
  const bool may_block = w != nullptr && const_cast<worker*>(w)->io().takes_requests();
  return SOCK_CLOEXEC | (may_block ? 0 : SOCK_NONBLOCK);
}

void set_up_connection(int fd) noexcept {
  constexpr int probe_interval_s = 15;
  constexpr int probes = 9;
  const auto set = [fd](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof(value));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, probe_interval_s);
  set(IPPROTO_TCP, TCP_KEEPINTVL, probe_interval_s);
  set(IPPROTO_TCP, TCP_KEEPCNT, probes);
}

bool is_of_network(const net::address& a, std::string_view network) noexcept {
  if (network.ends_with('4')) return a.family() == AF_INET;
  if (network.ends_with('6')) return a.family() == AF_INET6;
  return true;
}

result<net::address> address_to_bind(std::string_view network, std::string_view where) {
  if (network.starts_with("unix")) return net::address::of_path(where);
  const bool is_four = network.ends_with('4');
  if (where.starts_with(':')) {
    // All addresses: one socket for both families, where the machine has IPv6.
    const bool has_six = !is_four && ::access("/proc/net/if_inet6", R_OK) == 0;
    return net::address::parse((has_six ? "[::]" : "0.0.0.0") + std::string(where));
  }
  constexpr std::string_view localhost = "localhost:";
  if (where.starts_with(localhost)) {
    const std::string host = network.ends_with('6') ? "[::1]:" : "127.0.0.1:";
    return net::address::parse(host + std::string(where.substr(localhost.size())));
  }
  result<net::address> at = net::address::parse(where);
  if (at && !is_of_network(*at, network)) return system_error_code(EAFNOSUPPORT);
  return at;
}

result<descriptor_ref> open_socket(int family, int type) {
  const int fd = ::socket(family, type | socket_flags(), 0);
  if (fd < 0) return system_error_code(errno);
  return own_descriptor(fd);
}

}  // namespace burrow::detail
