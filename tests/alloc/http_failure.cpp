// SPDX-License-Identifier: MIT
// What happens when there is no memory, see exhaust.hpp: a server and a client of HTTP. A request
// may fail for it; the server goes on.
#include "exhaust.hpp"

#include <burrow/http/client.hpp>
#include <burrow/http/server.hpp>
#include <burrow/net/listener.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <utility>

using namespace burrow;

namespace {

task<> answer(context, http::request& req, http::response_writer& res) {
  const tracked local;
  const std::string body = value_of(co_await req.body.read_all(1000));
  res.headers().set("X-Method", req.method);
  value_of(co_await res.write(body + "!"));
}

task<> serve(http::server& server, net::listener l) { static_cast<void>(co_await server.serve(l)); }

/// Whether the whole answer has come.
task<bool> ask(http::client& client, std::string url) {
  http::client_request r;
  r.method = "POST";
  r.url = std::move(url);
  r.body = "a body";
  result<http::response> got = co_await client.send(std::move(r));
  if (!got || got->status != 200) co_return false;
  const result<std::string> text = co_await got->body.read_all(1000);
  co_return text && *text == "a body!";
}

}  // namespace

TEST_CASE("no memory: HTTP") {
  exhaust([](in_vain&) -> task<> {
    net::listener l = value_of(co_await net::listen("tcp", "127.0.0.1:0"));
    const std::string url = "http://" + to_string(l.local_address()) + "/";
    http::server_options o;
    o.handler = answer;
    o.on_handler_error = [](const http::request&, std::exception_ptr) {};
    http::server server(o);
    co_await scope([&](group& g) -> task<> {
      g.go(serve, std::ref(server), l);
      http::client client;
      // One failure is one answer less at most: the server goes on, and accepts more.
      int answers = 0;
      for (int i = 0; i < 3; ++i) {
        const bool is_whole = co_await ask(client, url);
        answers += is_whole ? 1 : 0;
      }
      expect(answers >= (allocation_is_to_fail() ? 3 : 2));
      value_of(co_await server.shutdown(std::chrono::seconds(10)));
    });
  });
}
