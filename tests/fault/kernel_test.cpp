// SPDX-License-Identifier: MIT
// The drivers on a kernel whose calls fail, are interrupted, or come late.
#include "kernel.hpp"

#include <burrow/burrow.hpp>
#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <thread>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// Workers that sleep and wake each other, timers, and plain threads that wake goroutines; 0: all
/// happened.
int some_program() {
  int sum = 0;
  int timeouts = 0;
  int seven = 0;
  // Where BURROW_IO forces none: the line about a refused io_uring is printed once in a process.
  const int status = run({.workers = 3, .io = io_driver::epoll}, [&]() -> task<> {
    auto numbers = make_chan<int>();
    std::thread sender([numbers]() mutable {
      for (int i = 1; i <= 50; ++i) numbers.send_blocking(i);
    });
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 4; ++i) {
        g.go([&, i]() -> task<> {
          for (int k = 0; k < 10; ++k) co_await sleep(100us * (i + 1));
        });
      }
      g.go([&]() -> task<> {
        while (sum < 50 * 51 / 2) {
          int n = 0;
          if (co_await select(numbers.recv(n), after(1ms)) == 0) {
            sum += n;
          } else {
            ++timeouts;
          }
        }
      });
      seven = co_await blocking([] { return 7; });
    });
    sender.join();
  });
  return status == 0 && sum == 50 * 51 / 2 && seven == 7 ? 0 : 1;
}

/// What run() throws; "" where it throws nothing.
std::string refusal() {
  try {
    return some_program() == 0 ? "" : "the program went wrong";
  } catch (const std::system_error& e) {
    return e.what();
  }
}

struct healed_at_end {
  ~healed_at_end() { heal_kernel(); }
};

}  // namespace

TEST_CASE("waits that are interrupted, refused for the moment, or end for no reason") {
  const healed_at_end heal;
  // EAGAIN and EBUSY: of a ring; epoll knows neither.
  const std::string driver = std::getenv("BURROW_IO") != nullptr ? std::getenv("BURROW_IO") : "";
  for (const int error : {EINTR, EAGAIN, EBUSY, ETIME}) {
    if (driver != "uring" && error != EINTR) continue;
    for (const unsigned every : {1u, 2u, 3u, 7u}) {
      CAPTURE(error);
      CAPTURE(every);
      heal_kernel();
      faults().wait.error = error;
      faults().wait.every = every;
      faults().wait.most = 100'000;
      CHECK(some_program() == 0);
      CHECK(faults().wait.failed > 0);
    }
  }
}

TEST_CASE("waits that end late hold up nothing for good") {
  const healed_at_end heal;
  faults().wait.late_ns = 2'000'000;
  CHECK(some_program() == 0);
  CHECK(faults().wait.calls > 0);
}

TEST_CASE("a wake-up whose write is interrupted is written again") {
  const healed_at_end heal;
  faults().wake.error = EINTR;
  faults().wake.every = 2;
  CHECK(some_program() == 0);
  CHECK(faults().wake.failed > 0);
}

TEST_CASE("each call of the start fails once: run throws, or does without, and then all is well") {
  const healed_at_end heal;
  for (fault_plan* plan : {&faults().ring, &faults().eventfd, &faults().epoll, &faults().control}) {
    for (const int error : {EMFILE, ENFILE, ENOMEM, EIO}) {
      for (unsigned nth = 1; nth <= 8; ++nth) {
        CAPTURE(error);
        CAPTURE(nth);
        heal_kernel();
        plan->error = error;
        plan->every = nth;
        plan->most = 1;
        const std::string said = refusal();
        const bool was_told = said.find(std::generic_category().message(error)) != said.npos;
        // io_uring without memory is tried again with less, and an old one is done without.
        CHECK((said.empty() || was_told));
        if (!said.empty()) CHECK(plan->failed == 1);
        heal_kernel();
        CHECK(some_program() == 0);
      }
    }
  }
}

TEST_CASE("a ring of two entries, whose completion queue has four, is enough") {
  const healed_at_end heal;
  faults().entries = 2;
  CHECK(some_program() == 0);
}
