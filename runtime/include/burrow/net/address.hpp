// SPDX-License-Identifier: MIT
// Where a socket is: an IP address and a port, or the path of a Unix socket.
#pragma once

#include <burrow/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

struct sockaddr;

namespace burrow::net {

/// The address of a socket. Small, copied like a value. Go: net.Addr.
class address {
 public:
  address() noexcept = default;
  /// Of the system's form. An address that does not fit is empty.
  address(const sockaddr* from, std::size_t size) noexcept;

  /// Reads "127.0.0.1:80", "[::1]:80" or "[fe80::1%eth0]:80"; names are not looked up, see
  /// resolve(). The error is std::errc::invalid_argument, of a zone that is no interface
  /// std::errc::no_such_device. Go: netip.ParseAddrPort.
  static result<address> parse(std::string_view text);
  /// A Unix socket's; one that begins with '@' is in the abstract namespace. Too long:
  /// std::errc::filename_too_long.
  static result<address> of_path(std::string_view path);

  bool empty() const noexcept { return size_ == 0; }
  bool is_ip() const noexcept;
  bool is_path() const noexcept;
  /// Of an IP address; else 0.
  std::uint16_t port() const noexcept;
  /// The same address with another port.
  address with_port(std::uint16_t port) const noexcept;
  /// The IP address without the port: "127.0.0.1", "::1", "fe80::1%eth0"; or the path.
  std::string host() const;
  /// AF_INET, AF_INET6, AF_UNIX; 0: empty.
  int family() const noexcept;

  const sockaddr* data() const noexcept;
  std::size_t size() const noexcept { return size_; }

  friend bool operator==(const address& a, const address& b) noexcept;

 private:
  alignas(8) std::array<std::byte, 110> storage_{};  // as large as the largest, sockaddr_un
  std::uint16_t size_ = 0;
};

/// "127.0.0.1:80", "[::1]:80", "/run/socket", "@name".
std::string to_string(const address& a);

}  // namespace burrow::net
