// SPDX-License-Identifier: MIT
// this_goroutine: yield, context, id, set_name, exit. What exit() in main does to the program is in
// tests/process/.
#include "run_test.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace burrow;

struct logs {
  std::vector<std::string>& log;
  std::string text;
  ~logs() { log.push_back(text); }
};

TEST_CASE("RT3: yield puts the caller behind all that wait, and it stays runnable") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto body = [](std::vector<std::string>& l, std::string name) -> task<> {
      for (int i = 0; i < 3; ++i) {
        l.push_back(name);
        co_await this_goroutine::yield();
      }
    };
    go(body, std::ref(log), "a");
    go(body, std::ref(log), "b");
    while (log.size() < 6) co_await this_goroutine::yield();
    // Who begins is not said (G4); after that they take turns.
    CHECK(log[0] != log[1]);
    CHECK(log[0] == log[2]);
    CHECK(log[1] == log[3]);
    CHECK(log[2] == log[4]);
    CHECK(log[3] == log[5]);
  });
}

TEST_CASE("RT3: yield lets others run on one worker") {
  run_test(1, []() -> task<> {
    bool ran = false;
    go(
        [](bool& flag) -> task<> {
          flag = true;
          co_return;
        },
        std::ref(ran));
    CHECK_FALSE(ran);
    co_await this_goroutine::yield();
    CHECK(ran);
  });
}

TEST_CASE("outside of a goroutine all but yield throw std::logic_error") {
  CHECK_THROWS_AS(this_goroutine::context(), std::logic_error);
  CHECK_THROWS_AS(this_goroutine::id(), std::logic_error);
  CHECK_THROWS_AS(this_goroutine::set_name("x"), std::logic_error);
  CHECK_THROWS_AS(this_goroutine::exit(), std::logic_error);
}

TEST_CASE("an id is never 0, unique, and stays with its goroutine") {
  run_test(3, []() -> task<> {
    constexpr int count = 1000;
    auto out = make_chan<unsigned long long>(count);
    for (int i = 0; i < count; ++i) {
      go(
          [](chan<unsigned long long> c) -> task<> {
            const unsigned long long before = this_goroutine::id();
            co_await this_goroutine::yield();
            const bool stays = before == this_goroutine::id();
            co_await c.send(stays ? before : 0);
          },
          out);
    }
    std::set<unsigned long long> ids{this_goroutine::id()};
    for (int i = 0; i < count; ++i) {
      unsigned long long id = 0;
      co_await out.recv(id);
      CHECK(id != 0);
      ids.insert(id);
    }
    CHECK(ids.size() == count + 1);
  });
}

TEST_CASE("main's id is 1, the least of its runtime, whatever the number of workers") {
  for (const int workers : {1, 2, 5}) {
    for (int again = 0; again < 2; ++again) {
      run_test(workers, []() -> task<> {
        CHECK(this_goroutine::id() == 1);
        auto child = make_chan<unsigned long long>();
        go([child]() -> task<> { co_await child.send(this_goroutine::id()); });
        unsigned long long id = 0;
        co_await child.recv(id);
        CHECK(id > 1);
      });
    }
  }
}

TEST_CASE("the ids of what plain threads start are unique, and greater than main's") {
  run_test(2, []() -> task<> {
    constexpr std::size_t count = 400;
    auto out = make_chan<unsigned long long>(2 * count);
    const auto start_some = [out] {
      for (std::size_t i = 0; i < count; ++i) {
        go([out]() -> task<> { co_await out.send(this_goroutine::id()); });
      }
    };
    std::thread outside(start_some);
    start_some();
    std::set<unsigned long long> ids{this_goroutine::id()};
    for (std::size_t i = 0; i < 2 * count; ++i) {
      unsigned long long id = 0;
      co_await out.recv(id);
      ids.insert(id);
    }
    outside.join();
    CHECK(ids.size() == 2 * count + 1);
    CHECK(*ids.begin() == 1);
  });
}

TEST_CASE("what a call inside blocking() starts has an id greater than its caller's") {
  run_test(2, []() -> task<> {
    auto out = make_chan<unsigned long long>(1);
    const auto calls = [out](chan<bool> result) -> task<> {
      const auto report_id = [out]() -> task<> { co_await out.send(this_goroutine::id()); };
      co_await blocking([&] { go(report_id); });
      unsigned long long id = 0;
      co_await out.recv(id);
      co_await result.send(id > this_goroutine::id());
    };
    auto result = make_chan<bool>();
    for (int i = 0; i < 100; ++i) {
      go(calls, result);
      bool newer = false;
      co_await result.recv(newer);
      CHECK(newer);
    }
  });
}

task<> descends(int depth, unsigned long long parent, chan<bool> out) {
  const bool newer = this_goroutine::id() > parent;
  if (!newer || depth == 0) {
    co_await out.send(newer);
  } else {
    go(descends, depth - 1, this_goroutine::id(), out);
  }
}

TEST_CASE("an id is greater than those of all that the goroutine descends from") {
  for (const int workers : {1, 2, 4}) {
    run_test(workers, []() -> task<> {
      auto out = make_chan<bool>(8);
      for (int i = 0; i < 50; ++i) go(descends, 40, this_goroutine::id(), out);
      int newer = 0;
      for (int i = 0; i < 50; ++i) {
        bool one = false;
        co_await out.recv(one);
        newer += one ? 1 : 0;
      }
      CHECK(newer == 50);
    });
  }
}

TEST_CASE("an id is greater than its starter's, also where that came from a plain thread") {
  run_test(2, []() -> task<> {
    auto out = make_chan<bool>(8);
    std::thread t([out] {
      for (int i = 0; i < 300; ++i) go(descends, 3, 0ULL, out);
    });
    int newer = 0;
    for (int i = 0; i < 300; ++i) {
      bool one = false;
      co_await out.recv(one);
      newer += one ? 1 : 0;
    }
    CHECK(newer == 300);
    t.join();
  });
}

TEST_CASE("set_name keeps 63 characters, and the last name counts") {
  run_test(1, []() -> task<> {
    this_goroutine::set_name(std::string(100, 'x'));
    const detail::goroutine* g = detail::current_goroutine();
    CHECK(g->name.load() == std::string(63, 'x'));
    this_goroutine::set_name("short");
    CHECK(g->name.load() == std::string("short"));
    this_goroutine::set_name("");
    CHECK(g->name.load() == std::string());
    co_return;
  });
}

TEST_CASE("a name ends with its goroutine: the next one in the slot has none") {
  run_test(1, []() -> task<> {
    auto out = make_chan<bool>();
    for (int i = 0; i < 10; ++i) {
      go(
          [](chan<bool> c) -> task<> {
            const bool nameless = detail::current_goroutine()->name.load() == nullptr;
            this_goroutine::set_name("named");
            co_await c.send(nameless);
          },
          out);
      bool nameless = false;
      co_await out.recv(nameless);
      CHECK(nameless);
      co_await until_quiet();
    }
  });
}

// --- exit ----------------------------------------------------------------------------------------

TEST_CASE("G10: exit ends the caller alone, after its destructors, the last one first") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto done = make_chan<>();
    go(
        [](std::vector<std::string>& l, chan<> out) -> task<> {
          const logs outer{l, "outer"};
          co_await [](std::vector<std::string>& ll) -> task<> {
            const logs inner{ll, "inner"};
            co_await this_goroutine::yield();
            this_goroutine::exit();
          }(l);
          l.push_back("unreachable");
          co_await out.send();
        },
        std::ref(log), done);
    co_await until_quiet();
    CHECK(log == std::vector<std::string>{"inner", "outer"});
    CHECK(detail::current_worker()->owner().live() == 1);
  });
}

TEST_CASE("G10: exit is no error, and no std::exception") {
  run_test(1, []() -> task<> {
    bool as_error = false;
    bool as_exit = false;
    go(
        [](bool& error, bool& exit) -> task<> {
          try {
            try {
              this_goroutine::exit();
            } catch (const std::exception&) {
              error = true;
            }
          } catch (const goroutine_exit&) {
            exit = true;
            throw;
          }
          co_return;
        },
        std::ref(as_error), std::ref(as_exit));
    co_await until_quiet();
    CHECK_FALSE(as_error);
    CHECK(as_exit);
  });
}

TEST_CASE("G12: who swallows an exit gets it again at the next operation that has to wait") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    go(
        [](std::vector<std::string>& l) -> task<> {
          const logs end{l, "unwound"};
          auto ready = make_chan<int>(1);
          auto never = make_chan<int>();
          try {
            this_goroutine::exit();
          } catch (...) {
            l.push_back("swallowed");
          }
          co_await ready.send(1);
          l.push_back("sent");
          co_await never.recv();
          l.push_back("unreachable");
        },
        std::ref(log));
    co_await until_quiet();
    CHECK(log == std::vector<std::string>{"swallowed", "sent", "unwound"});
  });
}

TEST_CASE("G12: an exception raised while an exit unwinds is an exception like any other") {
  std::vector<std::string> log;
  options opt;
  opt.workers = 1;
  opt.on_unhandled = [&log](const unhandled_exception& u) {
    try {
      std::rethrow_exception(u.error);
    } catch (const std::exception& e) {
      log.push_back(e.what());
    }
  };
  run(opt, []() -> task<> {
    go([]() -> task<> {
      try {
        this_goroutine::exit();
      } catch (const goroutine_exit&) {
        throw std::runtime_error("during exit");
      }
      co_return;
    });
    co_await until_quiet();
  });
  CHECK(log == std::vector<std::string>{"during exit"});
}

TEST_CASE("exit in a plain function that a goroutine calls unwinds the goroutine") {
  struct free_function {
    static void leaves() { this_goroutine::exit(); }
  };
  run_test(1, []() -> task<> {
    bool reached = false;
    go(
        [](bool& r) -> task<> {
          free_function::leaves();
          r = true;
          co_return;
        },
        std::ref(reached));
    co_await until_quiet();
    CHECK_FALSE(reached);
  });
}

TEST_CASE("G10: exit in the body of a scope ends the caller, once the children have ended") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto gate = make_chan<>();
    go(
        [](std::vector<std::string>& l, chan<> until) -> task<> {
          const logs end{l, "outer"};
          co_await scope([&l, until](group& g) -> task<> {
            const logs body{l, "body"};
            g.go(
                [](std::vector<std::string>& ll, chan<> u) -> task<> {
                  const logs child{ll, "child"};
                  co_await u.recv();
                },
                std::ref(l), until);
            this_goroutine::exit();
            co_return;
          });
          l.push_back("unreachable");
        },
        std::ref(log), gate);
    co_await until_quiet();
    CHECK(log == std::vector<std::string>{"body"});
    gate.close();
    co_await until_quiet();
    CHECK(log == std::vector<std::string>{"body", "child", "outer"});
  });
}

}  // namespace
