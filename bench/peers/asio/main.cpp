// SPDX-License-Identifier: MIT
//
// asio's side of the benchmarks: C++20 coroutines (awaitable) and the experimental concurrent
// channels of asio 1.22, on one io_context that N threads run. The executor is asio's own type, not
// the type-erased one, which is the faster way to write it.
//
// Left out: select (`||` of two receives may lose the message of the loser, so it is no select),
// context and cancellation trees, locks (asio has none that a coroutine can wait for), fork-join.
#include <cstdio>
#include <random>
#include <thread>

#include "coroutine.hpp"

using namespace std::chrono_literals;

namespace bench {
namespace {

coroutine<> spawn(executor ex) {
  co_await repeat("spawn_1m_waitgroup", "ns/task", [ex]() -> coroutine<double> {
    constexpr int n = 1'000'000;
    stopwatch watch;
    wait_group wg(ex, n);
    for (int i = 0; i < n; ++i) {
      go(ex, [&wg]() -> coroutine<> {
        wg.finish_one();
        co_return;
      });
    }
    co_await wg.wait();
    co_return watch.ns_per(n);
  });
  co_await repeat("spawn_join_one", "ns/task", [ex]() -> coroutine<double> {
    constexpr int n = 300'000;
    stopwatch watch;
    for (int i = 0; i < n; ++i) {
      co_await asio::co_spawn(ex, []() -> coroutine<> { co_return; }, done);
    }
    co_return watch.ns_per(n);
  });
}

coroutine<> yield(executor ex) {
  constexpr int n = 5'000'000;
  co_await repeat("yield_1task", "ns", [ex]() -> coroutine<double> {
    stopwatch watch;
    for (int i = 0; i < n; ++i) co_await asio::post(ex, done);
    co_return watch.ns_per(n);
  });
  co_await repeat("yield_1000tasks", "ns", [ex]() -> coroutine<double> {
    constexpr int coroutines = 1000;
    stopwatch watch;
    wait_group wg(ex, coroutines);
    for (int c = 0; c < coroutines; ++c) {
      go(ex, [&wg, ex]() -> coroutine<> {
        for (int i = 0; i < n / coroutines; ++i) co_await asio::post(ex, done);
        wg.finish_one();
      });
    }
    co_await wg.wait();
    co_return watch.ns_per(n);
  });
}

coroutine<> pingpong(executor ex) {
  co_await repeat("pingpong_unbuffered", "ns/roundtrip", [ex]() -> coroutine<double> {
    constexpr int n = 1'000'000;
    auto a = make_channel(ex, 0);
    auto b = make_channel(ex, 0);
    stopwatch watch;
    go(ex, [a, b]() -> coroutine<> {
      for (;;) {
        auto [error, v] = co_await a->async_receive(done);
        if (error) break;
        co_await send(b, v);
      }
      b->close();
    });
    for (int i = 0; i < n; ++i) {
      co_await send(a, i);
      auto [error, echoed] = co_await b->async_receive(done);
      if (error || echoed != i) check(false, "pingpong");
    }
    a->close();
    co_await b->async_receive(done);
    co_return watch.ns_per(n);
  });
}

coroutine<> filter(int prime, shared_channel<int> in, shared_channel<int> out) {
  for (;;) {
    auto [error, v] = co_await in->async_receive(done);
    if (error) co_return;
    if (v % prime != 0) co_await send(out, v);
  }
}

coroutine<> sieve(executor ex) {
  co_await repeat("sieve_2000", "ms", [ex]() -> coroutine<double> {
    stopwatch watch;
    auto ch = make_channel(ex, 0);
    go(ex, [out = ch]() -> coroutine<> {
      for (int i = 2;; ++i) co_await send(out, i);
    });
    int last = 0;
    for (int i = 0; i < 2000; ++i) {
      auto [error, prime] = co_await ch->async_receive(done);
      last = prime;
      auto next = make_channel(ex, 0);
      go(ex, [prime = prime, in = ch, next] { return filter(prime, in, next); });
      ch = next;
    }
    double value = watch.ms();
    check(last == 17389, "sieve");
    co_return value;
  });
}

// A fifth of Go's items: the value is for each, and the fifth is long enough.
coroutine<double> spsc(executor ex, std::size_t capacity) {
  constexpr std::int64_t n = 1'000'000;
  auto ch = make_channel(ex, capacity);
  stopwatch watch;
  go(ex, [ch]() -> coroutine<> {
    for (int i = 0; i < n; ++i) co_await send(ch, i);
    co_await send(ch, end_of_items);
  });
  std::int64_t sum = 0;
  for (;;) {
    auto [error, v] = co_await ch->async_receive(done);
    if (v == end_of_items) break;
    sum += v;
  }
  check(sum == n * (n - 1) / 2, "spsc sum");
  co_return watch.ns_per(n);
}

coroutine<double> mpmc(executor ex, std::size_t capacity) {
  constexpr int n = 1'000'000;
  auto ch = make_channel(ex, capacity);
  wait_group producing(ex, 4);
  wait_group consuming(ex, 4);
  std::atomic<std::int64_t> total = 0;
  stopwatch watch;
  for (int p = 0; p < 4; ++p) {
    go(ex, [ch, &producing]() -> coroutine<> {
      for (int i = 0; i < n / 4; ++i) co_await send(ch, i);
      producing.finish_one();
    });
  }
  for (int c = 0; c < 4; ++c) {
    go(ex, [ch, &consuming, &total]() -> coroutine<> {
      std::int64_t received = 0;
      for (;;) {
        auto [error, v] = co_await ch->async_receive(done);
        if (v == end_of_items) break;
        ++received;
      }
      total += received;
      consuming.finish_one();
    });
  }
  co_await producing.wait();
  for (int c = 0; c < 4; ++c) co_await send(ch, end_of_items);
  co_await consuming.wait();
  double value = watch.ns_per(n);
  check(total == n, "mpmc count");
  co_return value;
}

coroutine<> channels(executor ex) {
  co_await repeat("spsc_cap128", "ns/item", [ex] { return spsc(ex, 128); });
  co_await repeat("spsc_cap0", "ns/item", [ex] { return spsc(ex, 0); });
  co_await repeat("mpmc_4p4c_cap128", "ns/item", [ex] { return mpmc(ex, 128); });
  co_await repeat("mpmc_4p4c_cap0", "ns/item", [ex] { return mpmc(ex, 0); });
  co_await repeat("chan_uncontended_cap128", "ns/sendrecv", [ex]() -> coroutine<double> {
    constexpr int n = 2'000'000;
    auto ch = make_channel(ex, 128);
    stopwatch watch;
    for (int i = 0; i < n; ++i) {
      co_await send(ch, i);
      co_await ch->async_receive(done);
    }
    co_return watch.ns_per(n);
  });
}

coroutine<> million_sleeps(executor ex) {
  constexpr int n = 1'000'000;
  std::vector<double> total;
  std::vector<double> cpu;
  for (int r = 0; r < config().reps; ++r) {
    std::mt19937_64 random(42);
    std::uniform_int_distribution<std::int64_t> up_to_a_second(0, 999'999'999);
    double cpu_before = cpu_ms();
    stopwatch watch;
    wait_group wg(ex, n);
    for (int i = 0; i < n; ++i) {
      std::chrono::nanoseconds d(up_to_a_second(random));
      go(ex, [&wg, d, ex]() -> coroutine<> {
        timer t(ex, d);
        co_await t.async_wait(done);
        wg.finish_one();
      });
    }
    co_await wg.wait();
    total.push_back(watch.ms());
    cpu.push_back(cpu_ms() - cpu_before);
  }
  report("sleep_1m_random_0_1s_total", total, "ms");
  report("sleep_1m_random_0_1s_cpu", cpu, "ms");
}

double make_and_stop(executor ex, std::chrono::hours d) {
  constexpr int n = 500'000;
  stopwatch watch;
  for (int i = 0; i < n; ++i) {
    timer t(ex, d);
    t.async_wait([](asio::error_code) {});  // an asio timer runs only while somebody waits
    t.cancel();
  }
  return watch.ns_per(n);
}

coroutine<> timers(executor ex) {
  co_await million_sleeps(ex);
  co_await repeat("timer_new_stop", "ns",
                  [ex]() -> coroutine<double> { co_return make_and_stop(ex, 1h); });
  co_await repeat("timer_100k_pending_new_stop", "ns", [ex]() -> coroutine<double> {
    std::vector<timer> held;
    held.reserve(100'000);
    for (int i = 0; i < 100'000; ++i) {
      held.emplace_back(ex, 1h + std::chrono::milliseconds(i));
      held.back().async_wait([](asio::error_code) {});
    }
    co_return make_and_stop(ex, 2h);
  });
  std::vector<std::vector<double>> repetitions;
  for (int r = 0; r < config().reps; ++r) {
    std::vector<double> samples;
    for (int i = 0; i < 1000; ++i) {
      stopwatch watch;
      timer t(ex, 1ms);
      co_await t.async_wait(done);
      samples.push_back(watch.us() - 1000);
    }
    repetitions.push_back(std::move(samples));
  }
  report_samples("sleep_1ms_lateness", std::move(repetitions), "us");
}

coroutine<> skynet_node(executor ex, shared_channel<std::int64_t> out, std::int64_t num, int size) {
  if (size == 1) {
    co_await send(out, num);
    co_return;
  }
  auto results = make_channel<std::int64_t>(ex, 0);
  int share = size / 10;
  for (int i = 0; i < 10; ++i) {
    go(ex, [=] { return skynet_node(ex, results, num + std::int64_t{i} * share, share); });
  }
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) {
    auto [error, part] = co_await results->async_receive(done);
    sum += part;
  }
  co_await send(out, sum);
}

coroutine<> skynet(executor ex) {
  co_await repeat("skynet_1m_chan", "ms", [ex]() -> coroutine<double> {
    stopwatch watch;
    auto c = make_channel<std::int64_t>(ex, 0);
    go(ex, [=] { return skynet_node(ex, c, 0, 1'000'000); });
    auto [error, sum] = co_await c->async_receive(done);
    check(!error && sum == 499'999'500'000, "skynet");
    co_return watch.ms();
  });
}

coroutine<> memory(executor ex) {
  if (config().memory != "recv") co_return;
  constexpr int n = 1'000'000;
  auto ch = make_channel(ex, 0);
  wait_group ready(ex, n);
  wait_group ended(ex, n);
  std::int64_t before = rss_bytes();
  stopwatch spawning;
  for (int i = 0; i < n; ++i) {
    go(ex, [&ready, &ended, ch]() -> coroutine<> {
      ready.finish_one();
      co_await ch->async_receive(done);
      ended.finish_one();
    });
  }
  co_await ready.wait();
  timer t(ex, 300ms);
  co_await t.async_wait(done);
  double spawn_ns = spawning.ns() - 300e6;
  emit("mem_per_parked_recv", static_cast<double>(rss_bytes() - before) / n, "bytes");
  emit("mem_per_parked_recv_spawn_park", spawn_ns / n, "ns/task");
  stopwatch waking;
  ch->close();
  co_await ended.wait();
  emit("mem_per_parked_recv_wake_exit", waking.ns_per(n), "ns/task");
}

using body = coroutine<> (*)(executor);

constexpr std::array<benchmark<body>, 9> benchmarks{{
    {"spawn", spawn},
    {"yield", yield},
    {"pingpong", pingpong},
    {"sieve", sieve},
    {"chan", channels},
    {"timers", timers},
    {"skynet", skynet},
    {"memory", memory},
    {"echo", echoes},
}};

void run(body benchmark, int workers) {
  asio::io_context io(workers);
  auto work = asio::make_work_guard(io);
  asio::co_spawn(io, benchmark(io.get_executor()), [&io](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
    io.stop();
  });
  std::vector<std::jthread> others;
  for (int i = 1; i < workers; ++i) others.emplace_back([&io] { io.run(); });
  io.run();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  auto bodies = bench::chosen(argc, argv, bench::benchmarks);
  int workers = bench::config().workers > 0 ? bench::config().workers : bench::allowed_cpus();
  std::printf("# asio %d.%d.%d workers=%d reps=%d\n", ASIO_VERSION / 100000,
              ASIO_VERSION / 100 % 1000, ASIO_VERSION % 100, workers, bench::config().reps);
  std::fflush(stdout);
  for (auto body : bodies) bench::run(body, workers);
}
