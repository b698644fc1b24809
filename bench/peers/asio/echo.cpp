// SPDX-License-Identifier: MIT
//
// asio's sockets: 64 bytes there and back, server and clients in one process, as in bench/echo.cpp.
#include <array>

#include "coroutine.hpp"

namespace bench {
namespace {

using asio::ip::tcp;
using socket = asio::basic_stream_socket<tcp, executor>;
using acceptor = asio::basic_socket_acceptor<tcp, executor>;
using message = std::array<char, 64>;

coroutine<> echo(socket s) {
  message buffer;
  for (;;) {
    auto [unread, n] = co_await asio::async_read(s, asio::buffer(buffer), done);
    if (unread) co_return;
    auto [unwritten, m] = co_await asio::async_write(s, asio::buffer(buffer), done);
    if (unwritten) co_return;
  }
}

coroutine<> serve(executor ex, std::shared_ptr<acceptor> l) {
  for (;;) {
    auto [error, s] = co_await l->async_accept(done);
    if (error) co_return;
    s.set_option(tcp::no_delay(true));
    go(ex, [s = std::make_shared<socket>(std::move(s))] { return echo(std::move(*s)); });
  }
}

coroutine<std::shared_ptr<socket>> connect(executor ex, tcp::endpoint to) {
  auto s = std::make_shared<socket>(ex);
  auto [error] = co_await s->async_connect(to, done);
  check(!error, "connect");
  s->set_option(tcp::no_delay(true));
  co_return s;
}

coroutine<> round_trip(socket& s, message& buffer) {
  auto [unwritten, m] = co_await asio::async_write(s, asio::buffer(buffer), done);
  check(!unwritten, "write");
  auto [unread, n] = co_await asio::async_read(s, asio::buffer(buffer), done);
  check(!unread, "read");
}

coroutine<> echo_once(executor ex, tcp::endpoint to) {
  constexpr int n = 30'000;
  std::vector<std::vector<double>> repetitions;
  for (int r = 0; r < config().reps; ++r) {
    auto s = co_await connect(ex, to);
    message buffer{};
    std::vector<double>& samples = repetitions.emplace_back();
    for (int i = 0; i < n; ++i) {
      stopwatch watch;
      co_await round_trip(*s, buffer);
      samples.push_back(watch.us());
    }
  }
  report_samples("echo_1conn_64B_rtt", std::move(repetitions), "us");
}

coroutine<double> round_trips_a_second(executor ex, tcp::endpoint to, int connections) {
  constexpr int total = 300'000;
  std::vector<std::shared_ptr<socket>> streams;
  for (int i = 0; i < connections; ++i) streams.push_back(co_await connect(ex, to));
  wait_group wg(ex, connections);
  stopwatch watch;
  for (const auto& s : streams) {
    go(ex, [s, &wg, n = total / connections]() -> coroutine<> {
      message buffer{};
      for (int i = 0; i < n; ++i) co_await round_trip(*s, buffer);
      wg.finish_one();
    });
  }
  co_await wg.wait();
  co_return total / (watch.ms() / 1000);
}

}  // namespace

coroutine<> echoes(executor ex) {
  auto l = std::make_shared<acceptor>(ex, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const tcp::endpoint to = l->local_endpoint();
  go(ex, [ex, l] { return serve(ex, l); });
  co_await echo_once(ex, to);
  for (int n : {64, 1000}) {
    co_await repeat(
        "echo_" + std::to_string(n) + "conn_64B", "req/s",
        [ex, to, n] { return round_trips_a_second(ex, to, n); }, better::higher);
  }
  l->close();
}

}  // namespace bench
