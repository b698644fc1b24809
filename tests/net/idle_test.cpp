// SPDX-License-Identifier: MIT
// Ten thousand connections of another process that wait in a read: each is served, and one cancel
// ends all of them.
#include "sockets.hpp"

#include <algorithm>
#include <atomic>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <vector>

namespace {

using namespace burrow;

constexpr int wanted = 10'000;
constexpr int others = 200;  // descriptors that are no connections

/// The limit on descriptors raised as far as it goes, for as long as this lives.
class raised_limit {
 public:
  raised_limit() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit now = before_;
    now.rlim_cur = now.rlim_max;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
  }
  ~raised_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  raised_limit(const raised_limit&) = delete;
  raised_limit& operator=(const raised_limit&) = delete;

  int connections() const {
    const int room = static_cast<int>(std::min<rlim_t>(before_.rlim_max, wanted + others));
    return room - others;
  }

 private:
  rlimit before_{};
};

// --- the clients: a process without burrow -------------------------------------------------------

bool write_byte(int fd) { return ::write(fd, "x", 1) == 1; }

bool read_byte(int fd) {
  char some = 0;
  return ::read(fd, &some, 1) == 1;
}

int connected_to(in_port_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = port;
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 ? fd : -1;
}

/// Reads the port, has every connection answer once, says so, and waits for the end of each.
[[noreturn]] void be_clients(int port_from, int served_to, int count) {
  in_port_t port = 0;
  if (::read(port_from, &port, sizeof(port)) != sizeof(port)) ::_exit(1);
  std::vector<int> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(connected_to(port));
    if (all.back() < 0) ::_exit(2);
  }
  for (const int fd : all) {
    if (!write_byte(fd) || !read_byte(fd)) ::_exit(3);
  }
  if (!write_byte(served_to)) ::_exit(4);
  for (const int fd : all) {
    char some = 0;
    if (::read(fd, &some, 1) != 0) ::_exit(5);
  }
  ::_exit(0);
}

// --- the server ----------------------------------------------------------------------------------

task<> echo_until_cancelled(net::stream s, std::atomic<int>& cancelled) {
  std::array<char, 16> some;
  for (;;) {
    const result<std::size_t> n = co_await s.read(some);
    if (!n || *n == 0) {
      if (n.error() == errc::canceled) ++cancelled;
      co_return;
    }
    (co_await s.write_all(const_bytes(some.data(), *n))).value();
  }
}

task<> serve_all(context, net::listener l, int count, std::atomic<int>& cancelled) {
  co_await scope([&](group& g) -> task<> {
    for (int i = 0; i < count; ++i) {
      g.go(echo_until_cancelled, (co_await l.accept()).value(), std::ref(cancelled));
    }
    co_await g.wait();
  });
}

TEST_CASE("10 000 idle connections are served, and one cancel ends them all") {
  const raised_limit limit;
  const int count = limit.connections();
  REQUIRE(count > 0);
  if (count < wanted) MESSAGE(count << " connections: descriptors are limited");
  const int before = open_descriptors();
  std::array<int, 2> port{};
  std::array<int, 2> served{};
  REQUIRE(::pipe(port.data()) == 0);
  REQUIRE(::pipe(served.data()) == 0);
  const pid_t clients = ::fork();
  REQUIRE(clients >= 0);
  if (clients == 0) {
    ::close(port[1]);
    be_clients(port[0], served[1], count);
  }
  ::close(served[1]);  // so that clients that have failed are seen to
  std::atomic<int> cancelled{0};
  run_test(2, [&]() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    net::listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    const in_port_t number = htons(l.local_address().port());
    REQUIRE(::write(port[1], &number, sizeof(number)) == sizeof(number));
    co_await scope([&](group& g) -> task<> {
      g.go(serve_all, ctx, l, count, std::ref(cancelled));
      const bool all_served = co_await blocking([&] { return read_byte(served[0]); });
      CHECK(all_served);
      cancel();
      co_await g.wait();
    });
  });
  CHECK(cancelled == count);
  int status = -1;
  CHECK(::waitpid(clients, &status, 0) == clients);
  CHECK(status == 0);
  for (const int fd : {port[0], port[1], served[0]}) ::close(fd);
  CHECK(open_descriptors() == before);
}

}  // namespace
