// SPDX-License-Identifier: MIT
// Chapter 9 of the guide: tests without real time.
#include <doctest/doctest.h>
// behind doctest.h
#include <algorithm>
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

// [test_first]
TEST_CASE("a Context ends when its time has passed, not before") {
  synctest::test([]() -> task<> {
    auto [ctx, cancel] = with_timeout(background(), 5s);

    co_await sleep(5s - 1ns);
    co_await synctest::wait();
    CHECK(!ctx.err());

    co_await synctest::sleep(1ns);  // sleeps, then waits
    CHECK(ctx.err() == errc::deadline_exceeded);
  });
}
// [/test_first]

// [test_limiter]
/// At most one event each `every`, and `burst` at once after a pause.
class limiter {
 public:
  limiter(std::chrono::nanoseconds every, int burst) : every_(every), burst_(burst) {}

  task<std::error_code> wait() {
    const auto now = runtime_clock::now();  // the bubble's clock in a test
    next_ = std::max(next_, now - every_ * (burst_ - 1));
    const auto turn = next_;
    next_ += every_;
    co_return co_await sleep(turn - now);
  }

 private:
  const std::chrono::nanoseconds every_;
  const int burst_;
  runtime_clock::time_point next_;
};

TEST_CASE("a limiter lets a burst pass, then one event a second") {
  const auto result = synctest::test([]() -> task<> {
    limiter events(1s, 3);
    std::vector<std::chrono::nanoseconds> at;
    const auto begin = runtime_clock::now();
    for (int i = 0; i < 6; ++i) {
      co_await events.wait();
      at.push_back(runtime_clock::now() - begin);
    }
    CHECK(at == std::vector<std::chrono::nanoseconds>{0s, 0s, 0s, 1s, 2s, 3s});
  });
  CHECK(result.elapsed == 3s);  // of the bubble; a real clock has hardly moved
}
// [/test_limiter]

// [test_retry]
/// Tries up to `tries` times; the pauses begin at `pause` and double.
task<std::error_code> retry(int tries, std::chrono::nanoseconds pause,
                            std::function<task<std::error_code>()> attempt) {
  for (int i = 1;; ++i) {
    auto error = co_await attempt();
    if (!error || i == tries) co_return error;
    if (auto ended = co_await sleep(pause)) co_return ended;  // the Context has
    pause *= 2;
  }
}

TEST_CASE("retry backs off, and gives up at once when the Context ends") {
  synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    std::vector<std::chrono::nanoseconds> at;
    auto fails = [&]() -> task<std::error_code> {
      at.push_back(runtime_clock::now() - begin);
      co_return std::make_error_code(std::errc::connection_refused);
    };
    auto error = co_await retry(4, 100ms, fails);
    CHECK(error == std::errc::connection_refused);
    CHECK(at == std::vector<std::chrono::nanoseconds>{0ms, 100ms, 300ms, 700ms});

    auto [ctx, cancel] = with_timeout(background(), 1h);
    error = co_await under(ctx, retry(100, 1min, fails));
    CHECK(error == errc::deadline_exceeded);
    CHECK(ctx.deadline() == runtime_clock::now());
  });
}
// [/test_retry]

// [test_pool]
task<> serves(recv_chan<int> jobs, send_chan<int> results) {
  while (auto job = co_await jobs.recv()) {
    co_await sleep(10s);  // hard work
    co_await results.send(*job * *job);
  }
}

TEST_CASE("three workers do nine jobs in the time of three, in whatever order they run") {
  synctest::test({.runs = 100}, []() -> task<> {
    const auto begin = runtime_clock::now();
    auto jobs = make_chan<int>();
    auto results = make_chan<int>();
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 3; ++i) g.go(serves, jobs, results);
      g.go([jobs]() mutable -> task<> {
        for (int i = 1; i <= 9; ++i) co_await jobs.send(i);
        jobs.close();
      });
      int sum = 0;
      for (int i = 1; i <= 9; ++i) sum += (co_await results.recv()).value();
      CHECK(sum == 285);
    });
    CHECK(runtime_clock::now() - begin == 30s);
  });
}
// [/test_pool]
