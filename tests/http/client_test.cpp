// SPDX-License-Identifier: MIT
// The client, against the server of this house and against one that says what a test wants.
#include "http_test.hpp"

#include <burrow/http/client.hpp>
#include <burrow/http/detail/url.hpp>
#include <burrow/http/router.hpp>
#include <vector>

using namespace http_test;

namespace {

/// "METHOD TARGET BODY|FIELD", where the field is X-Field's value.
task<> tell(context, http::request& req, http::response_writer& res) {
  const result<std::string> body = co_await req.body.read_all(1 << 22);
  std::string text = req.method + " " + req.target + " " + body.value() + "|";
  text.append(req.headers.get("X-Field").value_or("-"));
  const result<void> sent = co_await res.write_all(text);
  sent.value();
}

/// The body of `answer`, or the error.
task<std::string> text_of(result<http::response> answer) {
  if (!answer) co_return "error: " + answer.error().message();
  result<std::string> all = co_await answer->body.read_all(1 << 22);
  if (!all) co_return "error: " + all.error().message();
  co_return *all;
}

/// Accepts one connection after the other; of each, reads a header, says the next of `answers`, and
/// ends it.
task<> say(net::listener l, std::vector<std::string> answers) {
  for (const std::string& answer : answers) {
    result<net::stream> s = co_await l.accept();
    std::string header;
    while (header.find("\r\n\r\n") == std::string::npos) {
      char piece[1000];
      const result<std::size_t> n = co_await s->read(piece);
      if (!n || *n == 0) break;
      header.append(piece, *n);
    }
    const result<void> sent = co_await s->write_all(const_bytes(answer));
    CHECK(sent);
  }
}

/// What a client makes of such an answer.
task<std::string> reaction_to(std::string answer, http::client_options options = {}) {
  const net::listener l = co_await any_port();
  go(say, l, std::vector<std::string>{std::move(answer)});
  http::client c(options);
  co_return co_await text_of(co_await c.get("http://" + to_string(l.local_address()) + "/"));
}

}  // namespace

TEST_CASE("a client uses a connection again, and only when the body was read") {
  run_test(2, []() -> task<> {
    running_server s(options_with(tell), co_await any_port());
    const std::string url = "http://" + s.where() + "/a?b=c#d";
    http::client c;
    for (int i = 0; i < 3; ++i) {
      const std::string text = co_await text_of(co_await c.get(url));
      CHECK(text == "GET /a?b=c |-");
      CHECK(c.idle_connections() == 1);
    }
    {
      const result<http::response> unread = co_await c.get(url);
      REQUIRE(unread);
      CHECK(unread->status == 200);
      CHECK(unread->body.length() == 13);
      CHECK(c.idle_connections() == 0);
    }
    CHECK(c.idle_connections() == 0);  // its body was destroyed, and the connection with it

    http::client_request r;
    r.method = "POST";
    r.url = url;
    r.body = std::string(200'000, 'x');
    r.headers.set("X-Field", "value");
    const std::string large = co_await text_of(co_await c.send(r));
    CHECK(large == "POST /a?b=c " + r.body + "|value");
    r.method = "HEAD";
    r.body.clear();
    const result<http::response> head = co_await c.send(r);
    REQUIRE(head);
    CHECK(head->headers.get("Content-Length") == "18");
    CHECK(c.idle_connections() == 1);
    c.close_idle();
    CHECK(c.idle_connections() == 0);
    co_await s.stop();
  });
}

TEST_CASE("a client keeps no more connections than it may") {
  run_test(2, []() -> task<> {
    running_server s(options_with(tell), co_await any_port());
    const std::string url = "http://" + s.where() + "/";
    http::client_options options;
    options.idle_per_host = 2;
    http::client c(options);
    std::vector<http::response> open;
    for (int i = 0; i < 4; ++i) {
      result<http::response> r = co_await c.get(url);
      open.push_back(std::move(r).value());
    }
    for (http::response& r : open) {
      const result<std::string> text = co_await r.body.read_all(100);
      CHECK(text);
    }
    CHECK(c.idle_connections() == 2);
    co_await s.stop();
  });
}

TEST_CASE("a connection that the server has ended is replaced") {
  run_test(2, []() -> task<> {
    auto options = options_with(tell);
    options.idle_timeout = 1ms;
    running_server s(std::move(options), co_await any_port());
    http::client c;
    for (int i = 0; i < 20; ++i) {
      const std::string text = co_await text_of(co_await c.get("http://" + s.where() + "/"));
      CHECK(text == "GET / |-");
      co_await sleep(1ms);  // about as long: it ends before, within or after
    }
    co_await s.stop();
  });
}

TEST_CASE("redirects are followed, and limited") {
  run_test(2, []() -> task<> {
    const auto to = [](int status, std::string where) -> http::handler {
      return [=](context, http::request&, http::response_writer& res) -> task<> {
        CHECK(res.status(status));
        res.headers().set("Location", where);
        static_cast<void>(co_await res.write("moved"));
      };
    };
    http::router routes;
    routes.handle("/found", to(302, "tell?x=1"));
    routes.handle("/same", to(307, "/a/../tell"));
    routes.handle("/round", to(301, "/round"));
    routes.handle("/away", to(301, "https://example.org/"));
    routes.handle("/tell", tell);
    running_server s(options_with(routes), co_await any_port());
    http::client c;
    const auto post = [&](std::string path) -> task<result<http::response>> {
      http::client_request r;
      r.method = "POST";
      r.url = "http://" + s.where() + path;
      r.body = "body";
      co_return co_await c.send(std::move(r));
    };
    const std::string found = co_await text_of(co_await post("/found"));
    CHECK(found == "GET /tell?x=1 |-");
    const std::string same = co_await text_of(co_await post("/same"));
    CHECK(same == "POST /tell body|-");
    CHECK(c.idle_connections() == 1);
    const result<http::response> round = co_await post("/round");
    CHECK(round.error() == http::errc::too_many_redirects);
    const result<http::response> away = co_await post("/away");
    CHECK(away.error() == http::errc::unsupported_scheme);

    http::client_options options;
    options.redirect_limit = 0;
    http::client still(options);
    const result<http::response> itself = co_await still.get("http://" + s.where() + "/found");
    REQUIRE(itself);
    CHECK(itself->status == 302);
    co_await s.stop();
  });
}

TEST_CASE("what a client makes of a server's answers") {
  run_test(2, []() -> task<> {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::string to_end = co_await reaction_to(ok + "\r\nto the end");
    CHECK(to_end == "to the end");
    const std::string old = co_await reaction_to("HTTP/1.0 200 OK\r\n\r\nold");
    CHECK(old == "old");
    const std::string chunked =
        co_await reaction_to("HTTP/1.1 103 Early\r\n\r\n" + ok +
                             "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n");
    CHECK(chunked == "abcd");
    const std::string nothing = co_await reaction_to("HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(nothing.empty());
    std::string early;
    for (int i = 0; i < 100; ++i) early += "HTTP/1.1 103 Early\r\n\r\n";
    const std::string endless = co_await reaction_to(early + ok + "\r\n");
    CHECK(endless == "error: http: malformed message");

    const std::string incomplete = "error: http: the connection ended within a message";
    const std::string cut = co_await reaction_to(ok + "Content-Length: 10\r\n\r\nabc");
    CHECK(cut == incomplete);
    const std::string cut_chunk =
        co_await reaction_to(ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    CHECK(cut_chunk == incomplete);
    const std::string cut_header = co_await reaction_to("HTTP/1.1 200 OK\r\nA: b\r\n");
    CHECK(cut_header == incomplete);
    const std::string silent = co_await reaction_to("");
    CHECK(silent == incomplete);
    const std::string none = co_await reaction_to("SSH-2.0-x\r\n\r\n");
    CHECK(none == "error: http: unsupported version of HTTP");
    const std::string two =
        co_await reaction_to(ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na");
    CHECK(two == "error: http: malformed message");

    http::client_options options;
    options.body_limit = 5;
    options.header_limit = 100;
    const std::string large = co_await reaction_to(ok + "\r\n123456", options);
    CHECK(large == "error: http: body too large");
    const std::string header = co_await reaction_to(ok + "A: " + std::string(200, 'a'), options);
    CHECK(header == "error: http: header too large");
  });
}

TEST_CASE("a connection that has changed its protocol is not used again") {
  run_test(2, []() -> task<> {
    const net::listener l = co_await any_port();
    go(say, l, std::vector<std::string>{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"});
    http::client c;
    const result<http::response> answer =
        co_await c.get("http://" + to_string(l.local_address()) + "/");
    CHECK(answer->status == 101);
    CHECK(c.idle_connections() == 0);
  });
}

TEST_CASE("a client's request ends with its Context, before the answer and within it") {
  run_test(2, []() -> task<> {
    auto ended = make_chan<std::error_code>(2);
    running_server s(options_with([ended](context ctx, http::request& req,
                                          http::response_writer& res) -> task<> {
                       if (req.path() == "/body") {
                         static_cast<void>(co_await res.write("first"));
                         static_cast<void>(co_await res.flush());
                       }
                       co_await ctx.done();
                       co_await ended.send(ctx.err());
                     }),
                     co_await any_port());
    http::client c;
    {
      const auto [ctx, cancel] = with_timeout(background(), 10ms);
      const result<http::response> r = co_await c.get(ctx, "http://" + s.where() + "/");
      CHECK(r.error() == ::burrow::errc::deadline_exceeded);
    }
    const auto first = co_await ended.recv();
    CHECK(*first == ::burrow::errc::canceled);
    {
      auto [ctx, cancel] = with_cancel(background());
      result<http::response> r = co_await c.get(ctx, "http://" + s.where() + "/body");
      REQUIRE(r);
      char piece[100];
      const result<std::size_t> n = co_await r->body.read(piece);
      CHECK(n.value() == 5);
      cancel();
      const result<std::size_t> more = co_await under(ctx, r->body.read(piece));
      CHECK(more.error() == ::burrow::errc::canceled);
    }
    const auto second = co_await ended.recv();
    CHECK(*second == ::burrow::errc::canceled);
    CHECK(c.idle_connections() == 0);
    co_await s.stop();
  });
}

TEST_CASE("a client and a server, a thousand requests by fifty goroutines") {
  run_test(4, []() -> task<> {
    running_server s(options_with(tell), co_await any_port());
    http::client_options options;
    options.idle_per_host = 50;
    http::client c(options);
    const std::string url = "http://" + s.where() + "/";
    std::vector<int> right(50);
    co_await scope([&](group& g) -> task<> {
      for (std::size_t i = 0; i < right.size(); ++i) {
        g.go([&, i]() -> task<> {
          for (int k = 0; k < 20; ++k) {
            const std::string path = std::to_string(i) + "/" + std::to_string(k);
            const std::string text = co_await text_of(co_await c.get(url + path));
            right[i] += text == "GET /" + path + " |-" ? 1 : 0;
          }
        });
      }
      co_await g.wait();
    });
    for (const int n : right) CHECK(n == 20);
    CHECK(c.idle_connections() <= 50);
    co_await s.stop();
  });
}

TEST_CASE("URLs") {
  using http::detail::url;
  const auto parsed = [](std::string_view text) {
    const result<url> u = url::parse(text);
    return u ? u->where() + " " + u->target : u.error().message();
  };
  CHECK(parsed("http://a") == "a:80 /");
  CHECK(parsed("HTTP://a:8080?q") == "a:8080 /?q");
  CHECK(parsed("http://[::1]:1/x#f") == "[::1]:1 /x");
  CHECK(parsed("http://[::1]") == "[::1]:80 /");
  CHECK(parsed("http://a:/") == "a:80 /");
  for (const char* bad : {"", "a", "/a", "http:", "http:/a", "http://", "http://:80", "http://a:b",
                          "http://a:0", "http://a:65536", "http://u@a/", "http://a b/",
                          "http://a/\r\n", "http://[::1", "http://a]", "http://[g]/"}) {
    CAPTURE(bad);
    CHECK(parsed(bad) == "http: malformed URL");
  }
  CHECK(parsed("https://a") == "a:443 /");
  CHECK(url::parse("https://a:443/x").value().text() == "https://a/x");
  CHECK(url::parse("https://a:80/x").value().text() == "https://a:80/x");
  CHECK(url::parse("https://a").value().resolve("//b/c").value().text() == "https://b/c");
  CHECK(url::parse("https://a:80").value().origin() != url::parse("http://a").value().origin());
  CHECK(parsed("ftp://a") == "http: unsupported scheme of a URL");

  // RFC 3986, 5.4, as far as it concerns http.
  const url base = url::parse("http://a/b/c/d;p?q").value();
  const std::vector<std::pair<std::string_view, std::string_view>> all = {
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"g#s", "http://a/b/c/g"},
      {";x", "http://a/b/c/;x"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"http://x/y", "http://x/y"},
      {"/a//b", "http://a/a//b"},
  };
  for (const auto& [reference, expected] : all) {
    CAPTURE(reference);
    const result<url> u = base.resolve(reference);
    CHECK(u.value().text() == expected);
  }
}
