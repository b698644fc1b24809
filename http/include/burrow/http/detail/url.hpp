// SPDX-License-Identifier: MIT
// URLs, as far as a client needs them.
#pragma once

#include <burrow/result.hpp>

#include <string>
#include <string_view>

namespace burrow::http::detail {

struct url {
  std::string host;    // "example.org", "[::1]"
  std::string port;    // "80" where the text says none
  std::string target;  // "/path?query"

  /// What dial() takes, and what names the connections that can be shared.
  std::string where() const { return host + ":" + port; }
  /// What the Host field says.
  std::string authority() const { return port == "80" ? host : where(); }
  std::string text() const { return "http://" + authority() + target; }

  /// Of an absolute URL; the fragment is dropped. errc::unsupported_scheme, errc::bad_url: also one
  /// that names a user.
  static result<url> parse(std::string_view text);
  /// What `reference`, absolute or not, means where this is the base; RFC 3986, 5.2.
  result<url> resolve(std::string_view reference) const;
};

}  // namespace burrow::http::detail
