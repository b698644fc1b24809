// SPDX-License-Identifier: MIT
// stream::receive: memory is taken when there is something to be put into it.
#include "sockets.hpp"

#include <burrow/buffered_reader.hpp>
#include <burrow/burrow.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace burrow;

namespace {

std::string numbered(int i) { return "message " + std::to_string(i); }

/// What one receive() of `s` gives, as text.
task<std::string> received(net::stream s, std::size_t most = 4096) {
  const result<io_buffer> got = co_await s.receive(most);
  CHECK(got);
  co_return std::string(got->text());
}

TEST_CASE("lines: one that is too long is told of, and left behind") {
  run_test(1, []() -> task<> {
    connection c = co_await connect_here();
    (co_await c.client.write_all("much too long\nshort\n")).value();
    c.client.close().value();
    buffered_reader lines(c.server);
    const auto too_long = co_await lines.read_line(5);
    CHECK(too_long.error() == std::errc::message_size);
    int left = 0;
    for (;;) {
      const auto line = co_await lines.read_line(5);
      if (line && !*line) break;
      if (line && *line == "short") ++left;
    }
    CHECK(left == 1);
  });
}

}  // namespace

TEST_CASE("receive: what has come, the most that is asked for, and the end again and again") {
  run_test(2, []() -> task<> {
    connection c = socket_pair();
    (co_await c.client.write_all("hello")).value();
    const std::string text1 = co_await received(c.server);
    CHECK(text1 == "hello");
    (co_await c.client.write_all("hello")).value();
    const std::string text2 = co_await received(c.server, 2);
    CHECK(text2 == "he");
    const std::string text3 = co_await received(c.server, 100'000);
    CHECK(text3 == "llo");
    c.client.close().value();
    for (int i = 0; i < 3; ++i) {
      const std::string none = co_await received(c.server);
      CHECK(none == "");
    }
    c.server.close().value();
    const result<io_buffer> closed = co_await c.server.receive();
    CHECK(closed.error() == errc::not_open);
    const result<io_buffer> nil = co_await net::stream().receive();
    CHECK(nil.error() == errc::not_open);
  });
}

TEST_CASE("receive: one that waits gets what comes later; far more than there are buffers") {
  run_test(2, []() -> task<> {
    connection c = co_await connect_here();
    std::string all;
    for (int i = 0; i < 20'000; ++i) all += numbered(i);
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> {
        (co_await c.client.write_all(all)).value();
        c.client.shutdown(net::direction::writing).value();
      });
      std::string back;
      for (;;) {
        const result<io_buffer> got = co_await c.server.receive();
        if (!got || got->empty()) break;
        CHECK(got->size() <= 4096);
        back += got->text();
      }
      CHECK(back == all);
    });
  });
}

TEST_CASE("receive: more connections than a worker has buffers, all at the same time") {
  run_test(1, []() -> task<> {
    constexpr int count = 200;
    std::vector<connection> all;
    for (int i = 0; i < count; ++i) all.push_back(socket_pair());
    for (int i = 0; i < count; ++i) (co_await all[i].client.write_all(numbered(i))).value();
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < count; ++i) {
        g.go([&all, i]() -> task<> {
          const std::string got = co_await received(all[i].server);
          CHECK(got == numbered(i));
        });
      }
      co_return;
    });
  });
}

TEST_CASE("receive: a Context ends it, abandonment too, and nothing is lost to the next one") {
  run_test(2, []() -> task<> {
    connection c = socket_pair();
    std::string sent;
    std::string back;
    for (int i = 0; i < 300; ++i) {
      auto [ctx, cancel] = with_cancel(this_goroutine::context());
      co_await scope([&](group& g) -> task<> {
        g.go([&, own = ctx]() -> task<> {
          const result<io_buffer> got = co_await c.server.receive(own);
          if (got) {
            back += got->text();
          } else {
            CHECK(got.error() == errc::canceled);
          }
        });
        if (i % 3 == 0) co_await this_goroutine::yield();
        sent += numbered(i);
        (co_await c.client.write_all(numbered(i))).value();
        if (i % 2 == 0) co_await this_goroutine::yield();
        cancel();
      });
    }
    c.client.shutdown(net::direction::writing).value();
    for (;;) {
      const std::string rest = co_await received(c.server);
      if (rest.empty()) break;
      back += rest;
    }
    CHECK(back == sent);
  });
}

TEST_CASE("receive: an abandoned one gives its buffer back") {
  run_test(2, []() -> task<> {
    connection c = socket_pair();
    for (int i = 0; i < 300; ++i) {
      const auto waits = [&]() -> task<int> {
        // Its Context ends before it is abandoned, so it may see that.
        const result<io_buffer> got = co_await c.server.receive();
        CHECK((got || got.error() == errc::canceled));
        co_return 1;
      };
      const auto ends = [&]() -> task<int> {
        (co_await c.client.write_all("x")).value();
        co_return 2;
      };
      const int first = co_await race(waits(), ends());
      CHECK((first == 1 || first == 2));
    }
    (co_await c.client.write_all("last")).value();
    const std::string rest = co_await received(c.server);
    CHECK(rest.ends_with("last"));
  });
}

TEST_CASE("receive: a deadline ends it, and once it is moved the next one goes on") {
  run_test(1, []() -> task<> {
    connection c = socket_pair();
    c.server.set_read_deadline(std::chrono::steady_clock::now()).value();
    const result<io_buffer> late = co_await c.server.receive();
    CHECK(late.error() == errc::io_timeout);
    c.server.set_read_deadline(std::chrono::steady_clock::time_point::max()).value();
    (co_await c.client.write_all("again")).value();
    const std::string text5 = co_await received(c.server);
    CHECK(text5 == "again");
  });
}

TEST_CASE("receive: lines, from a reader that holds no memory while it waits") {
  run_test(2, []() -> task<> {
    connection c = socket_pair();
    buffered_reader lines(c.server);
    (co_await c.client.write_all("one\ntw")).value();
    const auto line6 = co_await lines.read_line();
    CHECK(line6.value() == "one");
    (co_await c.client.write_all("o\nthree")).value();
    c.client.close().value();
    const auto line7 = co_await lines.read_line();
    CHECK(line7.value() == "two");
    const auto line8 = co_await lines.read_line();
    CHECK(line8.value() == "three");
    const auto end = co_await lines.read_line();
    CHECK_FALSE(end.value());
  });
}
