// SPDX-License-Identifier: MIT
//
// Skynet: a tree of goroutines, ten children each, whose leaves add up to a known sum; over
// channels, and over wait groups.
#include "harness.hpp"

using namespace burrow;

namespace bench {
namespace {

task<> over_channels(send_chan<std::int64_t> out, std::int64_t num, int size, int div) {
  if (size == 1) {
    co_await out.send(num);
    co_return;
  }
  auto results = make_chan<std::int64_t>();
  for (int i = 0; i < div; ++i) {
    go(over_channels, results, num + static_cast<std::int64_t>(i) * (size / div), size / div, div);
  }
  std::int64_t sum = 0;
  for (int i = 0; i < div; ++i) {
    std::int64_t part = 0;
    co_await results.recv(part);
    sum += part;
  }
  co_await out.send(sum);
}

task<std::int64_t> over_wait_groups(std::int64_t num, int size, int div) {
  if (size == 1) co_return num;
  std::vector<std::int64_t> results(static_cast<std::size_t>(div));
  wait_group wg;
  wg.add(div);
  int share = size / div;
  for (std::int64_t& result : results) {
    go([&wg, &result, num, share, div]() -> task<> {
      result = co_await over_wait_groups(num, share, div);
      wg.done();
    });
    num += share;
  }
  co_await wg.wait();
  std::int64_t sum = 0;
  for (std::int64_t result : results) sum += result;
  co_return sum;
}

task<double> time_over_channels() {
  stopwatch watch;
  auto c = make_chan<std::int64_t>();
  go(over_channels, c, 0, 1'000'000, 10);
  std::int64_t sum = 0;
  co_await c.recv(sum);
  check(sum == 499'999'500'000, "skynet");
  co_return watch.ms();
}

task<double> time_over_wait_groups(int leaves) {
  stopwatch watch;
  std::int64_t sum = co_await over_wait_groups(0, leaves, 10);
  check(sum == std::int64_t{leaves} * (leaves - 1) / 2, "skynet");
  co_return watch.ms();
}

}  // namespace

task<> skynet() {
  co_await repeat("skynet_1m_chan", "ms", time_over_channels);
  co_await repeat("skynet_1m_waitgroup", "ms", [] { return time_over_wait_groups(1'000'000); });
}

task<> skynet100m() {
  auto once = [] { return time_over_wait_groups(100'000'000); };
  co_await repeat("skynet_100m_waitgroup", "ms", once, 1);
}

}  // namespace bench
