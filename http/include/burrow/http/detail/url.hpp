// SPDX-License-Identifier: MIT
// URLs, as far as a client needs them.
#pragma once

#include <burrow/result.hpp>

#include <string>
#include <string_view>

namespace burrow::http::detail {

struct url {
  bool is_secure = false;
  std::string host;    // "example.org", "[::1]"
  std::string port;    // that of the scheme where the text says none
  std::string target;  // "/path?query"

  const char* scheme() const noexcept { return is_secure ? "https:" : "http:"; }
  const char* default_port() const noexcept { return is_secure ? "443" : "80"; }
  /// What dial() takes.
  std::string where() const { return host + ":" + port; }
  /// What names the connections that can be shared.
  std::string origin() const { return scheme() + where(); }
  /// What the Host field says.
  std::string authority() const { return port == default_port() ? host : where(); }
  std::string text() const { return std::string(scheme()) + "//" + authority() + target; }

  /// Of an absolute URL; the fragment is dropped. errc::unsupported_scheme, errc::bad_url: also one
  /// that names a user.
  static result<url> parse(std::string_view text);
  /// What `reference`, absolute or not, means where this is the base; RFC 3986, 5.2.
  result<url> resolve(std::string_view reference) const;
};

}  // namespace burrow::http::detail
