// SPDX-License-Identifier: MIT
// When the Context of a request ends, and how a server does.
#include "http_test.hpp"

#include <vector>

using namespace http_test;

namespace {

const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

struct ending {
  std::error_code error;
  std::string cause;
  bool child_has_ended = false;
};

/// A handler that tells when it runs, waits for the end of its Context, and of a goroutine that it
/// has started, and tells what it has seen.
http::handler waiter(chan<> runs, chan<ending> seen) {
  return [runs, seen](context ctx, http::request&, http::response_writer&) -> task<> {
    auto child = make_chan<std::error_code>(1);
    go([child]() -> task<> {
      const std::error_code slept = co_await sleep(patience);  // heeds the Context that it carries
      co_await child.send(slept);
    });
    co_await runs.send();
    co_await ctx.done();
    ending e;
    e.error = ctx.err();
    try {
      std::rethrow_exception(ctx.cause());
    } catch (const std::system_error& cause) {
      e.cause = cause.code().message();
    }
    const auto slept = co_await child.recv();
    e.child_has_ended = slept.has_value();
    if (slept) e.child_has_ended = *slept == ctx.err();
    co_await seen.send(e);
  };
}

}  // namespace

TEST_CASE("a client that goes ends its request's Context, and what the handler has started") {
  enum class way { closes, resets, ends_its_side, server_deadline, server_close };
  run_test(2, []() -> task<> {
    for (const way how :
         {way::closes, way::resets, way::ends_its_side, way::server_deadline, way::server_close}) {
      auto runs = make_chan();
      auto seen = make_chan<ending>(1);
      auto options = options_with(waiter(runs, seen));
      if (how == way::server_deadline) options.request_timeout = 10ms;
      running_server s(std::move(options), co_await any_port());
      auto c = co_await raw_client::connect(s.where());
      co_await c.send(get);
      co_await runs.recv();
      if (how == way::closes) CHECK(c.stream.close());
      if (how == way::resets) c.reset();
      if (how == way::ends_its_side) CHECK(c.stream.shutdown(net::direction::writing));
      if (how == way::server_close) s.server.close();
      const auto e = co_await seen.recv();
      co_await s.stop();
      const auto expected = how == way::server_deadline ? ::burrow::errc::deadline_exceeded
                                                        : ::burrow::errc::canceled;
      CAPTURE(static_cast<int>(how));
      CHECK(e->error == expected);
      CHECK(e->child_has_ended);
      const bool is_clients = how != way::server_deadline && how != way::server_close;
      CHECK((e->cause == "http: client disconnected") == is_clients);
    }
  });
}

TEST_CASE("the Context of a request ends when its handler returns") {
  run_test(2, []() -> task<> {
    auto kept = make_chan<context>(1);
    running_server s(
        options_with([kept](context ctx, http::request&, http::response_writer&) -> task<> {
          CHECK_FALSE(ctx.err());
          co_await kept.send(ctx);
        }),
        co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send(get);
    const auto ctx = co_await kept.recv();
    co_await ctx->done();
    CHECK(ctx->err() == ::burrow::errc::canceled);
    co_await s.stop();
  });
}

TEST_CASE("a client that goes in the middle of a body ends the read of it") {
  run_test(2, []() -> task<> {
    auto seen = make_chan<std::error_code>(1);
    auto begun = make_chan();
    running_server s(
        options_with([=](context, http::request& req, http::response_writer&) -> task<> {
          char piece[2];
          const result<std::size_t> first = co_await req.body.read(piece);
          CHECK(first.has_value());
          co_await begun.send();
          const result<std::string> rest = co_await req.body.read_all(100);
          co_await seen.send(rest.error());
        }),
        co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab");
    co_await begun.recv();
    c.reset();
    const auto error = co_await seen.recv();
    const bool is_either = *error == http::errc::incomplete || *error == ::burrow::errc::canceled;
    CHECK(is_either);
    co_await s.stop();
  });
}

TEST_CASE("shutdown ends what is idle, lets a request finish, and accepts no more") {
  run_test(2, []() -> task<> {
    auto runs = make_chan();
    auto may_end = make_chan();
    running_server s(
        options_with([=](context ctx, http::request&, http::response_writer& res) -> task<> {
          co_await runs.send();
          co_await may_end.recv();
          CHECK_FALSE(ctx.err());
          const result<void> sent = co_await res.write_all("finished");
          CHECK(sent);
        }),
        co_await any_port());
    auto idle = co_await raw_client::connect(s.where());
    auto busy = co_await raw_client::connect(s.where());
    co_await busy.send(get);
    co_await runs.recv();
    auto down = make_chan<std::error_code>(1);
    go([&s, down]() -> task<> {
      const result<void> end = co_await s.server.shutdown(patience);
      co_await down.send(end.error());
    });
    const std::string nothing = co_await idle.read_to_end();
    CHECK(nothing.empty());
    const result<net::stream> late = co_await net::dial("tcp", s.where());
    CHECK_FALSE(late.has_value());
    may_end.close();
    const std::string answer = co_await busy.read_to_end();
    CHECK(has(answer, "finished"));
    CHECK(has(answer, "Connection: close\r\n"));
    const auto error = co_await down.recv();
    CHECK_FALSE(*error);
    const std::error_code end = co_await s.end();
    CHECK(end == http::errc::server_closed);
    const result<void> again = co_await s.server.serve(co_await any_port());
    CHECK(again.error() == http::errc::server_closed);
  });
}

TEST_CASE("shutdown cancels what its grace was not enough for, and waits for it") {
  run_test(2, []() -> task<> {
    auto runs = make_chan();
    auto seen = make_chan<ending>(1);
    running_server s(options_with(waiter(runs, seen)), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send(get);
    co_await runs.recv();
    const result<void> end = co_await s.server.shutdown(10ms);
    CHECK(end.error() == http::errc::timeout);
    ending e;
    CHECK(seen.try_recv(e) == recv_status::received);  // the handler has ended before
    CHECK(e.error == ::burrow::errc::canceled);
    const std::error_code served = co_await s.end();
    CHECK(served == http::errc::server_closed);
  });
}

TEST_CASE("serve() ends with the Context that it runs under") {
  run_test(2, []() -> task<> {
    auto runs = make_chan();
    auto seen = make_chan<ending>(1);
    http::server server(options_with(waiter(runs, seen)));
    const net::listener l = co_await any_port();
    auto [ctx, cancel] = with_cancel(background());
    auto ended = make_chan<std::error_code>(1);
    go(ctx, [&]() -> task<> {
      const result<void> end = co_await server.serve(l);
      co_await ended.send(end.error());
    });
    auto c = co_await raw_client::connect(to_string(l.local_address()));
    co_await c.send(get);
    co_await runs.recv();
    cancel();
    const auto error = co_await ended.recv();
    CHECK(*error == ::burrow::errc::canceled);
    ending e;
    CHECK(seen.try_recv(e) == recv_status::received);
  });
}

TEST_CASE("connections beyond the limit wait for a place") {
  run_test(2, []() -> task<> {
    auto runs = make_chan();
    auto may_end = make_chan();
    auto options = options_with([=](context, http::request&, http::response_writer&) -> task<> {
      co_await runs.send();
      co_await may_end.recv();
    });
    options.connection_limit = 1;
    running_server s(std::move(options), co_await any_port());
    auto first = co_await raw_client::connect(s.where());
    co_await first.send("GET / HTTP/1.0\r\n\r\n");
    co_await runs.recv();
    auto second = co_await raw_client::connect(s.where());  // the kernel has it, not the server
    co_await second.send("GET / HTTP/1.0\r\n\r\n");
    const int early = co_await select(runs.recv(), after(5ms));
    CHECK(early == 1);
    may_end.close();
    co_await runs.recv();
    const std::string answer = co_await second.read_to_end();
    CHECK(has(answer, "200 OK"));
    co_await s.stop();
  });
}

TEST_CASE("a thousand requests on fifty connections, some of which are reset") {
  run_test(4, []() -> task<> {
    running_server s(options_with(echo), co_await any_port());
    const std::string where = s.where();
    std::vector<int> answered(50);
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 50; ++i) {
        g.go([&, i]() -> task<> {
          auto c = co_await raw_client::connect(where);
          const std::string body = std::to_string(i);
          for (int k = 0; k < 20; ++k) {
            co_await c.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body);
            const std::string answer = co_await c.read_until("POST /x " + body);
            answered[static_cast<std::size_t>(i)] += has(answer, "\r\n\r\nPOST /x " + body) ? 1 : 0;
          }
          if (i % 5 == 0) c.reset();
        });
      }
      co_await g.wait();
    });
    for (const int n : answered) CHECK(n == 20);
    co_await s.stop();
  });
}
