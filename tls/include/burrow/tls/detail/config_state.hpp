// SPDX-License-Identifier: MIT
// What a config refers to. Not changed once it is made.
#pragma once

#include <burrow/tls/config.hpp>
#include <burrow/tls/detail/openssl.hpp>

#include <memory>
#include <string>

namespace burrow::tls::detail {

struct config_state {
  owned<ssl_ctx_st> openssl;
  std::string server_name;
  std::string protocols;  // of ALPN, each behind a byte with its length
  verification verify = verification::full;
  bool has_certificate = false;
  bool requires_client_certificate = false;
};

struct config_access {
  /// Of the default where `c` is default-constructed.
  static result<std::shared_ptr<const config_state>> state_of(const config& c);
};

}  // namespace burrow::tls::detail
