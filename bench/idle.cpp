// SPDX-License-Identifier: MIT
//
// What a connection takes that is idle in `read`: 10 000 of them, whose clients are another
// process. Counted are the resident bytes of this one; the kernel's share, which is the same for
// whoever serves them, is not in there. Runs in a process of its own, as `memory` does.
#include "harness.hpp"

#include <burrow/net/listener.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace burrow;
using namespace std::chrono_literals;

namespace bench {
namespace {

constexpr int wanted = 10'000;
constexpr int others = 200;  // descriptors that are no connections

/// As many as are wanted, or as the hard limit on descriptors leaves; that is said.
int connection_count() {
  const int count = std::min(raise_descriptor_limit() - others, wanted);
  check(count > 0, "the limit on descriptors leaves some for connections");
  if (count < wanted) std::printf("# idle: %d connections, as descriptors are limited\n", count);
  return count;
}

/// A process that connects `count` times and ends with this object. It is forked from a program
/// with threads, and so makes system calls alone.
class clients {
 public:
  clients(const net::address& to, int count) {
    std::array<int, 2> ends{};
    check(::pipe(ends.data()) == 0, "a pipe to the clients");
    process_ = ::fork();
    check(process_ >= 0, "fork");
    until_closed_ = ends[1];
    if (process_ != 0) {
      ::close(ends[0]);
      return;
    }
    ::close(ends[1]);
    for (int i = 0; i < count; ++i) {
      const int fd = ::socket(to.family(), SOCK_STREAM, 0);
      if (fd < 0 || ::connect(fd, to.data(), static_cast<socklen_t>(to.size())) != 0) ::_exit(1);
    }
    char end = 0;
    ::_exit(::read(ends[0], &end, 1) == 0 ? 0 : 1);
  }
  clients(const clients&) = delete;
  clients& operator=(const clients&) = delete;
  ~clients() {
    ::close(until_closed_);
    int status = 0;
    check(::waitpid(process_, &status, 0) == process_ && status == 0, "the clients connected");
  }

 private:
  pid_t process_ = 0;
  int until_closed_ = -1;
};

struct crowd {
  std::atomic<int> reading{0};
  std::atomic<int> cancelled{0};
};

task<> be_idle(net::stream s, crowd& c) {
  std::array<char, 64> buffer;
  ++c.reading;
  const auto n = co_await s.read(buffer);
  if (!n && n.error() == errc::canceled) ++c.cancelled;
}

task<> accept_all(context ctx, net::listener l, int count, crowd& c) {
  co_await scope([&](group& g) -> task<> {
    for (int i = 0; i < count; ++i) {
      auto s = co_await l.accept();
      check(s.has_value(), "accept");
      g.go(be_idle, *std::move(s), std::ref(c));
    }
  });
}

}  // namespace

task<> idle() {
  const int count = connection_count();
  auto l = co_await net::listen("tcp", "127.0.0.1:0");
  check(l.has_value(), "listen");
  auto [ctx, cancel] = with_cancel(background());
  crowd c;
  const std::int64_t before = rss_bytes();
  const clients process(l->local_address(), count);
  wait_group ended;
  ended.go([&, ctx = ctx]() -> task<> { co_await accept_all(ctx, *l, count, c); });
  while (c.reading < count) co_await sleep(1ms);
  co_await sleep(300ms);
  emit("mem_per_idle_conn", static_cast<double>(rss_bytes() - before) / count, "bytes");
  stopwatch watch;
  cancel();
  co_await ended.wait();
  emit("mem_per_idle_conn_cancel_close", watch.us() / count, "us/conn");
  check(c.cancelled == count, "every read was cancelled");
}

}  // namespace bench
