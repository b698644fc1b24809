// SPDX-License-Identifier: MIT
// Selects under load: no deadlock, nothing lost, nothing twice, no false default. With 1, 2 and 8
// workers.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <span>
#include <thread>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

#if BURROW_ASAN || BURROW_TSAN
constexpr int factor = 1;
#else
constexpr int factor = 30;
#endif

constexpr int all_workers[] = {1, 2, 8};

struct pcg {
  std::uint64_t state;
  std::uint32_t operator()(std::uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33) % n;
  }
};

}  // namespace

TEST_CASE("SE16: selects over the same channels in every order do not deadlock") {
  // Go's TestSelectStress: four senders with plain sends, one with selects; four receivers with
  // plain receives, one with selects; all over the same four channels.
  for (int workers : all_workers) {
    CAPTURE(workers);
    run_test(workers, []() -> task<> {
      constexpr int each = 300 * factor;
      std::array<chan<int>, 4> c;
      for (std::size_t i = 0; i < 4; ++i) c[i] = make_chan<int>(i < 2 ? 0 : i);
      auto ended = make_chan<>();
      for (std::size_t i = 0; i < 4; ++i) {
        go(
            [](chan<int> to, chan<> end) -> task<> {
              for (int n = 0; n < each; ++n) {
                co_await to.send(0);
                if (n % 64 == 0) co_await this_goroutine::yield();
              }
              co_await end.send();
            },
            c[i], ended);
        go(
            [](chan<int> from, chan<> end) -> task<> {
              for (int n = 0; n < each; ++n) {
                co_await from.recv();
                if (n % 50 == 0) co_await this_goroutine::yield();
              }
              co_await end.send();
            },
            c[i], ended);
      }
      go(
          [](std::array<chan<int>, 4> out, chan<> end) -> task<> {
            std::array<int, 4> n{};
            for (int i = 0; i < 4 * each; ++i) {
              const int chosen =
                  co_await select(out[3].send(0), out[2].send(0), out[0].send(0), out[1].send(0));
              const std::size_t which =
                  std::array<std::size_t, 4>{3, 2, 0, 1}[static_cast<std::size_t>(chosen)];
              if (++n[which] == each) out[which] = {};
            }
            co_await end.send();
          },
          c, ended);
      go(
          [](std::array<chan<int>, 4> in, chan<> end) -> task<> {
            std::array<int, 4> n{};
            for (int i = 0; i < 4 * each; ++i) {
              const int chosen =
                  co_await select(in[0].recv(), in[1].recv(), in[2].recv(), in[3].recv());
              const auto which = static_cast<std::size_t>(chosen);
              if (++n[which] == each) in[which] = {};
            }
            co_await end.send();
          },
          c, ended);
      for (int i = 0; i < 10; ++i) co_await ended.recv();
      for (auto& channel : c) CHECK(channel.size() == 0);
    });
  }
}

TEST_CASE("SE11 SE17 SE20: a sender that selects over four channels sends each value once") {
  // Go's doubleselect.go.
  for (int workers : all_workers) {
    CAPTURE(workers);
    run_test(workers, []() -> task<> {
      constexpr int count = 2000 * factor;
      std::array<chan<std::unique_ptr<int>>, 4> c;
      for (auto& each : c) each = make_chan<std::unique_ptr<int>>();
      auto seen = make_chan<int>();
      go(
          [](std::array<chan<std::unique_ptr<int>>, 4> to) -> task<> {
            for (int i = 0; i < count; ++i) {
              auto p = std::make_unique<int>(i);
              co_await select(to[0].send(std::move(p)), to[1].send(std::move(p)),
                              to[2].send(std::move(p)), to[3].send(std::move(p)));
              CHECK_FALSE(p);
            }
            for (auto& each : to) each.close();
          },
          c);
      auto ended = make_chan<>(4);
      for (auto& from : c) {
        go(
            [](chan<std::unique_ptr<int>> in, chan<int> out, chan<> end) -> task<> {
              while (std::optional<std::unique_ptr<int>> p = co_await in.recv())
                co_await out.send(**p);
              co_await end.send();
            },
            from, seen, ended);
      }
      go(
          [](chan<> end, chan<int> out) -> task<> {
            for (int i = 0; i < 4; ++i) co_await end.recv();
            out.close();
          },
          ended, seen);
      std::vector<char> was_seen(count, 0);
      int twice = 0;
      int total = 0;
      while (std::optional<int> i = co_await seen.recv()) {
        twice += was_seen[static_cast<std::size_t>(*i)];
        was_seen[static_cast<std::size_t>(*i)] = 1;
        ++total;
      }
      CHECK(total == count);
      CHECK(twice == 0);
    });
  }
}

TEST_CASE("SE14 SE16: selects that send and receive on the same channels match each other only") {
  for (int workers : all_workers) {
    CAPTURE(workers);
    std::atomic<long> sent{0};
    std::atomic<long> received{0};
    std::atomic<int> own{0};
    run_test(workers, [&]() -> task<> {
      constexpr int players = 6;
      constexpr int rounds = 400 * factor;
      auto a = make_chan<int>();
      auto b = make_chan<int>();
      auto stop = make_chan<>();
      auto ended = make_chan<>(players);
      for (int g = 0; g < players; ++g) {
        go(
            [](chan<int> x, chan<int> y, chan<> end, chan<> out, int me, std::atomic<long>& s,
               std::atomic<long>& r, std::atomic<int>& self) -> task<> {
              for (;;) {
                int v = 0;
                const int chosen =
                    co_await select(x.send(me), y.recv(v), y.send(me), x.recv(v), end.recv());
                if (chosen == 4) break;
                if (chosen % 2 == 0) {
                  s += me;
                } else {
                  r += v;
                  if (v == me) ++self;
                }
              }
              co_await out.send();
            },
            g % 2 == 0 ? a : b, g % 2 == 0 ? b : a, stop, ended, g + 1, std::ref(sent),
            std::ref(received), std::ref(own));
      }
      for (int i = 0; i < rounds; ++i) {
        int v = 0;
        const int chosen = co_await select(a.send(100), b.recv(v));
        sent += chosen == 0 ? 100 : 0;
        received += v;
      }
      stop.close();
      for (int g = 0; g < players; ++g) co_await ended.recv();
      int v = 0;
      CHECK_FALSE(a.try_send(1));
      CHECK_FALSE(b.try_send(1));
      CHECK(a.try_recv(v) == recv_status::empty);
      CHECK(b.try_recv(v) == recv_status::empty);
    });
    CHECK(own == 0);
    CHECK(sent == received);
  }
}

TEST_CASE("SE12: otherwise is never chosen while one of two channels is ready at every instant") {
  // As Go's TestNonblockSelectRace: a thread moves a value from one channel to the other and back,
  // by putting a second one there before it takes the first one away.
  for (bool swapped : {false, true}) {
    auto a = make_chan<int>(2);
    auto b = make_chan<int>(2);
    a.try_send(1);
    std::atomic<bool> over{false};
    std::thread mover([&] {
      const auto move = [&](const chan<int>& from, const chan<int>& to) {
        int v = 0;
        to.try_send(1);
        // The goroutine may have taken it, and puts it back.
        while (from.try_recv(v) != recv_status::received) std::this_thread::yield();
      };
      while (!over) {
        move(a, b);
        move(b, a);
      }
    });
    int failures = 0;
    run_test(1, [&]() -> task<> {
      chan<int> first = swapped ? b : a;
      chan<int> second = swapped ? a : b;
      for (int i = 0; i < 20'000 * factor; ++i) {
        const int chosen = co_await select(first.recv(), second.recv(), otherwise);
        if (chosen == 2) {
          ++failures;
        } else {
          (chosen == 0 ? first : second).try_send(1);
        }
      }
    });
    over = true;
    mover.join();
    CHECK(failures == 0);
    CHECK(a.size() + b.size() == 1);
  }
}

TEST_CASE("SE11 SE12 SE17: random selects over a few channels, some known at run time") {
  static constexpr int each = 400 * factor;
  for (int workers : all_workers) {
    CAPTURE(workers);
    std::atomic<long> sent{0};
    std::atomic<long> received{0};
    std::atomic<long> left{0};
    run_test(workers, [&, workers]() -> task<> {
      std::array<chan<int>, 6> c;
      for (std::size_t i = 0; i < c.size(); ++i) c[i] = make_chan<int>(i / 2);
      auto senders = make_chan<>(4);
      auto receivers = make_chan<>(4);
      auto stop = make_chan<>();
      for (int g = 0; g < 4; ++g) {
        go(
            [](std::array<chan<int>, 6> to, std::uint64_t seed, chan<> end,
               std::atomic<long>& out) -> task<> {
              pcg random{seed};
              for (int i = 1; i <= each; ++i) {
                const std::uint32_t x = random(6);
                const std::uint32_t y = random(6);
                int chosen = 0;
                if (random(2) == 0) {
                  chosen = co_await select(to[x].send(i), to[y].send(i), otherwise);
                  if (chosen == 2) chosen = co_await select(to[y].send(i), to[x].send(i));
                } else {
                  std::vector<select_case> cases;
                  for (std::uint32_t n = 1 + random(5); n > 0; --n) {
                    cases.emplace_back(to[random(6)].send(i));
                  }
                  chosen = co_await select(std::span(cases));
                }
                CHECK(chosen >= 0);
                out += i;
              }
              co_await end.send();
            },
            c, static_cast<std::uint64_t>(g + 10 * workers), senders, std::ref(sent));
        go(
            [](std::array<chan<int>, 6> from, std::uint64_t seed, chan<> finish, chan<> end,
               std::atomic<long>& in) -> task<> {
              pcg random{seed};
              for (;;) {
                const std::uint32_t x = random(6);
                int v = 0;
                int chosen = 0;
                if (random(3) == 0) {
                  std::vector<select_case> cases;
                  cases.emplace_back(finish.recv());
                  for (auto& each_channel : from) cases.emplace_back(each_channel.recv(v));
                  chosen = co_await select(std::span(cases));
                } else {
                  // From all of them, or a sender might wait where nobody receives.
                  chosen = co_await select(finish.recv(), from[x].recv(v),
                                           from[(x + 1) % 6].recv(v), from[(x + 3) % 6].recv(v),
                                           from[x].recv(v), from[(x + 5) % 6].recv(v),
                                           from[(x + 2) % 6].recv(v), from[(x + 4) % 6].recv(v));
                }
                if (chosen == 0) break;
                in += v;
              }
              co_await end.send();
            },
            c, static_cast<std::uint64_t>(g + 99 * workers), stop, receivers, std::ref(received));
      }
      for (int g = 0; g < 4; ++g) co_await senders.recv();
      stop.close();
      for (int g = 0; g < 4; ++g) co_await receivers.recv();
      int v = 0;
      for (auto& channel : c) {
        while (channel.try_recv(v) == recv_status::received) left += v;
        if (channel.capacity() == 0) CHECK_FALSE(channel.try_send(1));
      }
    });
    CHECK(sent == 4L * each * (each + 1) / 2);
    CHECK(received + left == sent);
  }
}

TEST_CASE("SE17 SE29: timers and Contexts that race with senders and receivers") {
  for (int workers : all_workers) {
    CAPTURE(workers);
    std::atomic<long> sent{0};
    std::atomic<long> received{0};
    run_test(workers, [&]() -> task<> {
      constexpr int each = 150 * factor;
      auto c = make_chan<std::unique_ptr<int>>();
      auto ended = make_chan<>(8);
      for (int g = 0; g < 4; ++g) {
        go(
            [](chan<std::unique_ptr<int>> to, chan<> end, std::atomic<long>& out,
               int seed) -> task<> {
              pcg random{static_cast<std::uint64_t>(seed)};
              for (int i = 1; i <= each; ++i) {
                auto p = std::make_unique<int>(i);
                const auto brief = std::chrono::microseconds(random(30));
                const int chosen = co_await select(to.send(std::move(p)), after(brief));
                CHECK((p == nullptr) == (chosen == 0));
                if (chosen == 0) out += i;
              }
              co_await end.send();
            },
            c, ended, std::ref(sent), g);
        go(
            [](chan<std::unique_ptr<int>> from, chan<> end, std::atomic<long>& in,
               int seed) -> task<> {
              pcg random{static_cast<std::uint64_t>(seed)};
              for (int i = 0; i < each; ++i) {
                auto [ctx, cancel] =
                    with_timeout(background(), std::chrono::microseconds(random(30)));
                std::unique_ptr<int> p;
                const int chosen = co_await select(ctx.done(), from.recv(p));
                CHECK((p != nullptr) == (chosen == 1));
                if (p) in += *p;
              }
              co_await end.send();
            },
            c, ended, std::ref(received), g + 100);
      }
      for (int g = 0; g < 8; ++g) co_await ended.recv();
    });
    CHECK(sent == received);
  }
}

TEST_CASE("SE18 SE19: a close ends selects that stand in many queues") {
  for (int workers : all_workers) {
    CAPTURE(workers);
    run_test(workers, []() -> task<> {
      constexpr int waiting = 500;
      for (int round = 0; round < 2 + factor / 4; ++round) {
        std::array<chan<int>, 8> c;
        for (auto& channel : c) channel = make_chan<int>();
        auto ended = make_chan<>(16);
        for (int g = 0; g < waiting; ++g) {
          go(
              [](std::array<chan<int>, 8> in, chan<> end, std::size_t first) -> task<> {
                bool ok = true;
                int v = 0;
                co_await select(in[first].recv(v, ok), in[(first + 1) % 8].recv(v, ok),
                                in[(first + 5) % 8].recv(v, ok), in[(first + 2) % 8].recv(v, ok));
                CHECK_FALSE(ok);
                co_await end.send();
              },
              c, ended, static_cast<std::size_t>(g) % 8);
        }
        if (round % 2 == 0) co_await until_quiet();
        for (auto& channel : c) {
          go(
              [](chan<int> dying) -> task<> {
                dying.close();
                co_return;
              },
              channel);
        }
        for (int g = 0; g < waiting; ++g) co_await ended.recv();
      }
    });
  }
}
