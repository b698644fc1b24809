// SPDX-License-Identifier: MIT
//
// How fast connections are made and ended: so many clients connect, one after the other; the server
// accepts each and closes it at once, and the client reads to the end and closes its side.
#include "harness.hpp"

#include <burrow/net/listener.hpp>

#include <array>

using namespace burrow;

namespace bench {
namespace {

// The server's side ends first and stays a while in TIME_WAIT: few enough for the ports that a
// client may choose from. Each repetition has a listener, and so a port, of its own.
constexpr int connections = 10'000;
constexpr int clients = 8;

task<> accept_and_close(net::listener l) {
  for (int i = 0; i < connections; ++i) {
    auto s = co_await l.accept();
    check(s.has_value(), "accept");
    check(s->close().has_value(), "close");
  }
}

task<> connect_in_turn(net::address to) {
  std::array<char, 1> buffer;
  for (int i = 0; i < connections / clients; ++i) {
    auto s = co_await net::dial(to);
    check(s.has_value(), "dial");
    const auto read = co_await s->read(buffer);
    check(read.has_value() && *read == 0, "the server has closed");
  }
}

task<double> connections_a_second() {
  auto l = co_await net::listen("tcp", "127.0.0.1:0");
  check(l.has_value(), "listen");
  stopwatch watch;
  co_await scope([&](group& g) -> task<> {
    g.go(accept_and_close, *l);
    for (int i = 0; i < clients; ++i) g.go(connect_in_turn, l->local_address());
    co_return;
  });
  co_return connections / (watch.ms() / 1000);
}

}  // namespace

task<> accepts() {
  co_await repeat("accept_close", "conn/s", connections_a_second, config().reps, better::higher);
}

}  // namespace bench
