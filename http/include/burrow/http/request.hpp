// SPDX-License-Identifier: MIT
// What a handler is asked.
#pragma once

#include <burrow/http/body.hpp>
#include <burrow/http/headers.hpp>
#include <burrow/net/address.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace burrow::http {

/// A request that has come to a server. It lives until its handler returns. Not thread-safe. Go:
/// *http.Request.
class request {
 public:
  /// As it was sent: "GET".
  std::string method;
  /// As it was sent: "/a%20b?c=d".
  std::string target;
  http::headers headers;
  http::body body;
  net::address remote_address;
  /// 0 or 1: HTTP/1.0 or HTTP/1.1.
  int minor_version = 1;

  /// The target without the query, percent-decoded; a '/' that was encoded is told from others only
  /// by a router. Empty: it cannot be decoded, or the target is "*". Go: URL.Path.
  std::string path() const;
  /// The target's part behind the '?', as it was sent. Go: URL.RawQuery.
  std::string_view query() const noexcept;
  /// The first value of that name in the query, decoded. Go: URL.Query().Get.
  std::optional<std::string> query_value(std::string_view name) const;

  /// What the router's pattern calls `{name}`, decoded; empty: there is none. Go: PathValue.
  std::string_view parameter(std::string_view name) const noexcept;
  void set_parameter(std::string_view name, std::string value);

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

namespace detail {

/// The part of a target that is the path, as it was sent: "/a/b" of "/a/b?c" and "http://x/a/b?c".
std::string_view raw_path(std::string_view target) noexcept;

}  // namespace detail

}  // namespace burrow::http
