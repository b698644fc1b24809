// SPDX-License-Identifier: MIT
// The drivers under one set of tests: timeouts, and wake-ups before, during and after a wait.
#include <burrow/detail/worker.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <io_uring.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace burrow::detail;

namespace {

constexpr nanoseconds_t ms = 1'000'000;
constexpr nanoseconds_t hour = 3600'000 * ms;

std::unique_ptr<driver> make(const std::string& name) {
  static driver_group group;
  return name == "uring" ? make_uring_driver(group) : make_epoll_driver(group);
}

template <class F>
void with_each(F f) {
  for (const std::string& name : drivers_here()) {
    CAPTURE(name);
    const std::unique_ptr<driver> d = make(name);
    CHECK(d->name() == std::string(name == "uring" ? "io_uring" : "epoll"));
    f(*d);
  }
}

/// How long a call of wait() took.
nanoseconds_t time_of(driver& d, nanoseconds_t timeout) {
  const nanoseconds_t begin = steady_now();
  d.wait(timeout);
  return steady_now() - begin;
}

/// A wait may end early for no reason, as the worker bears it; so this waits until one does not.
bool waits_for(driver& d, nanoseconds_t timeout) {
  for (int i = 0; i < 10; ++i) {
    if (time_of(d, timeout) >= timeout) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a wait ends when its time has passed, not before") {
  with_each([](driver& d) {
    for (const nanoseconds_t t : {nanoseconds_t{0}, nanoseconds_t{1}, ms / 3, ms, 20 * ms}) {
      CAPTURE(t);
      CHECK(waits_for(d, t));
    }
  });
}

TEST_CASE("a wake-up before the wait ends it; several are one") {
  with_each([](driver& d) {
    for (int round = 0; round < 3; ++round) {
      d.wake();
      d.wake();
      d.wake();
      d.wait(never);  // would hang
      CHECK(waits_for(d, 2 * ms));
    }
  });
}

TEST_CASE("a wake-up that another thread has collected still ends the wait") {
  with_each([](driver& d) {
    d.wait(0);  // from here on wake-ups are awaited
    d.wake();
    wake_list nobody;
    d.poll(nobody);  // as whoever serves a stuck worker: this thread is not the driver's worker
    d.wait(never);   // would hang
    CHECK(nobody.empty());
  });
}

TEST_CASE("a wake-up from another thread ends a wait, again and again") {
#if BURROW_ASAN || BURROW_TSAN
  constexpr int rounds = 500;
#else
  constexpr int rounds = 5'000;
#endif
  with_each([](driver& d) {
    std::atomic<int> asked{0};
    std::atomic<int> answered{0};
    std::thread other([&] {
      for (int i = 1; i <= rounds; ++i) {
        while (asked.load() < i) std::this_thread::yield();
        // At times the other one waits already, at times it is on its way there.
        for (int n = 0; n < i % 50; ++n) std::this_thread::yield();
        answered.store(i);
        d.wake();
      }
    });
    for (int i = 1; i <= rounds; ++i) {
      asked.store(i);
      while (answered.load() < i) d.wait(i % 2 == 0 ? never : hour);
    }
    other.join();
  });
}

TEST_CASE("a wake-up is not forgotten by a wait that its timeout ends") {
  with_each([](driver& d) {
    for (int i = 0; i < 200; ++i) {
      std::atomic<bool> woken{false};
      std::thread other([&] {
        woken.store(true);
        d.wake();
      });
      d.wait(i % 3 == 0 ? 0 : ms / 20);
      while (!woken.load()) d.wait(never);
      other.join();
    }
  });
}

TEST_CASE("drivers are made and thrown away, awake or not") {
  with_each([](driver&) {});
  for (int i = 0; i < 50; ++i) {
    std::vector<std::unique_ptr<driver>> drivers;
    for (const std::string& name : drivers_here()) drivers.push_back(make(name));
    for (const std::unique_ptr<driver>& d : drivers) {
      if (i % 2 == 0) d->wake();
      if (i % 3 == 0) d->wait(0);
    }
  }
}
