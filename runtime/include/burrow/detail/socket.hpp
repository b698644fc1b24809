// SPDX-License-Identifier: MIT
// The calls on sockets that goroutines wait for.
#pragma once

#include <burrow/detail/io_core.hpp>
#include <burrow/net/address.hpp>

#include <cerrno>
#include <string_view>
#include <sys/socket.h>
#include <sys/uio.h>

namespace burrow::detail {

struct receive_request : io_request {
  void* data;
  std::size_t size;
  receive_request(void* to, std::size_t n) noexcept;
};

/// As recv(2) into one of the driver's buffers, which is given back in the end.
struct provided_receive_request : io_request {
  provided_receive_request() noexcept;
  ~provided_receive_request() {
    if (provided != no_buffer) in->give_back_buffer(*this);
  }
};

struct send_request : io_request {
  const void* data;
  std::size_t size;
  send_request(const void* from, std::size_t n) noexcept;
};

/// recvmsg(2) and sendmsg(2): several buffers, or an address.
struct message_request : io_request {
  msghdr header{};
  explicit message_request(io_side side) noexcept;
};

/// Made when the listener is ready.
struct accept_request : io_request {
  accept_request() noexcept;
};

/// The queue of a Unix listener is full, and no event will tell when it is not. (To connect(2) it
/// is EAGAIN, which elsewhere means that an event comes.) With io_uring the kernel waits for that.
inline constexpr int listener_is_full = EBUSY;

struct connect_request : io_request {
  net::address to;
  explicit connect_request(const net::address& a) noexcept;
};

/// A new socket, on which calls do not block where the running goroutine's driver makes none.
result<descriptor_ref> open_socket(int family, int type);
/// The options that Go sets on TCP connections: small packets are sent at once, and a peer that is
/// gone without a word is noticed.
void set_up_connection(int fd) noexcept;
/// Whether "tcp4", "udp6" and the like allow the address, by their last letter.
bool is_of_network(const net::address& a, std::string_view network) noexcept;
/// The address to bind, of "host:port", ":port" or, where the network begins with "unix", a path.
result<net::address> address_to_bind(std::string_view network, std::string_view where);
/// Flags for descriptors that the kernel makes here: as open_socket().
int socket_flags() noexcept;

}  // namespace burrow::detail
