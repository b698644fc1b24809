// SPDX-License-Identifier: MIT
// What the server refuses, and what it does not wait for.
#include "http_test.hpp"

#include <stdexcept>
#include <vector>

using namespace http_test;

namespace {

/// What a server with `options` answers to `request`, to the end of the connection.
task<std::string> answer_of(http::server_options options, std::string request) {
  running_server s(std::move(options), co_await any_port());
  auto c = co_await raw_client::connect(s.where());
  co_await c.send(request);
  std::string answer = co_await c.read_to_end();
  co_await s.stop();
  co_return answer;
}

std::string status_of(const std::string& answer) { return answer.substr(0, 12); }

}  // namespace

TEST_CASE("what two readers could take for two messages is refused") {
  const std::vector<std::string> bad = {
      "Content-Length: 5\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: 5, 5\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "Content-Length : 5\r\n",
      "Host: y\r\n",
      "A: b\nContent-Length: 5\r\n",
      "A\r\n",
  };
  run_test(2, [&]() -> task<> {
    for (const std::string& fields : bad) {
      const std::string answer = co_await answer_of(
          options_with(echo), "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
      CAPTURE(fields);  // behind the await: doctest keeps it for the thread
      CHECK(status_of(answer) == "HTTP/1.1 400");
      CHECK(has(answer, "Connection: close\r\n"));
      CHECK(count_of(answer, "HTTP/1.1") == 1);
    }
  });
}

TEST_CASE("requests that are none, and what the server does not do") {
  const std::vector<std::pair<std::string, std::string>> all = {
      {"GET / HTTP/1.1\r\n\r\n", "400"},  // no Host
      {"GET / HTTP/1.1\r\nHost: x y\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n", "200"},
      {"GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n", "200"},
      {"nonsense\r\n\r\n", "400"},
      {"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"\x16\x03\x01\x02", "400"},  // a TLS hello
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n", "417"},
      {"GET / HTTP/1.1\nHost: x\n\n", "400"},
      {"GET / HTTP/1.1\r\nHost: x\n\n", "400"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\n", "400"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\n0\n\n", "400"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
       "fffffffffffffffff\r\n",
       "400"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
           std::string(40'000, 'x'),
       "400"},  // one without an end
  };
  run_test(2, [&]() -> task<> {
    for (const auto& [request, status] : all) {
      const std::string answer = co_await answer_of(options_with(echo), request);
      CAPTURE(request.substr(0, 100));
      CHECK(status_of(answer) == "HTTP/1.1 " + status);
    }
  });
}

TEST_CASE("a header is limited as a whole, in one line or in many") {
  run_test(2, []() -> task<> {
    auto options = options_with(echo);
    options.header_limit = 1000;
    const std::string start = "GET / HTTP/1.1\r\nHost: x\r\n";
    const std::string one = co_await answer_of(options, start + "A: " + std::string(2000, 'a'));
    CHECK(status_of(one) == "HTTP/1.1 431");

    std::string many = start;
    for (int i = 0; i < 200; ++i) many += "Name: value\r\n";
    const std::string lines = co_await answer_of(options, many);
    CHECK(status_of(lines) == "HTTP/1.1 431");

    const std::string target =
        co_await answer_of(options, "GET /" + std::string(2000, 'a') + " HTTP/1.1\r\n");
    CHECK(status_of(target) == "HTTP/1.1 431");

    // A header of exactly the limit is fine.
    std::string exact = start + "Connection: close\r\nA: ";
    exact += std::string(1000 - exact.size() - 4, 'a') + "\r\n\r\n";
    const std::string fine = co_await answer_of(options, exact);
    CHECK(status_of(fine) == "HTTP/1.1 200");
  });
}

TEST_CASE("a body is limited, whether its length is announced or not") {
  run_test(2, []() -> task<> {
    auto options = options_with(echo);
    options.body_limit = 100;
    options.on_handler_error = [](const http::request&, std::exception_ptr) {};
    const std::string post = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    const std::string announced = co_await answer_of(options, post + "Content-Length: 101\r\n\r\n");
    CHECK(status_of(announced) == "HTTP/1.1 413");

    const std::string chunk = "32\r\n" + std::string(50, 'a') + "\r\n";
    const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
    const std::string fits = co_await answer_of(options, chunked + chunk + chunk + "0\r\n\r\n");
    CHECK(status_of(fits) == "HTTP/1.1 200");
    const std::string larger = co_await answer_of(options, chunked + chunk + chunk + "1\r\nx");
    CHECK(status_of(larger) == "HTTP/1.1 413");
  });
}

TEST_CASE("a client that is slow with its header, or its body, gets 408") {
  run_test(2, []() -> task<> {
    auto options = options_with(echo);
    options.read_header_timeout = 20ms;
    options.read_body_timeout = 20ms;
    const std::string header = co_await answer_of(options, "GET / HTTP/1.1\r\nHost: x\r\nA");
    CHECK(status_of(header) == "HTTP/1.1 408");
    const std::string body =
        co_await answer_of(options, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    CHECK(status_of(body) == "HTTP/1.1 408");
  });
}

TEST_CASE("a body that ends early, and is not read to its end by a handler that says nothing") {
  run_test(2, []() -> task<> {
    const auto read = [](context, http::request& req, http::response_writer&) -> task<> {
      char piece[100];
      while (co_await [&]() -> task<bool> {
        const result<std::size_t> n = co_await req.body.read(piece);
        co_return n && *n > 0;
      }()) {
      }
    };
    running_server s(options_with(read), co_await any_port());
    for (const std::string body :
         {"Content-Length: 5\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
      auto c = co_await raw_client::connect(s.where());
      co_await c.send("POST / HTTP/1.1\r\nHost: x\r\n" + body);
      const result<void> ended = c.stream.shutdown(net::direction::writing);
      const std::string answer = co_await c.read_to_end();
      CAPTURE(body);
      CHECK(ended);
      CHECK(status_of(answer) == "HTTP/1.1 400");
    }
    co_await s.stop();
  });
}

TEST_CASE("a handler that gives up at request_timeout, and says nothing, has said 503") {
  run_test(2, []() -> task<> {
    const auto wait = [](context ctx, http::request& req, http::response_writer& res) -> task<> {
      if (req.path() == "/says") static_cast<void>(res.status(504));
      co_await ctx.done();
    };
    auto options = options_with(wait);
    options.request_timeout = 20ms;
    const std::string get = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const std::string silent = co_await answer_of(options, "GET /" + get);
    CHECK(status_of(silent) == "HTTP/1.1 503");
    const std::string says = co_await answer_of(options, "GET /says" + get);
    CHECK(status_of(says) == "HTTP/1.1 504");
  });
}

TEST_CASE("a response without a length whose handler fails is reset: it is not all there is") {
  run_test(2, []() -> task<> {
    auto options = options_with([](context, http::request&, http::response_writer& res) -> task<> {
      static_cast<void>(co_await res.write("begun"));
      static_cast<void>(co_await res.flush());
      throw std::runtime_error("fails");
    });
    options.on_handler_error = [](const http::request&, std::exception_ptr) {};
    running_server s(std::move(options), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send("GET / HTTP/1.0\r\n\r\n");
    std::error_code error;
    for (std::size_t n = 1; n > 0;) {
      char piece[100];
      const result<std::size_t> got = co_await c.stream.read(piece);
      error = got.error();
      n = got.value_or(0);
    }
    CHECK(error == std::errc::connection_reset);
    co_await s.stop();
  });
}

TEST_CASE("what is announced of a body and too long to be passed over ends the connection") {
  run_test(2, []() -> task<> {
    const auto ignore = [](context, http::request&, http::response_writer& res) -> task<> {
      static_cast<void>(co_await res.write_all("done"));
    };
    auto options = options_with(ignore);
    options.body_limit = 1UL << 30;
    const std::string post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    const std::string answer = co_await answer_of(options, post + "1000000\r\n\r\n");
    CHECK(status_of(answer) == "HTTP/1.1 200");
    CHECK(has(answer, "Connection: close\r\n"));
  });
}

TEST_CASE("limits and timeouts of a server that let nothing through are refused") {
  using options = http::server_options;
  const std::vector<void (*)(options&)> all = {
      [](options& o) { o.connection_limit = 0; },     [](options& o) { o.header_limit = 0; },
      [](options& o) { o.read_header_timeout = 0s; }, [](options& o) { o.read_body_timeout = -1s; },
      [](options& o) { o.write_timeout = 0s; },       [](options& o) { o.idle_timeout = 0s; },
      [](options& o) { o.handler = nullptr; },
  };
  for (const auto spoil : all) {
    options o = options_with(echo);
    spoil(o);
    CHECK_THROWS_AS(http::server{o}, std::invalid_argument);
  }
}

TEST_CASE("a connection that brings no request, or no further one, is ended without a word") {
  run_test(2, []() -> task<> {
    auto options = options_with(echo);
    options.read_header_timeout = 20ms;
    const std::string nothing = co_await answer_of(options, "");
    CHECK(nothing.empty());

    auto idle = options_with(echo);
    idle.idle_timeout = 20ms;
    const std::string one = co_await answer_of(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status_of(one) == "HTTP/1.1 200");
    CHECK(count_of(one, "HTTP/1.1") == 1);
  });
}

TEST_CASE("a client that takes no answer is given up") {
  run_test(2, []() -> task<> {
    auto failed = make_chan<std::error_code>(1);
    auto options =
        options_with([failed](context, http::request&, http::response_writer& res) -> task<> {
          const std::string part(1 << 16, 'x');
          for (;;) {
            const result<void> sent = co_await res.write(part);
            if (sent) continue;
            failed.try_send(sent.error());
            co_return;
          }
        });
    options.write_timeout = 20ms;
    running_server s(std::move(options), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto error = co_await failed.recv();
    CHECK(error == ::burrow::errc::deadline_exceeded);
    co_await s.stop();
  });
}

TEST_CASE("no field that a handler sets can add a line") {
  http::headers h;
  CHECK_THROWS_AS(h.set("A", "b\r\nC: d"), std::invalid_argument);
  CHECK_THROWS_AS(h.set("A", std::string("b\0c", 3)), std::invalid_argument);
  CHECK_THROWS_AS(h.add("A b", "c"), std::invalid_argument);
  CHECK_THROWS_AS(h.add("", "c"), std::invalid_argument);
  CHECK(h.empty());
  h.add("A", "b, Close");
  h.add("a", "c");
  CHECK(h.count("A") == 2);
  CHECK(h.has_token("a", "close"));
  CHECK_FALSE(h.has_token("a", "clos"));
  h.set("a", "d");
  CHECK(h.size() == 1);
  CHECK(h.get("A") == "d");
  CHECK(h.remove("A") == 1);
}
