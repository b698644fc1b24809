// SPDX-License-Identifier: MIT
// go: the callable and its arguments, which a goroutine takes with it.
#include "run_test.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace burrow;

// --- callable and arguments ----------------------------------------------------------------------

/// Counts what is done to it.
struct counted {
  static inline int copies = 0;
  static inline int moves = 0;
  static inline int alive = 0;
  static void reset() { copies = moves = alive = 0; }
  counted() { ++alive; }
  counted(const counted&) {
    ++copies;
    ++alive;
  }
  counted(counted&&) noexcept {
    ++moves;
    ++alive;
  }
  counted& operator=(const counted&) = delete;
  ~counted() { --alive; }
};

struct bad_copy {
  bad_copy() = default;
  bad_copy(const bad_copy&) { throw std::runtime_error("copy"); }
  bad_copy(bad_copy&&) = default;
};

TEST_CASE("G1: callee and arguments are evaluated by the spawner, before the goroutine runs") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto done = make_chan<>();
    auto argument = [&log] {
      log.push_back("argument");
      return 1;
    };
    go(
        [](std::vector<std::string>& l, int, chan<> out) -> task<> {
          l.push_back("body");
          co_await out.send();
        },
        std::ref(log), argument(), done);
    log.push_back("spawner");
    co_await done.recv();
    CHECK(log == std::vector<std::string>{"argument", "spawner", "body"});
  });
}

TEST_CASE("G1: an lvalue is copied at the spawn, so a later change is not seen") {
  run_test(1, []() -> task<> {
    auto out = make_chan<int>();
    int n = 1;
    go([](int v, chan<int> c) -> task<> { co_await c.send(v); }, n, out);
    n = 2;
    const std::optional<int> seen = co_await out.recv();
    CHECK(seen == 1);
  });
}

TEST_CASE("an lvalue is copied once, an rvalue never") {
  run_test(1, []() -> task<> {
    counted::reset();
    auto done = make_chan<>();
    auto body = [](const counted&, const counted&, chan<> c) -> task<> { co_await c.send(); };
    {
      const counted kept;
      go(body, kept, counted(), done);
    }
    CHECK(counted::copies == 1);
    co_await done.recv();
    co_await until_quiet();
    CHECK(counted::copies == 1);
  });
  CHECK(counted::alive == 0);
}

TEST_CASE("move-only callables and arguments") {
  run_test(1, []() -> task<> {
    auto out = make_chan<int>();
    auto box = std::make_unique<int>(3);
    go([kept = std::make_unique<int>(4)](
           std::unique_ptr<int> b, chan<int> c) -> task<> { co_await c.send(*kept * 10 + *b); },
       std::move(box), out);
    CHECK(box == nullptr);
    const std::optional<int> n = co_await out.recv();
    CHECK(n == 43);
  });
}

TEST_CASE("std::ref passes the object itself") {
  run_test(1, []() -> task<> {
    int n = 0;
    auto done = make_chan<>();
    go(
        [](int& v, chan<> c) -> task<> {
          v = 5;
          co_await c.send();
        },
        std::ref(n), done);
    co_await done.recv();
    CHECK(n == 5);
  });
}

TEST_CASE("a parameter by reference refers to the goroutine's own copy") {
  run_test(1, []() -> task<> {
    auto out = make_chan<std::string>();
    {
      const std::string text = "a text that is too long for the small string optimisation";
      go(
          [](const std::string& t, chan<std::string> c) -> task<> {
            co_await this_goroutine::yield();
            co_await c.send(t);
          },
          text, out);
    }
    const std::optional<std::string> got = co_await out.recv();
    CHECK(got == "a text that is too long for the small string optimisation");
  });
}

TEST_CASE("the callable's captures live as long as the goroutine") {
  run_test(1, []() -> task<> {
    auto out = make_chan<int>();
    {
      auto shared = std::make_shared<int>(9);
      go([shared, out]() -> task<> {
        co_await this_goroutine::yield();
        co_await out.send(*shared);
      });
    }
    const std::optional<int> n = co_await out.recv();
    CHECK(n == 9);
  });
}

/// What a goroutine with `Args` gets must be what was passed, and its neighbours in the slab must
/// be untouched: whether it is stored in the slot depends on its size and its padding.
template <class... Args>
task<> spawn_beside_others(chan<int> out, Args... args) {
  char mark = 'm';
  auto held = make_chan<>();
  for (int i = 0; i < 8; ++i) {
    go(
        [mark](Args... a, chan<int> c, chan<> until, int sum) -> task<> {
          co_await until.recv();
          const int right = mark == 'm' && (static_cast<int>(a) + ... + 0) == sum ? 1 : 0;
          co_await c.send(right);
        },
        args..., out, held, (static_cast<int>(args) + ... + 0));
    go(
        [mark](Args... a, int sum) -> task<> {
          static_cast<void>(mark + sum);
          (static_cast<void>(a), ...);
          co_return;
        },
        args..., 0);
  }
  for (int i = 0; i < 8; ++i) co_await held.send();
}

TEST_CASE("closures of every size and padding are stored whole") {
  run_test(1, []() -> task<> {
    auto out = make_chan<int>(64);
    co_await spawn_beside_others(out);
    co_await spawn_beside_others(out, 'a');
    co_await spawn_beside_others(out, 'a', 1L);
    co_await spawn_beside_others(out, 'a', 1L, 'b');
    co_await spawn_beside_others(out, 'a', 1L, 'b', 2L);
    co_await spawn_beside_others(out, 'a', 1L, 'b', 2L, 'c', 3L);
    int right = 0;
    for (int i = 0; i < 48; ++i) {
      int one = 0;
      co_await out.recv(one);
      right += one;
    }
    CHECK(right == 48);
  });
}

TEST_CASE("a closure that is taken into the slot fits there") {
  char mark = 'm';
  auto callable = [mark](char, long, char, long) -> task<> {
    (void)mark;
    co_return;
  };
  using stored =
      detail::closure<detail::detached_joiner, decltype(callable), char, long, char, long>;
  CHECK((!stored::fits || sizeof(stored) <= detail::goroutine::inline_storage));
}

TEST_CASE("an exception of an argument's copy leaves go, and nothing is started or kept") {
  run_test(1, []() -> task<> {
    counted::reset();
    auto ran = std::make_shared<bool>(false);
    const bad_copy bad;
    const std::uint64_t before = detail::current_worker()->owner().live();
    std::string text;
    try {
      go(
          [](std::shared_ptr<bool> r, counted, bad_copy) -> task<> {
            *r = true;
            co_return;
          },
          ran, counted(), bad);
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    CHECK(text == "copy");
    CHECK(detail::current_worker()->owner().live() == before);
    co_await this_goroutine::yield();
    CHECK_FALSE(*ran);
    CHECK(ran.use_count() == 1);
    CHECK(counted::alive == 0);
  });
}

TEST_CASE("an exception of an argument's copy on a plain thread leaves go as well") {
  run_test(1, []() -> task<> {
    const std::uint64_t before = detail::current_worker()->owner().live();
    bool thrown = false;
    std::thread t([&thrown] {
      const bad_copy bad;
      try {
        go([](bad_copy) -> task<> { co_return; }, bad);
      } catch (const std::runtime_error&) {
        thrown = true;
      }
    });
    t.join();
    CHECK(thrown);
    CHECK(detail::current_worker()->owner().live() == before);
    co_return;
  });
}

TEST_CASE("functions, function pointers, std::function and bound members are callables") {
  struct service {
    int factor;
    task<> work(int n, chan<int> out) const { co_await out.send(factor * n); }
  };
  struct free_function {
    static task<> work(int n, chan<int> out) { co_await out.send(n); }
  };
  run_test(1, []() -> task<> {
    auto out = make_chan<int>(8);
    go(free_function::work, 1, out);
    go(&free_function::work, 1, out);
    std::function<task<>(int, chan<int>)> f = free_function::work;
    go(f, 1, out);
    const service s{2};
    go(&service::work, s, 1, out);
    go(&service::work, &s, 1, out);
    go(std::bind_front(&service::work, s), 1, out);
    int sum = 0;
    for (int i = 0; i < 6; ++i) {
      int n = 0;
      co_await out.recv(n);
      sum += n;
    }
    CHECK(sum == 9);
  });
}

TEST_CASE("G14: a variable of a loop is captured by value, once per iteration") {
  run_test(1, []() -> task<> {
    auto out = make_chan<int>(3);
    for (int i = 0; i < 3; ++i) {
      go([i, out]() -> task<> { co_await out.send(i); });
    }
    std::set<int> seen;
    for (int i = 0; i < 3; ++i) {
      int n = 0;
      co_await out.recv(n);
      seen.insert(n);
    }
    CHECK(seen == std::set<int>{0, 1, 2});
  });
}

TEST_CASE("G3: a result is discarded") {
  run_test(1, []() -> task<> {
    auto done = make_chan<>();
    go(
        [](chan<> c) -> task<int> {
          co_await c.send();
          co_return 1;
        },
        done);
    co_await done.recv();
  });
}

task<> tells(const std::string& text, chan<std::string> out) {
  co_await this_goroutine::yield();
  co_await out.send(text);
}

struct teller {
  task<> tell(const std::string& text, chan<std::string> out) const { return tells(text, out); }
};

TEST_CASE("an argument that has to be converted for a reference parameter is kept converted") {
  static constexpr const char* text = "a text that is too long to be inside of a string object";
  const auto main = [](std::string&& own) -> task<> {
    CHECK(own == text);
    auto out = make_chan<std::string>();
    const auto from_lambda = [](std::string&& s, chan<std::string> to) -> task<> {
      co_await this_goroutine::yield();
      co_await to.send(s);
    };
    const teller t;
    wait_group wg;
    go(tells, text, out);
    wg.go(from_lambda, text, out);
    co_await scope([&](group& g) -> task<> {
      g.go(&teller::tell, &t, text, out);
      auto told = g.async(tells, text, out);
      for (int i = 0; i < 4; ++i) {
        const auto s = co_await out.recv();
        CHECK(s == text);
      }
      co_await told;
    });
    co_await wg.wait();
  };
  CHECK(run(options{.workers = 1}, main, text) == 0);
}

}  // namespace
