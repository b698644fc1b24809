// SPDX-License-Identifier: MIT
//
// Boost.Fiber's side of the benchmarks: stackful fibers on N threads that share them through the
// library's shared_work scheduler; with one thread its default scheduler, round_robin, which is
// faster there. Idle threads park, except in the spawn benchmark, where waking them again for each
// fiber would cost 20 times the rest.
//
// Left out: select and context (it has none), a million fibers at once (each takes a stack: the
// spawn benchmark runs 10 000 at a time, the memory benchmark parks 10 000), skynet for the same
// reason, timers that can be stopped.
#include <boost/fiber/all.hpp>
#include <boost/version.hpp>

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "measure.hpp"

using namespace std::chrono_literals;

namespace bench {
namespace {

namespace fibers = boost::fibers;
template <class T = int>
using unbuffered = fibers::unbuffered_channel<T>;
template <class T = int>
using buffered = fibers::buffered_channel<T>;

constexpr auto closed = fibers::channel_op_status::closed;

template <class F>
void repeat(const std::string& name, const char* unit, F once) {
  std::vector<double> values;
  for (int i = 0; i < config().reps; ++i) values.push_back(once());
  report(name, values, unit);
}

class wait_group {
 public:
  explicit wait_group(int count) : left_(count) {}
  void finish_one() {
    std::unique_lock lock(mutex_);
    if (--left_ == 0) zero_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    zero_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  fibers::mutex mutex_;
  fibers::condition_variable zero_;
  int left_;
};

/// Small stacks, from malloc. The library's pool of stacks is for one thread only.
fibers::fixedsize_stack stacks() { return fibers::fixedsize_stack(16 * 1024); }

template <class F>
void go(F body) {
  fibers::fiber(fibers::launch::post, std::allocator_arg, stacks(), std::move(body)).detach();
}

void spawn() {
  repeat("spawn_1m_waitgroup", "ns/task", [] {
    constexpr int n = 1'000'000;
    constexpr int at_once = 10'000;
    stopwatch watch;
    for (int started = 0; started < n; started += at_once) {
      wait_group wg(at_once);
      for (int i = 0; i < at_once; ++i) go([&wg] { wg.finish_one(); });
      wg.wait();
    }
    return watch.ns_per(n);
  });
  repeat("spawn_join_one", "ns/task", [] {
    constexpr int n = 300'000;
    stopwatch watch;
    for (int i = 0; i < n; ++i) {
      fibers::fiber(fibers::launch::post, std::allocator_arg, stacks(), [] {}).join();
    }
    return watch.ns_per(n);
  });
}

void yield() {
  constexpr int n = 5'000'000;
  repeat("yield_1task", "ns", [] {
    stopwatch watch;
    for (int i = 0; i < n; ++i) boost::this_fiber::yield();
    return watch.ns_per(n);
  });
  repeat("yield_1000tasks", "ns", [] {
    constexpr int yielding = 1000;
    wait_group wg(yielding);
    stopwatch watch;
    for (int f = 0; f < yielding; ++f) {
      go([&wg] {
        for (int i = 0; i < n / yielding; ++i) boost::this_fiber::yield();
        wg.finish_one();
      });
    }
    wg.wait();
    return watch.ns_per(n);
  });
}

void pingpong() {
  repeat("pingpong_unbuffered", "ns/roundtrip", [] {
    constexpr int n = 1'000'000;
    unbuffered<> a;
    unbuffered<> b;
    stopwatch watch;
    fibers::fiber other([&] {
      int v = 0;
      while (a.pop(v) != closed) b.push(v);
    });
    int echoed = 0;
    for (int i = 0; i < n; ++i) {
      a.push(i);
      b.pop(echoed);
      check(echoed == i, "pingpong");
    }
    double value = watch.ns_per(n);
    a.close();
    other.join();
    return value;
  });
}

// The stages stay parked, as in the classic program; closing a channel of 1.74 while a fiber is
// parked in push would resume that fiber twice.
void sieve() {
  repeat("sieve_2000", "ms", [] {
    stopwatch watch;
    auto ch = std::make_shared<unbuffered<>>();
    go([out = ch] {
      for (int i = 2;; ++i) out->push(i);
    });
    int prime = 0;
    for (int i = 0; i < 2000; ++i) {
      ch->pop(prime);
      auto next = std::make_shared<unbuffered<>>();
      go([prime, in = ch, next] {
        int v = 0;
        while (in->pop(v) != closed) {
          if (v % prime != 0) next->push(v);
        }
      });
      ch = next;
    }
    double value = watch.ms();
    check(prime == 17389, "sieve");
    return value;
  });
}

template <class Channel>
double spsc(Channel& ch) {
  constexpr std::int64_t n = 5'000'000;
  stopwatch watch;
  fibers::fiber producer([&ch] {
    for (int i = 0; i < n; ++i) ch.push(i);
    ch.close();
  });
  std::int64_t sum = 0;
  int v = 0;
  while (ch.pop(v) != closed) sum += v;
  double value = watch.ns_per(n);
  producer.join();
  check(sum == n * (n - 1) / 2, "spsc sum");
  return value;
}

template <class Channel>
double mpmc(Channel& ch) {
  constexpr int n = 4'000'000;
  std::atomic<std::int64_t> total = 0;
  std::vector<fibers::fiber> producers;
  std::vector<fibers::fiber> consumers;
  stopwatch watch;
  for (int p = 0; p < 4; ++p) {
    producers.emplace_back([&ch] {
      for (int i = 0; i < n / 4; ++i) ch.push(i);
    });
  }
  for (int c = 0; c < 4; ++c) {
    consumers.emplace_back([&ch, &total] {
      std::int64_t received = 0;
      int v = 0;
      while (ch.pop(v) != closed) ++received;
      total += received;
    });
  }
  for (fibers::fiber& f : producers) f.join();
  ch.close();
  for (fibers::fiber& f : consumers) f.join();
  double value = watch.ns_per(n);
  check(total == n, "mpmc count");
  return value;
}

void channels() {
  repeat("spsc_cap128", "ns/item", [] {
    buffered<> ch(128);
    return spsc(ch);
  });
  repeat("spsc_cap0", "ns/item", [] {
    unbuffered<> ch;
    return spsc(ch);
  });
  repeat("mpmc_4p4c_cap128", "ns/item", [] {
    buffered<> ch(128);
    return mpmc(ch);
  });
  repeat("mpmc_4p4c_cap0", "ns/item", [] {
    unbuffered<> ch;
    return mpmc(ch);
  });
  repeat("chan_uncontended_cap128", "ns/sendrecv", [] {
    constexpr int n = 10'000'000;
    buffered<> ch(128);
    int v = 0;
    stopwatch watch;
    for (int i = 0; i < n; ++i) {
      ch.push(i);
      ch.pop(v);
    }
    return watch.ns_per(n);
  });
}

void timers() {
  std::vector<std::vector<double>> repetitions;
  for (int r = 0; r < config().reps; ++r) {
    std::vector<double> samples;
    for (int i = 0; i < 1000; ++i) {
      stopwatch watch;
      boost::this_fiber::sleep_for(1ms);
      samples.push_back(watch.us() - 1000);
    }
    repetitions.push_back(std::move(samples));
  }
  report_samples("sleep_1ms_lateness", std::move(repetitions), "us");
}

void sync() {
  repeat("mutex_4tasks_1m_each", "ns/lock", [] {
    constexpr int n = 1'000'000;
    fibers::mutex mu;
    int x = 0;
    wait_group wg(4);
    stopwatch watch;
    for (int f = 0; f < 4; ++f) {
      go([&] {
        for (int i = 0; i < n; ++i) {
          std::unique_lock lock(mu);
          ++x;
        }
        wg.finish_one();
      });
    }
    wg.wait();
    double value = watch.ns_per(4 * n);
    check(x == 4 * n, "mutex");
    return value;
  });
  repeat("mutex_uncontended", "ns/lock", [] {
    constexpr int n = 50'000'000;
    fibers::mutex mu;
    stopwatch watch;
    for (int i = 0; i < n; ++i) std::unique_lock lock(mu);
    return watch.ns_per(n);
  });
}

void memory() {
  if (config().memory != "recv") return;
  constexpr int n = 10'000;
  unbuffered<> ch;
  wait_group ready(n);
  wait_group ended(n);
  std::int64_t before = rss_bytes();
  stopwatch spawning;
  for (int i = 0; i < n; ++i) {
    go([&] {
      ready.finish_one();
      int v = 0;
      ch.pop(v);
      ended.finish_one();
    });
  }
  ready.wait();
  boost::this_fiber::sleep_for(300ms);
  double spawn_ns = spawning.ns() - 300e6;
  emit("mem_per_parked_recv", static_cast<double>(rss_bytes() - before) / n, "bytes");
  emit("mem_per_parked_recv_spawn_park", spawn_ns / n, "ns/task");
  stopwatch waking;
  ch.close();
  ended.wait();
  emit("mem_per_parked_recv_wake_exit", waking.ns_per(n), "ns/task");
}

using body = void (*)();

constexpr std::array<benchmark<body>, 8> benchmarks{{
    {"spawn", spawn},
    {"yield", yield},
    {"pingpong", pingpong},
    {"sieve", sieve},
    {"chan", channels},
    {"timers", timers},
    {"memory", memory},
    {"sync", sync},
}};

void run(const std::vector<body>& bodies, int workers) {
  if (workers == 1) {
    for (body b : bodies) b();
    return;
  }
  bool parks = std::find(bodies.begin(), bodies.end(), spawn) == bodies.end();
  for (int i = 1; i < workers; ++i) {
    std::thread([parks] {
      fibers::use_scheduling_algorithm<fibers::algo::shared_work>(parks);
      fibers::mutex mutex;
      fibers::condition_variable never;
      std::unique_lock lock(mutex);
      never.wait(lock, [] { return false; });
    }).detach();
  }
  fibers::use_scheduling_algorithm<fibers::algo::shared_work>(parks);
  // In a fiber of its own: a thread's first fiber never moves to another thread.
  fibers::fiber([&] {
    for (body b : bodies) b();
  }).join();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  auto bodies = bench::chosen(argc, argv, bench::benchmarks);
  int workers = bench::config().workers > 0 ? bench::config().workers : bench::allowed_cpus();
  std::printf("# Boost.Fiber %d.%d.%d workers=%d reps=%d\n", BOOST_VERSION / 100000,
              BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100, workers, bench::config().reps);
  std::fflush(stdout);
  // Fibers that are parked, and threads that serve them, end with the process.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);  // stacks are used again rather than given back
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  bench::run(bodies, workers);
  std::_Exit(0);
}
