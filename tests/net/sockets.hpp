// SPDX-License-Identifier: MIT
// What the tests of sockets share: connections to this machine.
#pragma once

#include "open_descriptors.hpp"
#include "run_test.hpp"

#include <burrow/net/listener.hpp>
#include <burrow/net/stream.hpp>
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

/// Two ends of one connection.
struct connection {
  burrow::net::stream client;
  burrow::net::stream server;
};

/// The same tests may run in another process at this moment.
inline std::string own_abstract_path() { return "@burrow-test-" + std::to_string(::getpid()); }

/// Through a listener: "tcp" on a loopback address, or "unix" on an abstract path.
inline burrow::task<connection> connect_here(std::string_view network = "tcp",
                                             std::string where = "127.0.0.1:0") {
  burrow::net::listener l = (co_await burrow::net::listen(network, where)).value();
  connection c;
  c.client = (co_await burrow::net::dial(l.local_address())).value();
  c.server = (co_await l.accept()).value();
  co_return c;
}

/// The kernel's own pair of Unix sockets, without a listener.
inline connection socket_pair() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {burrow::net::stream::adopt(ends[0]), burrow::net::stream::adopt(ends[1])};
}

inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

/// Lets others run until the kernel has taken the number back: requests are cancelled by their
/// worker, and the last user closes it.
inline burrow::task<> until_closed(int fd) {
  while (is_open(fd)) co_await burrow::this_goroutine::yield();
}

/// Lets others run until no more than `count` descriptors are open.
inline burrow::task<> until_descriptors(int count) {
  while (open_descriptors() > count) co_await burrow::this_goroutine::yield();
}

/// A whole number of repetitions of 0 to 250, so that a byte that is lost or doubled shows.
inline std::string some_bytes(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i % 251);
  return text;
}
