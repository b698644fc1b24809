// SPDX-License-Identifier: MIT
// A machine that refuses what a runtime needs: io_uring, descriptors, threads. Each in a child.
#include <child.hpp>
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <initializer_list>
#include <io_uring.hpp>
#include <run_test.hpp>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

constexpr int no_filter = 77;  // the status of a child that cannot install its filter

/// A program that needs all of a runtime: threads, timers, blocking calls. 0: all is well.
int some_program(int workers) {
  return run_test(workers, []() -> task<int> {
    auto c = make_chan<int>();
    for (int i = 0; i < 10; ++i) {
      go(
          [](chan<int> to, int n) -> task<> {
            co_await sleep(1ms);
            co_await to.send(n);
          },
          c, i);
    }
    int sum = 0;
    for (int i = 0; i < 10; ++i) {
      int n = 0;
      co_await c.recv(n);
      sum += n;
    }
    const int blocked = co_await blocking([] { return 5; });
    co_return sum == 45 && blocked == 5 ? 0 : 1;
  });
}

int driver_is(const char* name) {
  return run_test(2, [name]() -> task<int> {
    co_return detail::current_worker()->owner().driver_name() == std::string(name) ? 0 : 1;
  });
}

/// What run() says; empty: it ran.
template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const std::system_error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("io_uring is refused: epoll does, and one line on stderr says so") {
  struct way {
    long call;
    const char* name;
  };
  for (const auto& [call, name] :
       {way{SYS_io_uring_setup, "io_uring_setup"}, way{SYS_io_uring_enter, "io_uring_enter"},
        way{SYS_io_uring_register, "io_uring_register"}}) {
    for (const int error : {EPERM, ENOSYS}) {
      // Who refuses first decides, and some machines always refuse.
      if (!io_uring_works() && (call != SYS_io_uring_setup || error != EPERM)) continue;
      CAPTURE(name);
      CAPTURE(error);
      const child_end end = in_child([call = call, error] {
        ::unsetenv("BURROW_IO");
        if (!refuse_calls({call}, error)) return no_filter;
        // Twice: the line is printed once in a process.
        const int first = some_program(3);
        return first + some_program(2) + driver_is("epoll");
      });
      CAPTURE(end.said);
      CHECK(end.status == 0);
      CHECK(end.lines() == 1);
      CHECK(end.says("burrow: io_uring is refused"));
      CHECK(end.says("using epoll"));
      CHECK(end.says("seccomp") == (error == EPERM));
    }
  }
}

TEST_CASE("io_uring is refused where it is asked for: run throws") {
  const child_end end = in_child([] {
    ::setenv("BURROW_IO", "uring", 1);
    if (!refuse_calls({SYS_io_uring_setup}, EPERM)) return no_filter;
    const std::string said = refusal([] { some_program(2); });
    return said == "io_uring_setup: Operation not permitted" ? 0 : 1;
  });
  CAPTURE(end.said);
  CHECK(end.status == 0);
  CHECK(end.said.empty());
}

TEST_CASE(
    "epoll_pwait2 is refused, as by an old kernel or an old filter: timers work all the same") {
  for (const int error : {ENOSYS, EPERM}) {
    CAPTURE(error);
    const child_end end = in_child([error] {
      ::setenv("BURROW_IO", "epoll", 1);
      if (!refuse_calls({SYS_epoll_pwait2}, error)) return no_filter;
      return some_program(3);
    });
    CAPTURE(end.said);
    CHECK(end.status == 0);
    CHECK(end.said.empty());
  }
}

TEST_CASE("descriptors run out at the start: run throws, and works once there are some") {
  std::vector<std::string> drivers = drivers_here();
  if (io_uring_works()) drivers.emplace_back();  // elsewhere a line says that epoll is used
  for (const std::string& driver : drivers) {
    CAPTURE(driver);
    const child_end end = in_child([&driver] {
      ::setenv("BURROW_IO", driver.c_str(), 1);
      rlimit before{};
      ::getrlimit(RLIMIT_NOFILE, &before);
      int refused = 0;
      for (rlim_t most = 3; most < 64; ++most) {
        const rlimit limit{most, before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &limit);
        const std::string said = refusal([] {
          if (some_program(3) != 0) ::_exit(1);
        });
        if (said.empty()) return refused > 0 ? 0 : 2;
        if (said.find("Too many open files") == std::string::npos) return 3;
        ++refused;
      }
      return 4;
    });
    CAPTURE(end.said);
    CHECK(end.status == 0);
    CHECK(end.said.empty());
  }
}

TEST_CASE("no thread can be started: run throws, and main has not run") {
  for (const int workers : {1, 4}) {
    CAPTURE(workers);
    const child_end end = in_child([workers] {
      if (!refuse_calls({SYS_clone, SYS_clone3}, EAGAIN)) return no_filter;
      bool ran = false;
      auto kept = std::make_shared<int>(1);
      const std::string said = refusal([&] {
        run_test(workers, [&ran, kept]() -> task<> {
          ran = true;
          co_return;
        });
      });
      if (ran || kept.use_count() != 1) return 2;
      const std::string expected = "no thread for a worker can be started";
      return said.compare(0, expected.size(), expected) == 0 ? 0 : 3;
    });
    CAPTURE(end.said);
    CHECK(end.status == 0);
    CHECK(end.said.empty());
  }
}

TEST_CASE("the pool cannot start a thread: blocking() throws, and works again after that") {
  const child_end end = in_child([] {
    return run_test(1, []() -> task<int> {
      if (!refuse_calls({SYS_clone, SYS_clone3}, EAGAIN)) co_return no_filter;
      int thrown = 0;
      bool called = false;
      for (int i = 0; i < 3; ++i) {
        try {
          co_await blocking([&called] { called = true; });
        } catch (const std::system_error& e) {
          const std::string said = e.what();
          thrown += said.find("no thread for a blocking call can be started") == 0 ? 1 : 0;
        }
      }
      co_await sleep(1ms);
      co_return thrown == 3 && !called ? 0 : 1;
    });
  });
  CAPTURE(end.said);
  CHECK(end.status == 0);
}

TEST_CASE("the pool cannot start a second thread: the first one makes all calls") {
  const child_end end = in_child([] {
    return run_test(1, []() -> task<int> {
      co_await blocking([] {});
      if (!refuse_calls({SYS_clone, SYS_clone3}, EAGAIN)) co_return no_filter;
      const int made = co_await scope([](group& g) -> task<int> {
        auto results = make_chan<int>(8);
        for (int i = 0; i < 8; ++i) {
          g.go(
              [](chan<int> out) -> task<> {
                co_await out.send(co_await blocking([] { return 1; }));
              },
              results);
        }
        co_await g.wait();
        co_return static_cast<int>(results.size());
      });
      co_return made == 8 ? 0 : 1;
    });
  });
  CAPTURE(end.said);
  CHECK(end.status == 0);
}

TEST_CASE("no thread for signals: notify_context throws, and the signal keeps its action") {
  const child_end end = in_child([] {
    if (!refuse_calls({SYS_clone, SYS_clone3}, EAGAIN)) return no_filter;
    bool thrown = false;
    try {
      auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1});
    } catch (const std::system_error&) {
      thrown = true;
    }
    struct sigaction now{};
    ::sigaction(SIGUSR1, nullptr, &now);
    return thrown && now.sa_handler == SIG_DFL ? 0 : 1;
  });
  CAPTURE(end.said);
  CHECK(end.status == 0);
}
