// SPDX-License-Identifier: MIT
#include <burrow/http/errc.hpp>

#include <cstddef>
#include <new>
#include <string>

namespace burrow::http {

namespace {

const char* message_of(errc e) noexcept {
  switch (e) {
    case errc::malformed: return "malformed message";
    case errc::header_too_large: return "header too large";
    case errc::body_too_large: return "body too large";
    case errc::incomplete: return "the connection ended within a message";
    case errc::timeout: return "a time limit has passed";
    case errc::unsupported_version: return "unsupported version of HTTP";
    case errc::unsupported_encoding: return "unsupported transfer encoding";
    case errc::body_not_allowed: return "this response has no body";
    case errc::length_mismatch: return "more than the announced length of the body";
    case errc::too_late: return "the header has been sent already";
    case errc::bad_url: return "malformed URL";
    case errc::unsupported_scheme: return "unsupported scheme of a URL";
    case errc::too_many_redirects: return "too many redirects";
    case errc::server_closed: return "server closed";
    case errc::client_disconnected: return "client disconnected";
  }
  return "unknown error";
}

class http_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "http"; }
  std::string message(int value) const override {
    return std::string("http: ") + message_of(static_cast<errc>(value));
  }
};

}  // namespace

const std::error_category& errc_category() noexcept {
  // Never destroyed: an error may outlive main().
  alignas(http_category) static std::byte storage[sizeof(http_category)];
  static const auto* category = new (storage) http_category;
  return *category;
}

}  // namespace burrow::http
