// SPDX-License-Identifier: MIT
// Chapter 11 of the guide: servers of HTTP.
#include <burrow/burrow.hpp>
#include <burrow/http.hpp>
#include <burrow/net/listener.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>

using namespace burrow;
using namespace std::chrono_literals;

// [backends_of_server]
task<std::string> look_up(std::string name) {
  co_await sleep(1ms);  // a database that takes its time
  co_return "hello, " + name;
}

task<std::optional<int>> count_visits(std::string) {
  const std::error_code ended = co_await sleep(1h);  // one that hangs
  if (ended) co_return std::nullopt;                 // the Context has ended
  co_return 1;
}
// [/backends_of_server]

// [handler]
task<> greet(context ctx, http::request& req, http::response_writer& res) {
  const std::string name(req.parameter("name"));
  auto [limited, cancel] = with_timeout(ctx, 20ms);
  std::string greeting;
  std::optional<int> visits;
  co_await under(limited, scope([&](group& g) -> task<> {
                   g.go([&]() -> task<> { greeting = co_await look_up(name); });
                   g.go([&]() -> task<> { visits = co_await count_visits(name); });
                   co_await g.wait();
                 }));
  if (ctx.err()) co_return;  // the client has gone, or the server shuts down
  if (visits) greeting += ", for the " + std::to_string(*visits) + ". time";
  static_cast<void>(co_await res.write_all(greeting + "\n"));
}
// [/handler]

// [server]
http::server_options greeter() {
  http::router routes;
  routes.handle("GET /greet/{name}", greet);
  http::server_options o;
  o.handler = routes;
  o.request_timeout = 10s;     // of every request's Context
  o.read_header_timeout = 5s;  // for clients that send a byte a second
  return o;
}

task<> serve_until_told(net::listener listener) {
  auto [told, stop] = signal::notify_context(background(), {SIGINT, SIGTERM});
  http::server server(greeter());
  co_await scope([&](group& g) -> task<> {
    g.go([&]() -> task<> { static_cast<void>(co_await server.serve(listener)); });
    co_await told.done();
    auto finished = co_await server.shutdown(5s);
    std::printf("%s\n", finished ? "all requests were finished" : "some were cancelled");
  });
}
// [/server]

// [client]
task<> ask(std::string url) {
  http::client client;
  auto [ctx, cancel] = with_timeout(background(), 10s);
  result<http::response> r = co_await client.get(ctx, url);
  if (!r) {
    std::printf("%s\n", r.error().message().c_str());
    co_return;
  }
  auto text = co_await r->body.read_all(64 * 1024);
  std::printf("%d %s", r->status, text.value().c_str());
}
// [/client]

task<> start() {
  auto listener = (co_await net::listen("tcp", "127.0.0.1:0")).value();
  const std::string url = "http://" + to_string(listener.local_address());
  co_await scope([&](group& g) -> task<> {
    g.go(serve_until_told, listener);
    co_await ask(url + "/greet/mole");
    co_await ask(url + "/nobody");
    std::raise(SIGTERM);
  });
}

int main() { return run(start); }
