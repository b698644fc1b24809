// SPDX-License-Identifier: MIT
// Bad input: settings, sizes and uses that make no sense give an exception with a sentence or do
// what Go does; never a hang, a leak or a lost value.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <environment.hpp>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

task<> quiet() { co_return; }

template <class Exception, class F>
std::string thrown_by(F f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.what();
  }
  return "nothing was thrown";
}

/// Counts those that exist; the move after `moves_left` of them throws, or the copy.
struct fragile {
  static inline std::atomic<int> alive{0};
  static inline std::atomic<int> moves_left{INT_MAX};
  static inline std::atomic<int> copies_left{INT_MAX};

  int value = 0;
  explicit fragile(int v = 0) : value(v) { ++alive; }
  fragile(fragile&& other) : value(other.value) {
    if (moves_left.fetch_sub(1) <= 0) throw std::runtime_error("move");
    ++alive;
  }
  fragile(const fragile& other) : value(other.value) {
    if (copies_left.fetch_sub(1) <= 0) throw std::runtime_error("copy");
    ++alive;
  }
  fragile& operator=(const fragile&) = default;
  fragile& operator=(fragile&&) = default;
  ~fragile() { --alive; }
};

}  // namespace

TEST_CASE("BURROW_PROCS and BURROW_IO that make no sense") {
  for (const char* text : {"0", "-3", "x", "1e9", "1000000000", "+1", "\t4"}) {
    const with_environment procs("BURROW_PROCS", text);
    CHECK(thrown_by<std::invalid_argument>([] { run(quiet); }) ==
          "BURROW_PROCS must be a number from 1 to 1024, and is \"" + std::string(text) + "\"");
  }
  const with_environment io("BURROW_IO", "nonsense");
  CHECK(thrown_by<std::invalid_argument>([] { run(quiet); }) ==
        "BURROW_IO must be \"uring\" or \"epoll\", and is \"nonsense\"");
}

TEST_CASE("options.workers that make no sense") {
  const with_environment procs("BURROW_PROCS", nullptr);
  for (const int workers : {-1, INT_MIN, 1025, INT_MAX}) {
    CHECK(thrown_by<std::invalid_argument>([workers] { run_test(workers, quiet); }) ==
          "options.workers must be from 0 to 1024");
  }
}

TEST_CASE("limits of the shutdown as long as can be") {
  options opt;
  opt.workers = 2;
  opt.shutdown_grace = std::chrono::nanoseconds::max();
  opt.shutdown_limit = std::chrono::nanoseconds::max();
  bool ended = false;
  run(opt, [&ended]() -> task<> {
    go(
        [](bool& e) -> task<> {
          co_await sleep(2ms);
          e = true;
        },
        std::ref(ended));
    co_await this_goroutine::yield();
  });
  CHECK(ended);
  opt.shutdown_grace = 0ns;
  run(opt, []() -> task<> {
    go([]() -> task<> { co_await sleep(1h); });
    co_await this_goroutine::yield();
  });
}

TEST_CASE("tickers without a positive period, timers of any") {
  run_test(1, []() -> task<> {
    for (const auto d : {0ns, -1ns, std::chrono::nanoseconds::min()}) {
      CHECK(thrown_by<std::invalid_argument>([d] { ticker t(d); }) ==
            "non-positive interval for NewTicker");
      ticker good(1h);
      CHECK(thrown_by<std::invalid_argument>([&] { good.reset(d); }) ==
            "non-positive interval for Ticker.Reset");
      timer at_once(d);
      co_await at_once.recv();
      co_await sleep(d);
      co_await after(d);
    }
    timer never(std::chrono::nanoseconds::max());
    const int chosen = co_await select(never.recv(), after(std::chrono::hours::max()), after(1us));
    CHECK(chosen == 2);
  });
}

TEST_CASE("a capacity that cannot be had") {
  for (const std::size_t capacity :
       {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / sizeof(long), SIZE_MAX / sizeof(long) / 2 + 1}) {
    CAPTURE(capacity);
    CHECK(thrown_by<std::length_error>([&] { make_chan<long>(capacity); }) ==
          "makechan: size out of range");
    CHECK(thrown_by<std::length_error>([&] { make_chan<std::string>(capacity); }) ==
          "makechan: size out of range");
  }
  CHECK_NOTHROW(make_chan<long>(1000));
}

TEST_CASE("more cases than a select may have") {
  run_test(1, []() -> task<> {
    std::vector<select_case> cases(65'537);
    std::string text;
    try {
      co_await select(cases);
    } catch (const std::length_error& e) {
      text = e.what();
    }
    CHECK_FALSE(text.empty());
    auto c = make_chan<int>(1);
    co_await c.send(1);
    cases.resize(65'536);
    cases[60'000] = c.recv();
    const int chosen = co_await select(cases);
    CHECK(chosen == 60'000);
  });
}

TEST_CASE("where no runtime runs: go and timers throw, channels and Contexts work") {
  CHECK(thrown_by<std::logic_error>([] { go(quiet); }) ==
        "no runtime is running: start one with burrow::run(main)");
  CHECK(thrown_by<std::logic_error>([] { timer t(1ms); }).find("a timer needs a runtime") == 0);
  CHECK(thrown_by<std::logic_error>([] { this_goroutine::id(); }) ==
        "this_goroutine was used outside of a goroutine");
  chan<int> c;
  run_test(1, [&c]() -> task<> {
    c = make_chan<int>(2);
    co_await c.send(1);
  });
  CHECK(c.try_send(2));
  CHECK_FALSE(c.try_send(3));
  CHECK(c.recv_blocking() == 1);
  c.close();
  CHECK(c.recv_blocking() == 2);
  CHECK(c.recv_blocking() == std::nullopt);
  CHECK_THROWS_AS(c.try_send(4), closed_channel);
  CHECK_THROWS_AS(c.send_blocking(4), closed_channel);
  CHECK_THROWS_AS(c.close(), closed_channel);
  CHECK_THROWS_AS(chan<int>().close(), nil_channel);
  auto [ctx, cancel] = with_cancel(background());
  cancel();
  CHECK(ctx.err() == errc::canceled);
}

TEST_CASE("a move that throws in a send: one of the two sides learns of it, and nothing is lost") {
  for (const std::size_t capacity : {0, 1, 3}) {
    for (int moves = 0; moves < 12; ++moves) {
      CAPTURE(capacity);
      CAPTURE(moves);
      std::atomic<int> received{0};
      std::atomic<int> errors{0};
      run_test(1, [&, capacity, moves]() -> task<> {
        auto c = make_chan<fragile>(capacity);
        auto ended = make_chan<>(1);
        go(
            [](chan<fragile> to, std::atomic<int>& failed, chan<> end) -> task<> {
              for (int i = 0; i < 4; ++i) {
                try {
                  co_await to.send(fragile(i));
                } catch (const std::runtime_error&) {
                  ++failed;
                }
              }
              to.close();
              co_await end.send();
            },
            c, std::ref(errors), ended);
        fragile::moves_left = moves;
        for (int i = 0; i < 8; ++i) {
          try {
            std::optional<fragile> got = co_await c.recv();
            if (!got) break;
            ++received;
          } catch (const std::runtime_error&) {
            ++errors;
          }
          // After the first failure, or none would ever be received.
          if (errors != 0) fragile::moves_left = INT_MAX;
        }
        fragile::moves_left = INT_MAX;
        co_await ended.recv();
      });
      CHECK(received + errors == 4);
      CHECK(fragile::alive == 0);
    }
  }
}

TEST_CASE("a copy that throws leaves the send, before anything has happened") {
  run_test(1, []() -> task<> {
    auto c = make_chan<fragile>(1);
    const fragile original(7);
    fragile::copies_left = 0;
    std::string text;
    try {
      co_await c.send(original);
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    CHECK(text == "copy");
    CHECK(c.size() == 0);
    CHECK_THROWS_AS(c.try_send(original), std::runtime_error);
    fragile::copies_left = INT_MAX;
    co_await c.send(original);
    c.close();
    std::optional<fragile> got = co_await c.recv();
    CHECK(got->value == 7);
  });
  CHECK(fragile::alive == 0);
}

TEST_CASE("plain threads start goroutines while runtimes come and go: each ends, or is refused") {
#if BURROW_ASAN || BURROW_TSAN
  constexpr int runtimes = 30;
#else
  constexpr int runtimes = 300;
#endif
  std::atomic<bool> over{false};
  std::atomic<long> started{0};
  std::atomic<long> refused{0};
  std::atomic<long> alive{0};
  struct counted {
    std::atomic<long>* alive;
    explicit counted(std::atomic<long>& a) : alive(&a) { ++*alive; }
    counted(const counted& other) : alive(other.alive) { ++*alive; }
    ~counted() { --*alive; }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!over.load()) {
        if (alive.load() > 200) {
          std::this_thread::yield();
          continue;
        }
        try {
          go(
              [](counted) -> task<> {
                co_await this_goroutine::yield();
                co_await sleep(1ms);
              },
              counted(alive));
          ++started;
        } catch (const std::logic_error&) {
          ++refused;
          std::this_thread::yield();
        }
      }
    });
  }
  for (int i = 0; i < runtimes || started == 0 || refused == 0; ++i) {
    run_test(1 + i % 2, [&]() -> task<> {
      for (int n = 0; n < i % 5; ++n) co_await this_goroutine::yield();
    });
  }
  over.store(true);
  for (std::thread& t : threads) t.join();
  CHECK(alive.load() == 0);
}
