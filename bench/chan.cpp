// SPDX-License-Identifier: MIT
//
// Channels: two goroutines, a pipeline, one producer and one consumer, several of each.
#include "harness.hpp"

#include <atomic>

using namespace burrow;

namespace bench {
namespace {

task<double> spsc(std::size_t capacity, std::int64_t n) {
  auto ch = make_chan<int>(capacity);
  stopwatch watch;
  go([ch, n]() -> task<> {
    for (int i = 0; i < n; ++i) co_await ch.send(i);
    ch.close();
  });
  std::int64_t sum = 0;
  int v = 0;
  while (co_await ch.recv(v)) sum += v;
  check(sum == n * (n - 1) / 2, "spsc sum");
  co_return watch.ns_per(n);
}

task<double> mpmc(int producers, int consumers, std::size_t capacity, int n) {
  auto ch = make_chan<int>(capacity);
  wait_group producing;
  wait_group consuming;
  std::atomic<std::int64_t> total = 0;
  stopwatch watch;
  for (int p = 0; p < producers; ++p) {
    producing.add(1);
    go([&, share = n / producers]() -> task<> {
      for (int i = 0; i < share; ++i) co_await ch.send(i);
      producing.done();
    });
  }
  for (int c = 0; c < consumers; ++c) {
    consuming.add(1);
    go([&]() -> task<> {
      std::int64_t received = 0;
      int v = 0;
      while (co_await ch.recv(v)) ++received;
      total += received;
      consuming.done();
    });
  }
  co_await producing.wait();
  ch.close();
  co_await consuming.wait();
  double value = watch.ns_per(n);
  check(total == n, "mpmc count");
  co_return value;
}

task<> count_from_two(send_chan<int> out) {
  for (int i = 2;; ++i) co_await out.send(i);
}

task<> filter(recv_chan<int> in, send_chan<int> out, int prime) {
  int v = 0;
  while (co_await in.recv(v)) {
    if (v % prime != 0) co_await out.send(v);
  }
}

}  // namespace

task<> pingpong() {
  co_await repeat("pingpong_unbuffered", "ns/roundtrip", []() -> task<double> {
    constexpr int n = 1'000'000;
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    stopwatch watch;
    go([a, b]() -> task<> {
      int v = 0;
      while (co_await a.recv(v)) co_await b.send(v);
      b.close();
    });
    int echoed = 0;
    for (int i = 0; i < n; ++i) {
      co_await a.send(i);
      co_await b.recv(echoed);
      if (echoed != i) check(false, "pingpong");
    }
    a.close();
    co_await b.recv(echoed);
    co_return watch.ns_per(n);
  });
}

task<> sieve() {
  co_await repeat("sieve_2000", "ms", []() -> task<double> {
    stopwatch watch;
    auto ch = make_chan<int>();
    go(count_from_two, ch);
    int prime = 0;
    for (int i = 0; i < 2000; ++i) {
      co_await ch.recv(prime);
      auto next = make_chan<int>();
      go(filter, ch, next, prime);
      ch = next;
    }
    double value = watch.ms();
    check(prime == 17389, "sieve");  // the 2000 stages stay parked, as in the classic program
    co_return value;
  });
}

task<> channels() {
  co_await repeat("spsc_cap128", "ns/item", [] { return spsc(128, 5'000'000); });
  co_await repeat("spsc_cap0", "ns/item", [] { return spsc(0, 5'000'000); });
  co_await repeat("mpmc_4p4c_cap128", "ns/item", [] { return mpmc(4, 4, 128, 4'000'000); });
  co_await repeat("mpmc_4p4c_cap0", "ns/item", [] { return mpmc(4, 4, 0, 4'000'000); });
  // One goroutine: send, then receive.
  co_await repeat("chan_uncontended_cap128", "ns/sendrecv", []() -> task<double> {
    constexpr int n = 10'000'000;
    auto ch = make_chan<int>(128);
    stopwatch watch;
    for (int i = 0; i < n; ++i) {
      co_await ch.send(i);
      co_await ch.recv();
    }
    co_return watch.ns_per(n);
  });
  co_await repeat("chan_make_close", "ns", []() -> task<double> {
    constexpr int n = 2'000'000;
    stopwatch watch;
    for (int i = 0; i < n; ++i) make_chan<int>().close();
    co_return watch.ns_per(n);
  });
}

}  // namespace bench
