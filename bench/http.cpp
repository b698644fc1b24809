// SPDX-License-Identifier: MIT
//
// A server that says hello, asked by wrk: 64 connections that send one request after the other.
#include "harness.hpp"

#include <cstdio>

#if BURROW_BENCH_HTTP
#include <burrow/buffered_reader.hpp>
#include <burrow/http/server.hpp>
#include <burrow/net/listener.hpp>
#include <burrow/process.hpp>

#include <cstdlib>
#include <string_view>

using namespace burrow;
using namespace std::chrono_literals;

namespace bench {
namespace {

task<> hello(context, http::request&, http::response_writer& res) {
  res.headers().set("Content-Type", "text/plain");
  const auto written = co_await res.write("Hello, World!");
  check(written.has_value(), "the answer was written");
}

/// What wrk says after a few seconds; 0: it is not installed.
task<double> ask_with_wrk(std::string url) {
  process::options options;
  options.output = process::stream_kind::pipe;
  const auto wrk = co_await process::start({"wrk", "-t1", "-c64", "-d3s", url}, options);
  if (!wrk) co_return 0;
  constexpr std::string_view rate = "Requests/sec:";
  double found = 0;
  buffered_reader said(wrk->output());
  for (;;) {
    const auto line = co_await said.read_line();
    check(line.has_value(), "what wrk says");
    if (!*line) break;
    check((*line)->find("errors") == std::string::npos, "no request failed");
    if ((*line)->starts_with(rate)) found = std::atof((*line)->c_str() + rate.size());
  }
  check(found > 0, "wrk has a result");
  co_return found;
}

}  // namespace

task<> http_hello() {
  auto l = co_await net::listen("tcp", "127.0.0.1:0");
  check(l.has_value(), "listen");
  http::server_options options;
  options.handler = hello;
  http::server server(std::move(options));
  wait_group served;
  served.go([&]() -> task<> { static_cast<void>(co_await server.serve(*l)); });
  const std::string url = "http://" + to_string(l->local_address()) + "/";
  std::vector<double> rates;
  for (int i = 0; i < config().reps; ++i) {
    const double rate = co_await ask_with_wrk(url);
    if (rate == 0) {
      std::puts("# http: wrk is not installed");
      break;
    }
    rates.push_back(rate);
  }
  if (!rates.empty()) report("http_hello_64conn", rates, "req/s", better::higher);
  const auto ended = co_await server.shutdown(10s);
  check(ended.has_value(), "the server has ended");
  co_await served.wait();
}

}  // namespace bench
#else
namespace bench {

burrow::task<> http_hello() {
  std::puts("# http: burrow::http is not built, as Boost's headers are missing");
  co_return;
}

}  // namespace bench
#endif
