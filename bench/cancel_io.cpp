// SPDX-License-Identifier: MIT
//
// From cancel() to the return of what waits in the kernel: so many goroutines each read from a
// socket of their own, to which nothing comes.
#include "harness.hpp"

#include <burrow/net/stream.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace burrow;

namespace bench {
namespace {

/// A datagram socket: one descriptor for each that waits.
net::stream silent_socket() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) == 0,
        "a socket for each");
  return net::stream::adopt(fd);
}

struct moments {
  std::atomic<int> waiting{0};
  std::vector<steady::time_point> ended;
};

task<> wait_in_read(context ctx, net::stream s, std::size_t index, moments& m) {
  std::array<char, 64> buffer;
  ++m.waiting;
  const auto n = co_await s.read(buffer);
  m.ended[index] = steady::now();
  check(n.error() == errc::canceled, "the read was cancelled");
}

/// Microseconds to the end of the median and of the last.
task<std::pair<double, double>> trial(const std::vector<net::stream>& sockets) {
  auto [ctx, cancel] = with_cancel(background());
  moments m;
  m.ended.resize(sockets.size());
  wait_group all;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    all.go([&, ctx = ctx, i]() -> task<> { co_await wait_in_read(ctx, sockets[i], i, m); });
  }
  while (m.waiting < static_cast<int>(sockets.size())) co_await this_goroutine::yield();
  co_await sleep(std::chrono::milliseconds(5));  // until the kernel has all of them
  const auto begin = steady::now();
  cancel();
  co_await all.wait();
  std::sort(m.ended.begin(), m.ended.end());
  const auto us = [begin](steady::time_point at) {
    return std::chrono::duration<double, std::micro>(at - begin).count();
  };
  co_return {us(m.ended[m.ended.size() / 2]), us(m.ended.back())};
}

task<> cancel_reads(int n, int trials) {
  std::vector<net::stream> sockets;
  for (int i = 0; i < n; ++i) sockets.push_back(silent_socket());
  std::vector<std::vector<double>> medians;
  std::vector<std::vector<double>> lasts;
  for (int rep = 0; rep < config().reps; ++rep) {
    auto& median = medians.emplace_back();
    auto& last = lasts.emplace_back();
    for (int i = 0; i < trials; ++i) {
      const auto [middle, end] = co_await trial(sockets);
      median.push_back(middle);
      last.push_back(end);
    }
  }
  const std::string name = "cancel_read_" + std::to_string(n);
  report_samples(name + "_median", std::move(medians), "us");
  report_samples(name + "_last", std::move(lasts), "us");
}

}  // namespace

task<> cancel_io() {
  co_await cancel_reads(1, 200);
  co_await cancel_reads(1000, 10);
  co_await cancel_reads(10'000, 3);
}

}  // namespace bench
