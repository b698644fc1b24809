// SPDX-License-Identifier: MIT
//
// From cancel() to the return of what waits: so many goroutines read from a socket each, to which
// nothing comes, or accept from a listener each, or sleep.
#include "harness.hpp"

#include <burrow/net/listener.hpp>
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

/// One of each kind waits until its Context ends; gives the error.
task<std::error_code> wait_in(net::stream& s) {
  std::array<char, 64> buffer;
  const auto n = co_await s.read(buffer);
  co_return n.error();
}
task<std::error_code> wait_in(net::listener& l) {
  const auto s = co_await l.accept();
  co_return s.error();
}
task<std::error_code> wait_in(std::chrono::hours& length) {
  const std::error_code ended = co_await sleep(length);
  co_return ended;
}

template <class T>
task<> wait_until_ended(context ctx, T& in, std::size_t index, moments& m) {
  ++m.waiting;
  const std::error_code error = co_await wait_in(in);
  m.ended[index] = steady::now();
  check(error == ctx.err(), "what waited was cancelled");
}

/// Microseconds to the end of the median and of the last.
template <class T>
task<std::pair<double, double>> trial(std::vector<T>& all) {
  auto [ctx, cancel] = with_cancel(background());
  moments m;
  m.ended.resize(all.size());
  wait_group ended;
  ended.add(static_cast<int>(all.size()));
  for (std::size_t i = 0; i < all.size(); ++i) {
    go(
        [&, i](context own) -> task<> {
          co_await wait_until_ended(own, all[i], i, m);
          ended.done();
        },
        ctx);
  }
  while (m.waiting < static_cast<int>(all.size())) co_await this_goroutine::yield();
  co_await sleep(std::chrono::milliseconds(5));  // until the kernel has all of them
  const auto begin = steady::now();
  cancel();
  co_await ended.wait();
  std::sort(m.ended.begin(), m.ended.end());
  const auto us = [begin](steady::time_point at) {
    return std::chrono::duration<double, std::micro>(at - begin).count();
  };
  co_return {us(m.ended[m.ended.size() / 2]), us(m.ended.back())};
}

struct size {
  int n;
  int trials;
};
constexpr size sizes[] = {{1, 200}, {1000, 10}, {10'000, 3}};

template <class T, class Make>
task<> cancel_all(std::string what, Make make) {
  for (const size s : sizes) {
    std::vector<T> all;
    for (int i = 0; i < s.n; ++i) all.push_back(co_await make());
    std::vector<std::vector<double>> medians;
    std::vector<std::vector<double>> lasts;
    for (int rep = 0; rep < config().reps; ++rep) {
      auto& median = medians.emplace_back();
      auto& last = lasts.emplace_back();
      for (int i = 0; i < s.trials; ++i) {
        const auto [middle, end] = co_await trial(all);
        median.push_back(middle);
        last.push_back(end);
      }
    }
    const std::string name = "cancel_" + what + "_" + std::to_string(s.n);
    report_samples(name + "_median", std::move(medians), "us");
    report_samples(name + "_last", std::move(lasts), "us");
  }
}

}  // namespace

task<> cancel_io() {
  raise_descriptor_limit();
  co_await cancel_all<net::stream>("read",
                                   []() -> task<net::stream> { co_return silent_socket(); });
  co_await cancel_all<net::listener>("accept", []() -> task<net::listener> {
    auto l = co_await net::listen("tcp", "127.0.0.1:0");
    check(l.has_value(), "a listener for each");
    co_return *std::move(l);
  });
  co_await cancel_all<std::chrono::hours>(
      "sleep", []() -> task<std::chrono::hours> { co_return std::chrono::hours(1); });
}

}  // namespace bench
