// SPDX-License-Identifier: MIT
// A long run of everything at once: several runtimes whose goroutines spawn trees, send, select,
// cancel, set timers, take locks, call blocking() and talk through sockets, while plain counters
// say that nothing is lost: spawned = ended + live, sent = received + dropped + buffered. Memory
// and descriptors stay where they were after the warm-up, and each second brings progress.
//
//   soak [--seconds N] [--workers N]      prints a line a second; status 1: what went wrong is said
#include <burrow/burrow.hpp>
#include <burrow/net.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <resident.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// Of all runtimes; read while they run only for the line of each second.
struct tally {
  std::atomic<long> spawned{0};
  std::atomic<long> ended{0};
  std::atomic<long> sent{0};
  std::atomic<long> received{0};
  std::atomic<long> dropped{0};
  std::atomic<long> alive{0};  // elements
  std::atomic<long> cancels{0};
  std::atomic<long> timers{0};
  std::atomic<long> locked{0};
  std::atomic<long> calls{0};
  std::atomic<long> connections{0};
  std::atomic<long> echoes{0};
  std::atomic<long> rounds{0};
  std::atomic<long> wrong{0};
};
tally totals;

void expect(bool holds, const char* what) {
  if (holds) return;
  ++totals.wrong;
  std::fprintf(stderr, "soak: %s\n", what);
}

/// Counts itself in and out, however its goroutine ends.
struct presence {
  presence() { ++totals.spawned; }
  presence(const presence&) = delete;
  presence& operator=(const presence&) = delete;
  ~presence() { ++totals.ended; }
};

/// What travels through channels: counted while it exists.
class item {
 public:
  item() { ++totals.alive; }
  item(item&& other) noexcept : full(std::exchange(other.full, false)) { ++totals.alive; }
  item& operator=(item&& other) noexcept {
    full = std::exchange(other.full, false);
    return *this;
  }
  ~item() { --totals.alive; }
  bool full = false;
};

struct pcg {
  std::uint64_t state;
  std::uint32_t operator()(std::uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33) % n;
  }
};

task<> tree(int depth) {
  const presence here;
  if (depth == 0) co_return;
  co_await scope([depth](group& g) -> task<> {
    for (int i = 0; i < 3; ++i) g.go(tree, depth - 1);
    co_return;
  });
}

task<> produces(context ctx, chan<item> out, int count) {
  const presence here;
  for (int i = 0; i < count; ++i) {
    item next;
    next.full = true;
    const int chosen = co_await select(out.send(std::move(next)), ctx.done());
    if (chosen == 1) co_return;
    ++totals.sent;
  }
}

task<> consumes(context ctx, chan<item> in) {
  const presence here;
  for (;;) {
    item got;
    bool ok = false;
    const int chosen = co_await select(in.recv(got, ok), ctx.done(), after(1s));
    if (chosen == 1) co_return;
    if (chosen == 0 && ok) ++totals.received;
  }
}

/// Some producers and consumers whose Context ends in the midst of it, or that are abandoned.
task<> channels(pcg& random) {
  auto c = make_chan<item>(random(4));
  const bool is_abandoned = random(3) == 0;
  const auto time = std::chrono::microseconds(random(2000));
  struct enough {};
  try {
    co_await scope([&](group& g) -> task<> {
      auto [ctx, cancel] = with_timeout(g.context(), 1h);
      for (int i = 0; i < 3; ++i) g.go(produces, ctx, c, 1000);
      for (int i = 0; i < 3; ++i) g.go(consumes, ctx, c);
      co_await sleep(time);
      if (is_abandoned) throw enough{};
      cancel();
      ++totals.cancels;
      co_await g.wait();
    });
  } catch (const enough&) {
  }
  item left;
  while (c.try_recv(left) == recv_status::received) ++totals.dropped;
}

task<> timing(pcg& random) {
  const presence here;
  std::vector<timer> set;
  for (int i = 0; i < 50; ++i) set.emplace_back(std::chrono::microseconds(random(3000)));
  for (std::size_t i = 0; i < set.size(); i += 2) set[i].stop();
  for (std::size_t i = 1; i < set.size(); i += 2) co_await set[i].recv();
  ticker every(100us);
  for (int i = 0; i < 5; ++i) co_await every.recv();
  totals.timers += 55;
}

task<> contexts(pcg& random) {
  std::vector<context> nodes{this_goroutine::context()};
  std::vector<cancel_function> cancels;
  wait_group waiters;
  for (int i = 0; i < 100; ++i) {
    const context& parent = nodes[random(static_cast<std::uint32_t>(nodes.size()))];
    auto [ctx, cancel] = with_timeout(parent, std::chrono::milliseconds(1 + random(1000)));
    waiters.go([own = ctx]() -> task<> {
      const presence here;
      co_await own.done();
    });
    nodes.push_back(ctx);
    cancels.push_back(std::move(cancel));
  }
  for (auto& cancel : cancels) cancel();
  totals.cancels += 100;
  co_await waiters.wait();
}

task<> locks(pcg& random) {
  mutex mu;
  semaphore few(2);
  long inside = 0;
  long sum = 0;
  const auto patience = std::chrono::microseconds(random(300));
  co_await scope([&](group& g) -> task<> {
    for (int i = 0; i < 8; ++i) {
      g.go([&]() -> task<> {
        const presence here;
        for (int k = 0; k < 50; ++k) {
          auto [ctx, cancel] = with_timeout(background(), patience);
          const auto error = co_await few.acquire(ctx);
          if (error) continue;
          co_await mu.lock();
          expect(++inside == 1, "two hold a mutex");
          if (k % 8 == 0) co_await this_goroutine::yield();
          ++sum;
          --inside;
          mu.unlock();
          few.release();
        }
      });
    }
    co_return;
  });
  totals.locked += sum;
  expect(few.try_acquire(2), "units of a semaphore are lost");
}

task<> calls() {
  const presence here;
  const int n = co_await blocking([] { return 7; });
  expect(n == 7, "blocking() gives something else");
  ++totals.calls;
}

/// Sends back what comes, until the peer has ended or the Context has.
task<> echoes(net::stream s) {
  const presence here;
  std::array<char, 512> buffer;
  for (;;) {
    const auto got = co_await s.read(buffer);
    if (!got || *got == 0) co_return;
    const auto sent = co_await s.write_all({buffer.data(), *got});
    if (!sent) co_return;
  }
}

/// Messages that are to come back as they were, until the Context ends, maybe within one.
task<> talks(context ctx, net::address to, pcg random) {
  const presence here;
  auto s = co_await net::dial(to);
  if (!s) co_return;
  ++totals.connections;
  std::array<char, 700> message;
  std::array<char, 700> back;
  for (int i = 0; i < 20; ++i) {
    const std::size_t size = 1 + random(message.size() - 1);
    for (std::size_t k = 0; k < size; ++k) message[k] = static_cast<char>(random(256));
    const auto sent = co_await s->write_all({message.data(), size});
    if (!sent) co_return;
    const auto got = co_await s->read_full({back.data(), size});
    if (!got) co_return expect(ctx.err() == got.error(), "a connection has ended by itself");
    expect(std::equal(message.begin(), message.begin() + size, back.begin()), "an echo differs");
    ++totals.echoes;
  }
}

/// Connections whose Context ends in the midst of it, or that are abandoned.
task<> sockets(pcg& random) {
  const auto time = std::chrono::microseconds(random(4000));
  const std::string network = random(2) == 0 ? "tcp" : "unix";
  const std::string where = "@burrow-soak-" + std::to_string(random(1u << 30));
  auto listening = co_await net::listen(network, network == "unix" ? where : "127.0.0.1:0");
  if (!listening) co_return expect(network == "unix", "a listener is refused");  // name in use
  co_await scope([&](group& g) -> task<> {
    auto [ctx, cancel] = with_timeout(g.context(), time);
    for (int i = 0; i < 4; ++i) {
      g.go(talks, ctx, listening->local_address(), pcg{random.state + static_cast<unsigned>(i)});
    }
    for (;;) {
      auto next = co_await listening->accept(ctx);
      if (!next) break;
      g.go(echoes, *next);
    }
    ++totals.cancels;
    co_await sleep(std::chrono::microseconds(random(200)));
    listening->close().value();
  });
}

/// One round after the other until `ends`.
task<> work(std::uint64_t seed, std::chrono::steady_clock::time_point ends) {
  pcg random{seed};
  while (std::chrono::steady_clock::now() < ends) {
    switch (random(7)) {
      case 0: co_await tree(5); break;
      case 1: co_await channels(random); break;
      case 2: co_await timing(random); break;
      case 3: co_await contexts(random); break;
      case 4: co_await locks(random); break;
      case 5: co_await sockets(random); break;
      default: co_await calls();
    }
    ++totals.rounds;
  }
}

/// Runtimes, one after the other, each for a part of a second.
void run_runtimes(int workers, std::uint64_t seed, std::chrono::steady_clock::time_point ends) {
  while (std::chrono::steady_clock::now() < ends) {
    options opt;
    opt.workers = workers;
    run(opt, [&]() -> task<> {
      const auto until = std::min(ends, std::chrono::steady_clock::now() + 700ms);
      co_await scope([&](group& g) -> task<> {
        for (int i = 0; i < 8; ++i) g.go(work, ++seed * 0x9e3779b97f4a7c15u, until);
        co_return;
      });
    });
  }
}

long descriptors() {
  long n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++n;
  }
  return n;
}

long option(int argc, char** argv, std::string_view name, long otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == name) return std::strtol(argv[i + 1], nullptr, 10);
  }
  return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const long seconds = option(argc, argv, "--seconds", 3);
  const int workers = static_cast<int>(option(argc, argv, "--workers", 2));
  if (seconds <= 0 || workers <= 0) {
    std::fprintf(stderr, "usage: soak [--seconds N] [--workers N]\n");
    return 2;
  }
  const long descriptors_before = descriptors();
  const auto begin = std::chrono::steady_clock::now();
  const auto ends = begin + std::chrono::seconds(seconds);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back(
        [=] { run_runtimes(workers, 1000u * (static_cast<unsigned>(i) + 1), ends); });
  }

  // Nobody is stuck as long as rounds are finished; a sanitizer on a busy machine takes its time.
  constexpr int patience_s = 30;
  constexpr std::size_t slack = 48u << 20;
  const long warm_up = std::max(1L, std::min(10L, seconds / 3));
  std::size_t memory_then = 0;
  std::size_t memory_most = 0;
  long rounds_before = 0;
  int idle_s = 0;
  for (long s = 1; s <= seconds; ++s) {
    std::this_thread::sleep_until(begin + std::chrono::seconds(s));
    const std::size_t memory = resident_bytes();
    if (s == warm_up) memory_then = memory;
    if (s >= warm_up) memory_most = std::max(memory_most, memory);
    const long rounds = totals.rounds;
    idle_s = rounds == rounds_before ? idle_s + 1 : 0;
    std::printf("%4ld s: %ld rounds, %ld goroutines, %ld values, %ld cancels, %zu MiB, %ld fds\n",
                s, rounds - rounds_before, totals.ended.load(), totals.received.load(),
                totals.cancels.load(), memory >> 20, descriptors());
    std::fflush(stdout);
    rounds_before = rounds;
    if (idle_s == patience_s) {
      std::fprintf(stderr, "soak: no progress for %d s\n", patience_s);
      std::abort();
    }
  }
  for (std::thread& t : threads) t.join();

  expect(totals.spawned == totals.ended, "goroutines are lost");
  expect(totals.alive == 0, "elements are lost, or destroyed twice");
  expect(totals.sent == totals.received + totals.dropped, "values are lost, or come twice");
  expect(memory_most <= memory_then + slack, "memory grows");
  expect(descriptors() == descriptors_before, "descriptors are left open");
  std::printf(
      "soak: %ld s, %ld rounds, %ld goroutines, %ld values sent, %ld received, %ld dropped, "
      "%ld cancels, %ld timers, %ld locked, %ld calls, %ld connections, %ld echoes; "
      "%zu MiB after %ld s, at most %zu; %s\n",
      seconds, totals.rounds.load(), totals.spawned.load(), totals.sent.load(),
      totals.received.load(), totals.dropped.load(), totals.cancels.load(), totals.timers.load(),
      totals.locked.load(), totals.calls.load(), totals.connections.load(), totals.echoes.load(),
      memory_then >> 20, warm_up, memory_most >> 20, totals.wrong == 0 ? "passed" : "FAILED");
  return totals.wrong == 0 ? 0 : 1;
}
