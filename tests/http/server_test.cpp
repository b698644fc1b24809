// SPDX-License-Identifier: MIT
// The server, by bytes on a socket: what it answers, and when it goes on.
#include "http_test.hpp"

using namespace http_test;

TEST_CASE("a request is answered, and the connection goes on") {
  run_test(2, []() -> task<> {
    running_server s(options_with(echo), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    for (int i = 0; i < 3; ++i) {
      co_await c.send("GET /a%20b?q=1 HTTP/1.1\r\nHost: x\r\n\r\n");
      const std::string answer = co_await c.read_until("GET /a b ");
      CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
      CHECK(has(answer, "Content-Length: 9\r\n"));
      CHECK(has(answer, "\r\nDate: "));
      CHECK_FALSE(has(answer, "Connection:"));
    }
    co_await s.stop();
  });
}

TEST_CASE("pipelined requests are answered in order") {
  run_test(2, []() -> task<> {
    running_server s(options_with(echo), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    std::string all;
    for (int i = 0; i < 20; ++i) {
      all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
    }
    co_await c.send(all);
    const std::string answers = co_await c.read_until(" body", 20);
    std::size_t at = 0;
    for (int i = 0; i < 20; ++i) {
      at = answers.find("\r\n\r\nPOST /" + std::to_string(i) + " body", at);
      REQUIRE(at != std::string::npos);
    }
    co_await s.stop();
  });
}

TEST_CASE("a client that ends its side behind its requests has all the answers") {
  run_test(2, []() -> task<> {
    running_server s(options_with(echo), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send(
        "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 3\r\n\r\nabc");
    CHECK(c.stream.shutdown(net::direction::writing));
    const std::string answers = co_await c.read_to_end();
    CHECK(has(answers, "GET /1 "));
    CHECK(has(answers, "POST /2 abc"));
    co_await s.stop();
  });
}

TEST_CASE("a body in chunks is read, and its trailers are passed over") {
  run_test(2, []() -> task<> {
    running_server s(options_with(echo), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    const std::string request =
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n";
    // A byte at a time: each line goes on in another piece.
    for (const char& byte : request) co_await c.send({&byte, 1});
    const std::string answer = co_await c.read_until("world");
    CHECK(has(answer, "POST / hello world"));
    co_await c.send(request);
    const std::string again = co_await c.read_until("world");
    CHECK(has(again, "POST / hello world"));
    co_await s.stop();
  });
}

TEST_CASE("a long answer without a length goes out in chunks") {
  run_test(2, []() -> task<> {
    const auto handle = [](context, http::request&, http::response_writer& res) -> task<> {
      const std::string part(3000, 'x');
      for (int i = 0; i < 3; ++i) {
        const result<void> sent = co_await res.write(part);
        sent.value();
      }
    };
    running_server s(options_with(handle), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = co_await c.read_until("0\r\n\r\n");
    CHECK(has(answer, "Transfer-Encoding: chunked\r\n"));
    CHECK(has(answer, "\r\n\r\n1770\r\nxxx"));  // 6000
    CHECK(has(answer, "\r\nbb8\r\nxxx"));       // 3000
    CHECK(count_of(answer, "x") == 9000);

    auto old = co_await raw_client::connect(s.where());
    co_await old.send("GET / HTTP/1.0\r\n\r\n");
    const std::string plain = co_await old.read_to_end();
    CHECK(has(plain, "Connection: close\r\n"));
    CHECK_FALSE(has(plain, "chunked"));
    CHECK(plain.ends_with(std::string(9000, 'x')));
    co_await s.stop();
  });
}

TEST_CASE("HEAD has the header of a GET, and no body") {
  run_test(2, []() -> task<> {
    running_server s(options_with(echo), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send("HEAD /12 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = co_await c.read_until("GET / ");
    CHECK(has(answer, "Content-Length: 9\r\n"));  // "HEAD /12 "
    CHECK_FALSE(has(answer, "HEAD /12"));
    co_await s.stop();
  });
}

TEST_CASE("100 Continue goes out when the handler asks for the body, and not before") {
  run_test(2, []() -> task<> {
    const auto handle = [](context ctx, http::request& req, http::response_writer& res) -> task<> {
      if (req.path() == "/refused") {
        static_cast<void>(res.status(403));
        co_return;
      }
      co_await echo(ctx, req, res);
    };
    running_server s(options_with(handle), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send(
        "POST /taken HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        "Expect: 100-continue\r\n\r\n");
    const std::string first = co_await c.read_until("\r\n\r\n");
    CHECK(first == "HTTP/1.1 100 Continue\r\n\r\n");
    co_await c.send("abc");
    const std::string second = co_await c.read_until("abc");
    CHECK(second.starts_with("HTTP/1.1 200 OK\r\n"));

    co_await c.send(
        "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        "Expect: 100-continue\r\n\r\n");
    const std::string third = co_await c.read_to_end();
    CHECK(third.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    CHECK(has(third, "Connection: close\r\n"));
    co_await s.stop();
  });
}

TEST_CASE("what a handler leaves of a body does not become the next request") {
  run_test(2, []() -> task<> {
    const auto handle = [](context, http::request& req, http::response_writer& res) -> task<> {
      const result<void> sent = co_await res.write_all(req.path() + " done");
      sent.value();
    };
    running_server s(options_with(handle), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send(
        "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 27\r\n\r\n"
        "GET /smuggled HTTP/1.1\r\n\r\n "
        "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answers = co_await c.read_until(" done", 2);
    CHECK(has(answers, "/1 done"));
    CHECK(has(answers, "/2 done"));
    co_await s.stop();
  });
}

TEST_CASE("a handler that throws gives 500 and ends the connection; the server lives on") {
  run_test(2, []() -> task<> {
    auto options =
        options_with([](context, http::request& req, http::response_writer& res) -> task<> {
          if (req.path() == "/late") {
            static_cast<void>(co_await res.write("begun"));
            static_cast<void>(co_await res.flush());
          }
          if (req.path() != "/fine") throw std::runtime_error("told so");
          static_cast<void>(co_await res.write("fine"));
        });
    auto told = make_chan<std::string>(2);
    options.on_handler_error = [told](const http::request& req, std::exception_ptr error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::runtime_error& e) {
        told.try_send(req.target + " " + e.what());
      }
    };
    running_server s(std::move(options), co_await any_port());
    auto c = co_await raw_client::connect(s.where());
    co_await c.send("GET /bad HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = co_await c.read_to_end();
    CHECK(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
    const auto first = co_await told.recv();
    CHECK(first == "/bad told so");

    auto late = co_await raw_client::connect(s.where());
    co_await late.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string cut = co_await late.read_to_end();
    CHECK(has(cut, "begun"));
    CHECK_FALSE(has(cut, "0\r\n\r\n"));  // it is not mistaken for all there is

    auto other = co_await raw_client::connect(s.where());
    co_await other.send("GET /fine HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string fine = co_await other.read_until("fine");
    CHECK(fine.starts_with("HTTP/1.1 200 OK\r\n"));
    co_await s.stop();
  });
}
