// SPDX-License-Identifier: MIT
// Waiting for connections with TLS on them.
#pragma once

#include <burrow/net/listener.hpp>
#include <burrow/tls/config.hpp>
#include <burrow/tls/stream.hpp>

#include <string_view>
#include <utility>

namespace burrow::tls {

/// Accepts connections and puts TLS on them: a handle, copied like a pointer. Where accepting is to
/// be a case of select, accept from a net::listener and give that to tls::accept(). Go:
/// tls.NewListener.
class listener {
 public:
  listener() noexcept = default;
  listener(net::listener below, config c) noexcept
      : below_(std::move(below)), config_(std::move(c)) {}

  explicit operator bool() const noexcept { return static_cast<bool>(below_); }

  /// The next connection, before the handshake: so that a slow client holds up nobody else, it
  /// belongs into the goroutine that serves it. Errors as net::listener's, and as tls::accept().
  task<result<stream>> accept();
  task<result<stream>> accept(context ctx);

  result<void> close() noexcept { return below_.close(); }
  net::address local_address() const noexcept { return below_.local_address(); }

 private:
  net::listener below_;
  config config_;
};

/// Listens, as net::listen(), with a config that has a certificate. Go: tls.Listen.
task<result<listener>> listen(std::string_view network, std::string_view where, config c);

}  // namespace burrow::tls
