// SPDX-License-Identifier: MIT
// Dials that do not come through: a peer whose queue is full does not answer, and one that has gone
// without a word does not either.
#include "sockets.hpp"

#include <burrow/burrow.hpp>
#include <burrow/net.hpp>

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <string>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// Listens, and accepts nobody: what dials it waits for an answer, as the kernel drops what does
/// not fit into the queue.
class deaf_listener {
 public:
  deaf_listener() {
    REQUIRE(fd_ >= 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const address = reinterpret_cast<sockaddr*>(&at);
    socklen_t size = sizeof(at);
    REQUIRE(::bind(fd_, address, size) == 0);
    REQUIRE(::listen(fd_, 0) == 0);
    REQUIRE(::getsockname(fd_, address, &size) == 0);
    where_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    // On this machine a connection is there at once, or its first packet was dropped.
    do {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      REQUIRE(fd >= 0);
      fillers_.push_back(fd);
      ::connect(fd, address, size);
      REQUIRE(fillers_.size() < 100);
    } while (is_connected(fillers_.back()));
  }
  deaf_listener(const deaf_listener&) = delete;
  deaf_listener& operator=(const deaf_listener&) = delete;
  ~deaf_listener() {
    for (const int fd : fillers_) ::close(fd);
    ::close(fd_);
  }
  const std::string& where() const noexcept { return where_; }

 private:
  static bool is_connected(int fd) {
    tcp_info info{};
    socklen_t size = sizeof(info);
    REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
    return info.tcpi_state == TCP_ESTABLISHED;
  }

  int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string where_;
  std::vector<int> fillers_;
};

}  // namespace

TEST_CASE("dial: one that gets no answer ends with the Context, and leaves no descriptor") {
  const deaf_listener deaf;
  run_test(2, [&]() -> task<> {
    const int before = open_descriptors();
    for (int i = 0; i < 20; ++i) {
      auto [ctx, cancel] = with_cancel(this_goroutine::context());
      auto given_up = make_chan<std::error_code>(1);
      go([&, own = ctx]() -> task<> {
        const result<net::stream> s = co_await net::dial(own, "tcp", deaf.where());
        co_await given_up.send(s.error());
      });
      // By now it may be on its way, or not have begun.
      for (int k = 0; k < i; ++k) co_await this_goroutine::yield();
      cancel();
      const auto error = co_await given_up.recv();
      CHECK(*error == errc::canceled);
    }
    auto [ctx, cancel] = with_timeout(this_goroutine::context(), 20ms);
    const result<net::stream> late = co_await net::dial(ctx, "tcp", deaf.where());
    CHECK(late.error() == errc::deadline_exceeded);
    while (open_descriptors() != before) co_await this_goroutine::yield();
  });
}

TEST_CASE("dial: one that gets no answer is unwound when nobody wants it any more") {
  const deaf_listener deaf;
  const int before = open_descriptors();
  run_test(2, [&]() -> task<> {
    const auto dials = [&]() -> task<int> {
      const result<net::stream> s = co_await net::dial("tcp", deaf.where());
      co_return s ? 1 : 2;
    };
    const auto gives_up = []() -> task<int> {
      co_await sleep(1ms);
      co_return 3;
    };
    const int first = co_await race(dials(), gives_up());
    CHECK(first == 3);
    // The end of run() finds it waiting, or before that.
    go([](std::string where) -> task<> { static_cast<void>(co_await net::dial("tcp", where)); },
       deaf.where());
    co_await this_goroutine::yield();
  });
  CHECK(open_descriptors() == before);
}
