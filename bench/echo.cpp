// SPDX-License-Identifier: MIT
//
// Sockets on loopback, server and clients in one process: 64 bytes there and back, over one
// connection, 64 and 1000; and 20 connections that send a request and get an answer.
#include "harness.hpp"

#include <burrow/net/listener.hpp>

#include <array>
#include <string_view>

using namespace burrow;

namespace bench {
namespace {

constexpr std::size_t message_size = 64;
using message = std::array<char, message_size>;

task<> echo(net::stream s) {
  message buffer;
  for (;;) {
    const auto read = co_await s.read_full(buffer);
    if (!read) co_return;
    const auto written = co_await s.write_all(buffer);
    if (!written) co_return;
  }
}

task<> answer(net::stream s) {
  constexpr std::string_view response =
      "HTTP/1.1 200 OK\nContent-Length: 12\nContent-Type: text/plain; charset=utf-8\n\nHello "
      "World!";
  std::array<char, 4096> buffer;
  for (;;) {
    const auto read = co_await s.read(buffer);
    if (!read || *read == 0) co_return;
    const auto written = co_await s.write_all(response);
    if (!written) co_return;
  }
}

task<> serve(net::listener l, task<> (*handle)(net::stream)) {
  for (;;) {
    auto s = co_await l.accept();
    if (!s) co_return;
    go(handle, *std::move(s));
  }
}

task<net::listener> start_server(task<> (*handle)(net::stream)) {
  auto l = co_await net::listen("tcp", "127.0.0.1:0");
  check(l.has_value(), "listen");
  go(serve, *l, handle);
  co_return *std::move(l);
}

task<net::stream> connect(const net::listener& l) {
  auto s = co_await net::dial(l.local_address());
  check(s.has_value(), "dial");
  co_return *std::move(s);
}

task<> round_trip(net::stream& s, message& buffer) {
  const auto written = co_await s.write_all(buffer);
  check(written.has_value(), "write");
  const auto read = co_await s.read_full(buffer);
  check(read.has_value(), "read");
}

task<> round_trips(net::stream s, int n, wait_group& wg) {
  message buffer{};
  for (int i = 0; i < n; ++i) co_await round_trip(s, buffer);
  wg.done();
}

task<> echo_once(const net::listener& l) {
  constexpr int n = 30'000;
  std::vector<std::vector<double>> repetitions;
  for (int rep = 0; rep < config().reps; ++rep) {
    net::stream s = co_await connect(l);
    message buffer{};
    std::vector<double>& samples = repetitions.emplace_back();
    for (int i = 0; i < n; ++i) {
      stopwatch watch;
      co_await round_trip(s, buffer);
      samples.push_back(watch.us());
    }
  }
  report_samples("echo_1conn_64B_rtt", std::move(repetitions), "us");
}

task<double> mean_round_trip(const net::listener& l) {
  constexpr int n = 50'000;
  net::stream s = co_await connect(l);
  message buffer{};
  stopwatch watch;
  for (int i = 0; i < n; ++i) co_await round_trip(s, buffer);
  co_return watch.us() / n;
}

task<double> round_trips_a_second(const net::listener& l, int connections) {
  constexpr int total = 300'000;
  std::vector<net::stream> streams;
  for (int i = 0; i < connections; ++i) streams.push_back(co_await connect(l));
  wait_group wg;
  wg.add(connections);
  stopwatch watch;
  for (net::stream& s : streams) go(round_trips, s, total / connections, std::ref(wg));
  co_await wg.wait();
  co_return total / (watch.ms() / 1000);
}

task<> ask(net::address to, int n, wait_group& wg) {
  constexpr std::string_view request =
      "HEAD / HTTP/1.1\r\nHost: host:port\r\nConnection: close\r\n\r\n";
  auto s = co_await net::dial(to);
  check(s.has_value(), "dial");
  std::array<char, 4096> buffer;
  for (int i = 0; i < n; ++i) {
    const auto written = co_await s->write_all(request);
    check(written.has_value(), "write");
    const auto read = co_await s->read(buffer);
    check(read.has_value(), "read");
  }
  wg.done();
}

task<double> requests_a_second() {
  constexpr int connections = 20;
  constexpr int total = 100'000;
  net::listener l = co_await start_server(answer);
  wait_group wg;
  wg.add(connections);
  stopwatch watch;
  for (int i = 0; i < connections; ++i) {
    go(ask, l.local_address(), total / connections, std::ref(wg));
  }
  co_await wg.wait();
  co_return total / (watch.ms() / 1000);
}

}  // namespace

task<> echoes() {
  net::listener l = co_await start_server(echo);
  co_await echo_once(l);
  co_await repeat("echo_1conn_64B_mean", "us/roundtrip", [&] { return mean_round_trip(l); });
  for (int n : {64, 1000}) {
    co_await repeat(
        "echo_" + std::to_string(n) + "conn_64B", "req/s",
        [&] { return round_trips_a_second(l, n); }, config().reps, better::higher);
  }
}

task<> sockets() {
  co_await repeat("io_socket_20conn", "req/s", requests_a_second, config().reps, better::higher);
}

}  // namespace bench
