// SPDX-License-Identifier: MIT
// What the connections of a client, or of a server, have in common: certificates, roots, names.
#pragma once

#include <burrow/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace burrow::tls {

/// Text in PEM form, or the file that it is in.
class pem {
 public:
  /// None.
  pem() noexcept = default;
  static pem file(std::string path) { return {std::move(path), true}; }
  static pem text(std::string text) { return {std::move(text), false}; }

  bool empty() const noexcept { return value_.empty(); }
  /// Reads the file, if it is one; the system's error.
  result<std::string> load() const;

 private:
  pem(std::string value, bool is_file) : value_(std::move(value)), is_file_(is_file) {}
  std::string value_;
  bool is_file_ = false;
};

enum class version : std::uint8_t { tls_1_2, tls_1_3 };

/// What a client demands of the server's certificate.
enum class verification : std::uint8_t {
  full,                   ///< a chain to one of the roots, in its time, and the name of the host
  insecure_without_name,  ///< the chain alone: whoever has any certificate of these roots will do
  insecure_none,          ///< nothing: whoever is in between can be the server. For tests
};

/// Go: tls.Config.
struct options {
  /// Of this side: its own certificate first, then those between it and the root. A server must
  /// have one, a client may.
  pem certificate;
  /// Of its key, unencrypted. Empty: it is in `certificate`, too.
  pem key;
  /// Whom to trust. Empty: the system's. Go: RootCAs, ClientCAs.
  pem roots;
  /// Of a client: the host that the server must prove to be, and is asked for (SNI). Empty: the one
  /// that is dialled. Go: ServerName.
  std::string server_name;
  verification verify = verification::full;
  /// Of a server: each client must have a certificate that the roots vouch for.
  bool requires_client_certificate = false;
  /// Protocols inside TLS, the preferred one first; the server's order counts. Where both sides
  /// name some and share none there is no connection. Go: NextProtos.
  std::vector<std::string> alpn;
  version minimum_version = version::tls_1_2;
};

namespace detail {
struct config_state;
struct config_access;
}  // namespace detail

/// Options that have been read and found sound: a handle, copied like a pointer, to be shared by
/// all connections; any thread. Default-constructed it is a client's with all the defaults, which
/// is made, once in the process, when it is first used.
class config {
 public:
  config() noexcept = default;

  /// Reads the files, here and now: it blocks, but not for long; and the system's roots take some
  /// milliseconds, so make one and keep it. Errors: the system's for a file; those of
  /// error_category() for what is in it, or a key that is not the certificate's;
  /// std::errc::invalid_argument: a name of `alpn` that has not 1 to 255 bytes.
  static result<config> make(const options& from);

 private:
  friend struct detail::config_access;
  explicit config(std::shared_ptr<const detail::config_state> state) noexcept
      : state_(std::move(state)) {}
  std::shared_ptr<const detail::config_state> state_;
};

}  // namespace burrow::tls
