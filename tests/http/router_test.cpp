// SPDX-License-Identifier: MIT
// The router, by what a response_writer without a connection is given.
#include "http_test.hpp"

#include <burrow/http/router.hpp>

using namespace http_test;

namespace {

class kept final : public http::detail::response_sink {
 public:
  task<result<void>> send(std::span<const const_bytes> parts) override {
    for (const const_bytes& p : parts) {
      text.append(reinterpret_cast<const char*>(p.data()), p.size());
    }
    co_return {};
  }
  std::string text;
};

http::handler named(std::string name) {
  return [name](context, http::request& req, http::response_writer& res) -> task<> {
    std::string text = name + "(";
    text.append(req.parameter("id")).append(",").append(req.parameter("rest")).append(")");
    const result<void> sent = co_await res.write_all(text);
    sent.value();
  };
}

/// "STATUS BODY" for that method and target.
std::string answer_of(const http::router& r, std::string method, std::string target) {
  std::string answer;
  run_test(1, [&]() -> task<> {
    kept sink;
    http::request req;
    req.method = method;
    req.target = target;
    http::response_writer res(sink, {});
    co_await r(background(), req, res);
    static_cast<void>(co_await res.finish());
    answer = std::to_string(res.status()) + " " + sink.text.substr(sink.text.find("\r\n\r\n") + 4);
    if (const auto allow = res.headers().get("Allow")) answer += std::string(*allow);
  });
  return answer;
}

}  // namespace

TEST_CASE("routes: the more special pattern wins, whatever their order") {
  http::router r;
  r.handle("/{rest...}", named("all"))
      .handle("/users/{id}", named("user"))
      .handle("/users/me", named("me"))
      .handle("/users/{id}/posts", named("posts"))
      .handle("/users/me/secrets", named("secrets"))
      .handle("/files/{rest...}", named("files"))
      .handle("/", named("root"));
  CHECK(answer_of(r, "GET", "/") == "200 root(,)");
  CHECK(answer_of(r, "GET", "/users/me") == "200 me(,)");
  CHECK(answer_of(r, "GET", "/users/7?x=y") == "200 user(7,)");
  CHECK(answer_of(r, "GET", "/users/a%2Fb") == "200 user(a/b,)");
  CHECK(answer_of(r, "GET", "/users/7/posts") == "200 posts(7,)");
  // A step back: "me" is a literal, but what follows belongs to another pattern.
  CHECK(answer_of(r, "GET", "/users/me/posts") == "200 posts(me,)");
  CHECK(answer_of(r, "GET", "/users/") == "200 all(,users/)");
  CHECK(answer_of(r, "GET", "/files/a/b%20c") == "200 files(,a/b c)");
  CHECK(answer_of(r, "GET", "/files/") == "200 files(,)");
  CHECK(answer_of(r, "GET", "/other") == "200 all(,other)");
  CHECK(answer_of(r, "GET", "http://host/users/7") == "200 user(7,)");
}

TEST_CASE("routes: methods, and what matches nothing") {
  http::router r;
  r.handle("GET /a", named("get")).handle("POST /a", named("post")).handle("/b", named("b"));
  r.handle("PUT /c/{rest...}", named("put")).handle("PUT /b", named("put b"));
  CHECK(answer_of(r, "GET", "/a") == "200 get(,)");
  CHECK(answer_of(r, "HEAD", "/a").starts_with("200 "));
  CHECK(answer_of(r, "POST", "/a") == "200 post(,)");
  CHECK(answer_of(r, "PATCH", "/b") == "200 b(,)");
  CHECK(answer_of(r, "PUT", "/b") == "200 put b(,)");
  CHECK(answer_of(r, "DELETE", "/a") == "405 Method Not Allowed\nGET, POST");
  CHECK(answer_of(r, "GET", "/c/d") == "405 Method Not Allowed\nPUT");
  CHECK(answer_of(r, "GET", "/a/") == "404 Not Found\n");
  CHECK(answer_of(r, "GET", "/none") == "404 Not Found\n");
  CHECK(answer_of(r, "PUT", "/c/../b") == "404 Not Found\n");
  CHECK(answer_of(r, "PUT", "/c/%2e%2e/b") == "404 Not Found\n");
  CHECK(answer_of(r, "GET", "/%zz") == "404 Not Found\n");
  CHECK(answer_of(r, "OPTIONS", "*") == "404 Not Found\n");
}

TEST_CASE("routes: patterns that are refused") {
  http::router r;
  r.handle("GET /a/{x}", named("1"));
  for (const char* bad : {"GET /a/{y}", "", "a", "GET a", "/{", "/{}", "/{a", "/a{b}", "/{a...}/b",
                          "/{...}", "G T /a", " /a"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(r.handle(bad, named("2")), std::invalid_argument);
  }
  CHECK_THROWS_AS(r.handle("/ok", {}), std::invalid_argument);
}

TEST_CASE("requests: path and query") {
  http::request req;
  req.target = "/a%20b/c+d?x=1&y=two+words&z&x=2&bad=%z";
  CHECK(req.path() == "/a b/c+d");
  CHECK(req.query() == "x=1&y=two+words&z&x=2&bad=%z");
  CHECK(req.query_value("x") == "1");
  CHECK(req.query_value("y") == "two words");
  CHECK(req.query_value("z") == "");
  CHECK_FALSE(req.query_value("bad"));
  CHECK_FALSE(req.query_value("w"));
  req.target = "http://host?x=1";
  CHECK(req.path() == "/");
  req.target = "*";
  CHECK(req.path().empty());
}
