// SPDX-License-Identifier: MIT
// What may stand between HTTP and its connections. TLS does; HTTP knows nothing of it, and TLS
// nothing of HTTP: whatever looks like a config of burrow::tls will do.
#pragma once

#include <burrow/http/detail/byte_stream.hpp>
#include <burrow/net/stream.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace burrow::http {

class transport;

namespace detail {

/// A stream of burrow::tls, or what has the same functions.
template <class Stream>
class secured_stream final : public byte_stream {
 public:
  explicit secured_stream(Stream s) noexcept : stream_(std::move(s)) {}
  task<result<std::size_t>> read(bytes into) override { return stream_.read(into); }
  task<result<void>> write_all(std::span<const const_bytes> from) override {
    return stream_.write_all(from);
  }
  task<result<void>> end_writing() override { return stream_.end_writing(); }
  void close() noexcept override { static_cast<void>(stream_.close()); }
  bool is_quiet() const noexcept override { return stream_.is_quiet(); }

 private:
  Stream stream_;
};

using byte_stream_ptr = std::shared_ptr<byte_stream>;

template <class Stream>
task<result<byte_stream_ptr>> shake_hands(result<Stream> s) {
  if (!s) co_return s.error();
  const result<void> shaken = co_await s->handshake();
  if (!shaken) co_return shaken.error();
  co_return byte_stream_ptr(std::make_shared<secured_stream<Stream>>(std::move(*s)));
}

// The functions of its own namespace; outside of the class, whose own would hide them.
template <class Config>
auto accept_with(const Config& c, net::stream s) {
  return accept(std::move(s), c);
}
template <class Config>
auto connect_with(const Config& c, net::stream s, std::string_view host) {
  return connect(std::move(s), c, host);
}

template <class Config>
concept secures_connections =
    !std::same_as<Config, transport> && requires(const Config& c, net::stream s) {
      shake_hands(accept_with(c, s));
      shake_hands(connect_with(c, s, std::string_view()));
    };

}  // namespace detail

/// How connections are made secure: made from a tls::config, for server_options and client_options.
/// Default-constructed: they are not. A handle, copied like a pointer; any thread.
class transport {
 public:
  transport() noexcept = default;
  /// Throws std::bad_alloc.
  template <detail::secures_connections Config>
  transport(Config c)  // NOLINT(*-explicit-*): options.transport = config;
      : with_(std::make_shared<const made_with<Config>>(std::move(c))) {}

  explicit operator bool() const noexcept { return with_ != nullptr; }

  /// The server's side, and the client's, of a connection, behind the handshake.
  task<result<detail::byte_stream_ptr>> accept(net::stream s) const {
    return with_->accept(std::move(s));
  }
  task<result<detail::byte_stream_ptr>> connect(net::stream s, std::string_view host) const {
    return with_->connect(std::move(s), host);
  }

 private:
  struct method {
    virtual ~method() = default;
    virtual task<result<detail::byte_stream_ptr>> accept(net::stream s) const = 0;
    virtual task<result<detail::byte_stream_ptr>> connect(net::stream s,
                                                          std::string_view host) const = 0;
  };
  template <class Config>
  struct made_with final : method {
    Config config;
    explicit made_with(Config c) : config(std::move(c)) {}
    task<result<detail::byte_stream_ptr>> accept(net::stream s) const override {
      return detail::shake_hands(detail::accept_with(config, std::move(s)));
    }
    task<result<detail::byte_stream_ptr>> connect(net::stream s,
                                                  std::string_view host) const override {
      return detail::shake_hands(detail::connect_with(config, std::move(s), host));
    }
  };

  std::shared_ptr<const method> with_;
};

}  // namespace burrow::http
