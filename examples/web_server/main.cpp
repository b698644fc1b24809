// SPDX-License-Identifier: MIT
//
// A web server whose requests are trees of goroutines, and a page that shows them live. A handler
// fans out to a database and to an RPC; both are slow, and start goroutines of their own, each of
// which holds a connection. When the client goes away, when the deadline in the request passes, or
// when somebody presses the button on the page, all of them end at once and give back what they
// hold.
//
//     web_server [PORT [GRACE]]      serves until Ctrl-C; PORT 0, the default: any;
//                                    GRACE: how many ms requests then have to finish, 2000
//
//     GET  /                         the page
//     GET  /work?ms=M&deadline=D     a request that takes M ms (2000); D ms are its deadline (none)
//     POST /cancel/{id}              the button
//     GET  /events                   what the page shows, as server-sent events
#include "board.hpp"
#include "page.hpp"

#include <burrow/burrow.hpp>
#include <burrow/http/router.hpp>
#include <burrow/http/server.hpp>
#include <burrow/net/listener.hpp>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using web::board;
using web::line;

std::optional<milliseconds> to_ms(std::string_view text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  const bool is_good = error == std::errc() && end == text.data() + text.size();
  if (!is_good || n < 0 || n > 3'600'000) return std::nullopt;
  return milliseconds(n);
}

// --- the backends, as far as they can be had without any -----------------------------------------

// [backends]
/// A query or a call: it holds a connection while it waits for the answer.
task<> ask(context ctx, const line& parent, std::string what, milliseconds latency) {
  line here(parent, what);
  const line::loan connection(here);
  const std::error_code error = co_await sleep(latency);  // ends when the Context does
  here.finish(error);
}

task<> database(context ctx, const line& parent, milliseconds latency) {
  line here(parent, "database");
  co_await scope([&](group& g) -> task<> {
    g.go(ask, g.context(), std::cref(here), "query: customer", latency / 2);
    g.go(ask, g.context(), std::cref(here), "query: orders", latency);
    co_await g.wait();
  });
  here.finish(ctx.err());
}

task<> rpc(context ctx, const line& parent, milliseconds latency) {
  line here(parent, "RPC");
  co_await scope([&](group& g) -> task<> {
    for (int i = 1; i <= 3; ++i) {
      g.go(ask, g.context(), std::cref(here), "call: shard " + std::to_string(i), latency * i / 3);
    }
    co_await g.wait();
  });
  here.finish(ctx.err());
}
// [/backends]

// --- the handlers --------------------------------------------------------------------------------

/// A handler that fans out. Nothing in it says how it ends: its Context does.
task<> fan_out(context ctx, board& b, std::shared_ptr<web::request> r, milliseconds latency) {
  line here(b, std::move(r), "handler");
  co_await scope([&](group& g) -> task<> {
    g.go(database, g.context(), std::cref(here), latency);
    g.go(rpc, g.context(), std::cref(here), latency);
    co_await g.wait();
  });
  here.finish(ctx.err());
}

task<> answer(http::response_writer& res, int status, std::string text) {
  res.status(status).value();
  res.headers().set("Content-Type", "text/plain; charset=utf-8");
  static_cast<void>(co_await res.write_all(text));  // a client that has gone needs none
}

task<> work(context client, http::request& req, http::response_writer& res, board& b) {
  const std::string ms = req.query_value("ms").value_or("2000");
  const std::string limit = req.query_value("deadline").value_or("");
  const auto latency = to_ms(ms);
  const auto deadline = limit.empty() ? 24h : to_ms(limit);
  if (!latency || !deadline) {
    co_await answer(res, 400, "ms and deadline are milliseconds, at most an hour\n");
    co_return;
  }
  // The client's Context, a button, a deadline: whichever ends first.
  auto [cancellable, cancel] = with_cancel_cause(client);
  auto [ctx, stop] = with_timeout(cancellable, *deadline);
  const std::string what = "ms=" + ms + (limit.empty() ? "" : ", deadline=" + limit);
  const auto r = b.enter(what, ctx, cancel.trigger());
  if (!r) {
    co_await answer(res, 503, "the server shuts down\n");
    co_return;
  }
  co_await fan_out(ctx, b, r, *latency);
  b.leave(*r);
  if (!ctx.err()) {
    co_await answer(res, 200, "done: " + what + "\n");
  } else if (ctx.err() == errc::deadline_exceeded) {
    co_await answer(res, 504, "the deadline has passed\n");
  } else {
    co_await answer(res, 503, "cancelled: " + r->reason + "\n");
  }
}

task<> cancel(http::request& req, http::response_writer& res, board& b) {
  int id = 0;
  const std::string_view text = req.parameter("id");
  std::from_chars(text.data(), text.data() + text.size(), id);
  const bool is_done = b.cancel(id, "button");
  co_await answer(res, is_done ? 200 : 404, is_done ? "cancelled\n" : "it has ended\n");
}

/// Tells what is on the board, and from then on what changes, until the client goes or the board
/// closes.
task<> events(context ctx, http::response_writer& res, board& b) {
  res.headers().set("Content-Type", "text/event-stream");
  res.headers().set("Cache-Control", "no-store");
  auto changes = b.changes();
  std::uint64_t seen = 0;
  for (;;) {
    auto sent = co_await res.write("data: " + b.news(seen) + "\n\n");
    if (sent) sent = co_await res.flush();
    if (!sent) co_return;
    std::uint64_t latest = 0;
    const int chosen = co_await select(ctx.done(), changes.changed(latest));
    if (chosen == 0 || latest == 0) co_return;  // 0: the board is closed
  }
}

task<> show_page(http::response_writer& res) {
  res.headers().set("Content-Type", "text/html; charset=utf-8");
  static_cast<void>(co_await res.write_all(web::page));
}

http::router routes(board& b) {
  using request = http::request;
  using writer = http::response_writer;
  http::router all;
  all.handle("GET /", [](context, request&, writer& res) { return show_page(res); });
  all.handle("GET /work", [&b](context ctx, request& req, writer& res) {
    return work(std::move(ctx), req, res, b);
  });
  all.handle("GET /events",
             [&b](context ctx, request&, writer& res) { return events(std::move(ctx), res, b); });
  all.handle("POST /cancel/{id}",
             [&b](context, request& req, writer& res) { return cancel(req, res, b); });
  return all;
}

// --- the program ---------------------------------------------------------------------------------

/// Accepts no more, gives requests the grace to finish in, cancels what is left, and ends the
/// streams of events when these have told of it.
task<> shut_down(http::server& server, board& b, milliseconds grace) {
  co_await scope([&](group& g) -> task<> {
    // Its own grace is the last resort: by then all requests have ended.
    g.go([&]() -> task<> { static_cast<void>(co_await server.shutdown(grace + 10s)); });
    co_await select(b.idle(), after(grace));
    b.shut_down("shutdown");
    co_await b.idle();
    b.close();
  });
}

task<int> start(std::string port, milliseconds grace) {
  auto [interrupted, stop] = signal::notify_context(background(), {SIGINT, SIGTERM});
  auto listener = co_await net::listen("tcp", "127.0.0.1:" + port);
  if (!listener) {
    std::fprintf(stderr, "web_server: %s\n", listener.error().message().c_str());
    co_return 1;
  }
  board b;
  http::server_options options;
  options.handler = routes(b);
  http::server server(std::move(options));
  std::printf("http://%s/ until Ctrl-C\n", to_string(listener->local_address()).c_str());
  std::error_code end;
  co_await scope([&](group& g) -> task<> {
    g.go([&]() -> task<> {
      end = (co_await server.serve(*listener)).error();
      stop();  // the listener may have failed
    });
    co_await interrupted.done();
    stop();  // from now on Ctrl-C ends the program
    std::printf("shutting down: %lld ms of grace\n", static_cast<long long>(grace.count()));
    co_await shut_down(server, b, grace);
  });
  std::printf("the server has ended: %s\n", end.message().c_str());
  co_return end == http::errc::server_closed ? 0 : 1;
}

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // a log is read while it is written
  const auto grace = to_ms(argc > 2 ? argv[2] : "2000");
  if (!grace || argc > 3) {
    std::fprintf(stderr, "usage: web_server [PORT [GRACE_MS]]\n");
    return 2;
  }
  return run(start, std::string(argc > 1 ? argv[1] : "0"), *grace);
}
