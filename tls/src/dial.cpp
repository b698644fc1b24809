// SPDX-License-Identifier: MIT
#include <burrow/tls/listener.hpp>
#include <burrow/tls/stream.hpp>

#include <utility>

namespace burrow::tls {

namespace {

/// The host of "host:port", "[::1]:443".
std::string_view host_of(std::string_view where) noexcept {
  std::string_view host = where.substr(0, where.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host.empty() ? "localhost" : host;
}

}  // namespace

task<result<stream>> dial(std::string_view network, std::string_view where, config c) {
  result<net::stream> below = co_await net::dial(network, where);
  if (!below) co_return below.error();
  const std::string_view host = network == "unix" ? std::string_view() : host_of(where);
  result<stream> s = connect(std::move(*below), c, host);
  if (!s) co_return s;
  const result<void> shaken = co_await s->handshake();
  if (!shaken) co_return shaken.error();
  co_return s;
}

task<result<stream>> dial(context, std::string_view network, std::string_view where, config c) {
  co_return co_await dial(network, where, std::move(c));
}

task<result<stream>> dial(std::string_view network, std::string_view where, options o) {
  const result<config> c = config::make(o);
  if (!c) co_return c.error();
  co_return co_await dial(network, where, *c);
}

task<result<stream>> dial(context, std::string_view network, std::string_view where, options o) {
  co_return co_await dial(network, where, std::move(o));
}

task<result<stream>> listener::accept() {
  const config c = config_;
  result<net::stream> below = co_await below_.accept();
  if (!below) co_return below.error();
  co_return tls::accept(std::move(*below), c);
}

task<result<stream>> listener::accept(context) { co_return co_await accept(); }

task<result<listener>> listen(std::string_view network, std::string_view where, config c) {
  result<net::listener> below = co_await net::listen(network, where);
  if (!below) co_return below.error();
  co_return listener(std::move(*below), std::move(c));
}

}  // namespace burrow::tls
