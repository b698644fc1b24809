// SPDX-License-Identifier: MIT
// run: what goes in and comes out, options that make no sense, and several runtimes in one process.
// How it ends the goroutines that are left is in shutdown_test.cpp.
#include "run_test.hpp"
#include "environment.hpp"
#include "io_uring.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <dirent.h>

namespace {

using namespace burrow;
using namespace std::chrono_literals;

task<int> answer() { co_return 42; }
task<> quiet() { co_return; }

int entries_of(const char* folder) {
  DIR* dir = ::opendir(folder);
  REQUIRE(dir != nullptr);
  int count = 0;
  while (::readdir(dir) != nullptr) ++count;
  ::closedir(dir);
  return count;
}

int run_with_workers(int workers) {
  options opt;
  opt.workers = workers;
  return run(opt, []() -> task<int> {
    co_return static_cast<int>(detail::current_worker()->owner().worker_count());
  });
}

template <class Exception>
std::optional<std::string> refusal(const options& opt) {
  bool ran = false;
  try {
    run(opt, [&ran]() -> task<> {
      ran = true;
      co_return;
    });
  } catch (const Exception& e) {
    CHECK_FALSE(ran);
    return e.what();
  }
  return std::nullopt;
}

TEST_CASE("G7: run returns main's result, and 0 for a main without one") {
  CHECK(run(answer) == 42);
  CHECK(run(quiet) == 0);
  CHECK(run(&answer) == 42);
  CHECK(run(options(), answer) == 42);
  CHECK(run([]() -> task<bool> { co_return true; }) == 1);
}

TEST_CASE("run moves callable and arguments into main") {
  auto box = std::make_unique<int>(1);
  const int status = run(
      [kept = std::make_unique<int>(2)](std::unique_ptr<int> b, int n) -> task<int> {
        co_await this_goroutine::yield();
        co_return *b + *kept + n;
      },
      std::move(box), 3);
  CHECK(status == 6);
  CHECK(box == nullptr);
}

TEST_CASE("run passes an object itself through std::ref") {
  int n = 0;
  run(
      [](int& v) -> task<> {
        v = 5;
        co_return;
      },
      std::ref(n));
  CHECK(n == 5);
}

TEST_CASE("run keeps callable and arguments until main has ended") {
  auto shared = std::make_shared<int>(1);
  run(
      [shared](std::shared_ptr<int> again) -> task<> {
        co_await this_goroutine::yield();
        CHECK(shared.use_count() >= 3);
        CHECK(again == shared);
      },
      shared);
  CHECK(shared.use_count() == 1);
}

TEST_CASE("run rethrows what leaves main") {
  struct mine {
    int code;
  };
  int code = 0;
  try {
    run([]() -> task<> {
      co_await this_goroutine::yield();
      throw mine{3};
    });
  } catch (const mine& e) {
    code = e.code;
  }
  CHECK(code == 3);
}

TEST_CASE("run rethrows what main's callable throws before it returns a task") {
  std::string text;
  try {
    run(
        [](bool fails) -> task<> {
          if (fails) throw std::runtime_error("no task");
          return quiet();
        },
        true);
  } catch (const std::runtime_error& e) {
    text = e.what();
  }
  CHECK(text == "no task");
  CHECK(run(answer) == 42);
}

TEST_CASE("the exception of a copy into main leaves run, and nothing has started") {
  struct bad_copy {
    bad_copy() = default;
    bad_copy(const bad_copy&) { throw std::runtime_error("copy"); }
  };
  const bad_copy bad;
  std::string text;
  try {
    run([](const bad_copy&) -> task<> { co_return; }, bad);
  } catch (const std::runtime_error& e) {
    text = e.what();
  }
  CHECK(text == "copy");
  CHECK(run(answer) == 42);
}

TEST_CASE("main carries the root Context, which lives while main does") {
  run_test(1, []() -> task<> {
    const context root = this_goroutine::context();
    CHECK_FALSE(root.err());
    CHECK_FALSE(root.deadline().has_value());
    co_return;
  });
}

TEST_CASE("rule 3: main runs under the Context that is its first parameter") {
  auto [ctx, cancel] = with_cancel(background());
  const int same =
      run([](context own) -> task<int> { co_return own == this_goroutine::context(); }, ctx);
  CHECK(same == 1);
}

TEST_CASE("run in a goroutine throws std::logic_error") {
  run_test(1, []() -> task<> {
    std::string text;
    try {
      run(answer);
    } catch (const std::logic_error& e) {
      text = e.what();
    }
    CHECK(text == "run() was called by a goroutine: it would block its worker");
    co_return;
  });
}

// --- options -------------------------------------------------------------------------------------

TEST_CASE("RT5: without a number of workers there are as many as CPUs that may be used") {
  const with_environment procs("BURROW_PROCS", nullptr);
  CHECK(run_with_workers(0) == detail::allowed_cpus());
  CHECK(run_with_workers(3) == 3);
}

TEST_CASE("RT5: BURROW_PROCS overrides the number of workers") {
  {
    const with_environment procs("BURROW_PROCS", "3");
    CHECK(run_with_workers(0) == 3);
    CHECK(run_with_workers(1) == 3);
  }
  const with_environment empty("BURROW_PROCS", "");
  CHECK(run_with_workers(2) == 2);
}

TEST_CASE("a BURROW_PROCS that makes no sense is refused with a sentence") {
  for (const char* text : {"0", "-1", "two", "2x", " 2", "1025", "99999999999999999999", "1.5"}) {
    const with_environment procs("BURROW_PROCS", text);
    const std::optional<std::string> said = refusal<std::invalid_argument>(options());
    CHECK(said ==
          "BURROW_PROCS must be a number from 1 to 1024, and is \"" + std::string(text) + "\"");
  }
}

TEST_CASE("BURROW_IO chooses the driver, whatever the options say") {
  for (const std::string& text : drivers_here()) {
    const with_environment io("BURROW_IO", text.c_str());
    for (const io_driver asked : {io_driver::automatic, io_driver::uring, io_driver::epoll}) {
      options opt;
      opt.io = asked;
      std::string used;
      run(opt, [&used]() -> task<> {
        used = detail::current_worker()->owner().driver_name();
        co_return;
      });
      CHECK(used == (text == "uring" ? "io_uring" : "epoll"));
    }
  }
}

TEST_CASE("options.io chooses the driver where BURROW_IO is not set") {
  for (const char* unset : {static_cast<const char*>(nullptr), ""}) {
    const with_environment io("BURROW_IO", unset);
    options opt;
    opt.io = io_driver::epoll;
    std::string used;
    run(opt, [&used]() -> task<> {
      used = detail::current_worker()->owner().driver_name();
      co_return;
    });
    CHECK(used == "epoll");
  }
}

TEST_CASE("a BURROW_IO that makes no sense is refused with a sentence") {
  for (const char* text : {"iouring", "URING", "epoll ", "0"}) {
    const with_environment io("BURROW_IO", text);
    const std::optional<std::string> said = refusal<std::invalid_argument>(options());
    CHECK(said == "BURROW_IO must be \"uring\" or \"epoll\", and is \"" + std::string(text) + "\"");
  }
}

TEST_CASE("options may be written in the call, constants, or variables") {
  const auto is_one = [](int n) -> task<int> { co_return n == 1 ? 0 : 1; };
  options changed;
  changed.workers = 1;
  const options constant;
  CHECK(run({.workers = 2}, is_one, 1) == 0);
  CHECK(run({}, is_one, 1) == 0);
  CHECK(run(changed, is_one, 1) == 0);
  CHECK(run(constant, is_one, 1) == 0);
}

TEST_CASE("options that make no sense are refused with std::invalid_argument") {
  const with_environment procs("BURROW_PROCS", nullptr);
  for (const int workers : {-1, 1025, INT_MIN, INT_MAX}) {
    options opt;
    opt.workers = workers;
    CHECK(refusal<std::invalid_argument>(opt).has_value());
  }
  options grace;
  grace.shutdown_grace = -1ns;
  CHECK(refusal<std::invalid_argument>(grace).has_value());
  options limit;
  limit.shutdown_limit = -1s;
  CHECK(refusal<std::invalid_argument>(limit).has_value());
  CHECK(run(answer) == 42);
}

// --- several runtimes ----------------------------------------------------------------------------

TEST_CASE("runtimes one after the other leave no thread and no descriptor behind") {
  run_test(3, quiet);
  const int threads = entries_of("/proc/self/task");
  const int descriptors = entries_of("/proc/self/fd");
  for (int i = 0; i < 50; ++i) {
    const int n = run_test(3, [i]() -> task<int> {
      auto c = make_chan<int>();
      go([](int v, chan<int> out) -> task<> { co_await out.send(v); }, i, c);
      int v = 0;
      co_await c.recv(v);
      co_await blocking([] {});
      co_return v;
    });
    REQUIRE(n == i);
  }
  // A thread that was joined may be listed for another moment.
  while (entries_of("/proc/self/task") > threads) std::this_thread::yield();
  CHECK(entries_of("/proc/self/fd") == descriptors);
}

TEST_CASE("runtimes run at the same time, and a channel joins them") {
  auto there = make_chan<int>();
  auto back = make_chan<int>(4);
  constexpr int rounds = 2000;
  std::thread other([=] {
    run_test(2, [=]() -> task<> {
      for (int i = 0; i < rounds; ++i) {
        int n = 0;
        co_await there.recv(n);
        co_await back.send(n + 1);
      }
    });
  });
  const int sum = run_test(2, [=]() -> task<int> {
    int all = 0;
    for (int i = 0; i < rounds; ++i) {
      co_await there.send(1);
      int n = 0;
      co_await back.recv(n);
      all += n;
    }
    co_return all;
  });
  other.join();
  CHECK(sum == 2 * rounds);
}

TEST_CASE("each of several runtimes keeps its own options, root Context and goroutines") {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &right] {
      options opt;
      opt.workers = 2;
      opt.shutdown_grace = std::chrono::milliseconds(t);
      run(opt, [t, &right]() -> task<> {
        for (int i = 0; i < 50; ++i) {
          const context root = this_goroutine::context();
          auto c = make_chan<bool>();
          go([](context own,
                chan<bool> out) -> task<> { co_await out.send(own == this_goroutine::context()); },
             root, c);
          bool same = false;
          co_await c.recv(same);
          const auto& settings = detail::current_worker()->owner().settings();
          right += same && settings.shutdown_grace == std::chrono::milliseconds(t) ? 1 : 0;
        }
      });
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(right.load() == 200);
}

TEST_CASE("an exception of one runtime's main does not touch another one") {
  auto hold = make_chan<>();
  std::thread other([hold] { run_test(1, [hold]() -> task<> { co_await hold.recv(); }); });
  bool thrown = false;
  try {
    run_test(1, []() -> task<> {
      co_await this_goroutine::yield();
      throw std::runtime_error("mine");
    });
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  CHECK(thrown);
  hold.send_blocking(unit{});
  other.join();
}

TEST_CASE("what outlives a runtime works after it: channels, Contexts, and a task that never ran") {
  chan<int> c;
  context ctx;
  std::unique_ptr<task<int>> left;  // GCC takes an optional for uninitialised
  run_test(1, [&]() -> task<> {
    c = make_chan<int>(1);
    co_await c.send(7);
    auto [own, cancel] = with_cancel(background());
    ctx = own;
    left = std::make_unique<task<int>>(answer());
  });
  int v = 0;
  CHECK(c.try_recv(v) == recv_status::received);
  CHECK(v == 7);
  CHECK(ctx.err() == errc::canceled);
  left.reset();
}

}  // namespace
