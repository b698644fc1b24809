// SPDX-License-Identifier: MIT
#include <burrow/net/address.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace burrow::net {

namespace {

/// What the system has kept in `from`, as a T.
template <class T>
T read_as(const sockaddr* from) noexcept {
  T value{};
  std::memcpy(&value, from, sizeof(value));
  return value;
}

constexpr std::size_t path_at = offsetof(sockaddr_un, sun_path);

result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || stop != text.data() + text.size()) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  return port;
}

/// The number of a zone, which is given by an interface's name, or its number. 0: there is none.
std::uint32_t zone_number(const std::string& zone) {
  const std::uint32_t of_name = ::if_nametoindex(zone.c_str());
  if (of_name != 0) return of_name;
  std::uint32_t number = 0;
  const char* const end = zone.data() + zone.size();
  const auto [stop, error] = std::from_chars(zone.data(), end, number);
  return error == std::errc() && stop == end ? number : 0;
}

/// "%eth0" behind an address that is one of that interface alone; else nothing.
std::string zone_text(const sockaddr_in6& six) {
  if (six.sin6_scope_id == 0) return {};
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(six.sin6_scope_id, name.data()) != nullptr) {
    return std::string("%") + name.data();
  }
  return "%" + std::to_string(six.sin6_scope_id);
}

}  // namespace

address::address(const sockaddr* from, std::size_t size) noexcept {
  if (size > storage_.size() || size < sizeof(sa_family_t)) return;
  std::memcpy(storage_.data(), from, size);
  size_ = static_cast<std::uint16_t>(size);
}

result<address> address::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::make_error_code(std::errc::invalid_argument);
  const result<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) return port.error();
  std::string host(text.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(*port);
    if (const std::size_t percent = host.find('%'); percent != std::string::npos) {
      six.sin6_scope_id = zone_number(host.substr(percent + 1));
      if (six.sin6_scope_id == 0) return std::make_error_code(std::errc::no_such_device);
      host.erase(percent);
    }
    if (::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
      return address(reinterpret_cast<const sockaddr*>(&six), sizeof(six));
    }
  } else {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(*port);
    if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
      return address(reinterpret_cast<const sockaddr*>(&four), sizeof(four));
    }
  }
  return std::make_error_code(std::errc::invalid_argument);
}

result<address> address::of_path(std::string_view path) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const bool is_abstract = path.starts_with('@');
  const bool is_cut_off = !is_abstract && path.find('\0') != path.npos;
  if (path.empty() || is_cut_off) return std::make_error_code(std::errc::invalid_argument);
  if (path.size() >= sizeof(un.sun_path)) {
    return std::make_error_code(std::errc::filename_too_long);
  }
  std::copy(path.begin(), path.end(), un.sun_path);
  if (is_abstract) un.sun_path[0] = '\0';
  const std::size_t size = path_at + path.size() + (is_abstract ? 0 : 1);
  return address(reinterpret_cast<const sockaddr*>(&un), size);
}

const sockaddr* address::data() const noexcept {
  return reinterpret_cast<const sockaddr*>(storage_.data());
}

int address::family() const noexcept { return empty() ? 0 : read_as<sa_family_t>(data()); }

bool address::is_ip() const noexcept { return family() == AF_INET || family() == AF_INET6; }
bool address::is_path() const noexcept { return family() == AF_UNIX; }

std::uint16_t address::port() const noexcept {
  if (family() == AF_INET) return ntohs(read_as<sockaddr_in>(data()).sin_port);
  if (family() == AF_INET6) return ntohs(read_as<sockaddr_in6>(data()).sin6_port);
  return 0;
}

address address::with_port(std::uint16_t port) const noexcept {
  if (family() == AF_INET) {
    auto four = read_as<sockaddr_in>(data());
    four.sin_port = htons(port);
    return {reinterpret_cast<const sockaddr*>(&four), sizeof(four)};
  }
  if (family() == AF_INET6) {
    auto six = read_as<sockaddr_in6>(data());
    six.sin6_port = htons(port);
    return {reinterpret_cast<const sockaddr*>(&six), sizeof(six)};
  }
  return *this;
}

std::string address::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) {
    const auto four = read_as<sockaddr_in>(data());
    ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    return text.data();
  }
  if (family() == AF_INET6) {
    const auto six = read_as<sockaddr_in6>(data());
    ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    return text.data() + zone_text(six);
  }
  if (!is_path() || size_ <= path_at) return {};
  const char* const path = reinterpret_cast<const char*>(storage_.data()) + path_at;
  if (*path == '\0') return "@" + std::string(path + 1, size_ - path_at - 1);
  return {path, ::strnlen(path, size_ - path_at)};
}

bool operator==(const address& a, const address& b) noexcept {
  return a.size_ == b.size_ &&
         std::equal(a.storage_.begin(), a.storage_.begin() + a.size_, b.storage_.begin());
}

std::string to_string(const address& a) {
  if (a.family() == AF_INET) return a.host() + ":" + std::to_string(a.port());
  if (a.family() == AF_INET6) return "[" + a.host() + "]:" + std::to_string(a.port());
  return a.host();
}

}  // namespace burrow::net
