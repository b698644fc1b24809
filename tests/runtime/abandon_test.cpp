// SPDX-License-Identifier: MIT
// Abandonment, rule 5: what it ends, what it does not, how it walks down through joins, and the
// shield.
//
// Most cases abandon the children of a scope by failing it while they wait.
#include "abandoned.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace burrow;
using namespace std::chrono_literals;

// --- what it ends --------------------------------------------------------------------------------

TEST_CASE("rule 5: a wait for a channel is ended: receive, send, nil, select") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    const std::string receive = co_await abandoned([c]() -> task<> { co_await c.recv(); });
    CHECK(receive == "exit");
    const std::string send = co_await abandoned([c]() -> task<> { co_await c.send(1); });
    CHECK(send == "exit");
    const std::string nil = co_await abandoned([]() -> task<> { co_await chan<int>().recv(); });
    CHECK(nil == "exit");
    const std::string selected = co_await abandoned([c]() -> task<> {
      int v = 0;
      co_await select(c.recv(v), chan<int>().send(1), c.send(2));
    });
    CHECK(selected == "exit");
    const std::string no_cases =
        co_await abandoned([]() -> task<> { co_await select(std::span<select_case>()); });
    CHECK(no_cases == "exit");
    // Nobody is left in its queues: a value that is sent now goes to who asks for it now.
    const bool taken = c.try_send(1);
    CHECK_FALSE(taken);
  });
}

TEST_CASE("rule 5: a wait for a timer is ended: sleep, after, timer, ticker") {
  run_test(1, []() -> task<> {
    // Its own Context has been cancelled before, so a sleep returns that error; another one's
    // throws.
    std::error_code slept;
    const std::string watching =
        co_await abandoned([&slept]() -> task<> { slept = co_await sleep(1h); });
    CHECK(watching == "went on");
    CHECK(slept == errc::canceled);
    const std::string asleep = co_await abandoned(
        []() -> task<> { co_await under(background(), []() -> task<> { co_await sleep(1h); }()); });
    CHECK(asleep == "exit");
    const std::string after_it = co_await abandoned([]() -> task<> { co_await select(after(1h)); });
    CHECK(after_it == "exit");
    const std::string timed = co_await abandoned([]() -> task<> {
      timer t(1h);
      co_await t.recv();
    });
    CHECK(timed == "exit");
    const std::string ticked = co_await abandoned([]() -> task<> {
      ticker t(1h);
      co_await t.recv();
    });
    CHECK(ticked == "exit");
  });
}

TEST_CASE("rule 5: a wait for a lock is ended, and the lock is sound afterwards") {
  run_test(1, []() -> task<> {
    mutex mu;
    co_await mu.lock();
    const std::string locked = co_await abandoned([&mu]() -> task<> { co_await mu.lock(); });
    CHECK(locked == "exit");
    const std::string guarded =
        co_await abandoned([&mu]() -> task<> { auto held = co_await mu.guard(); });
    CHECK(guarded == "exit");
    mu.unlock();
    const bool is_free = mu.try_lock();
    CHECK(is_free);
    mu.unlock();
    rw_mutex rw;
    co_await rw.rlock();
    const std::string writer = co_await abandoned([&rw]() -> task<> { co_await rw.lock(); });
    CHECK(writer == "exit");
    // The writer that left holds up no reader.
    co_await rw.rlock();
    rw.runlock();
    rw.runlock();
    co_await rw.lock();
    const std::string reader = co_await abandoned([&rw]() -> task<> { co_await rw.rlock(); });
    CHECK(reader == "exit");
    rw.unlock();
  });
}

TEST_CASE("rule 5: a wait for a semaphore, a wait group, a condition, a Context is ended") {
  run_test(1, []() -> task<> {
    semaphore sem(1);
    co_await sem.acquire(1);
    const std::string acquired =
        co_await abandoned([&sem]() -> task<> { co_await sem.acquire(1); });
    CHECK(acquired == "exit");
    sem.release(1);
    wait_group wg;
    wg.add(1);
    const std::string waited = co_await abandoned([&wg]() -> task<> { co_await wg.wait(); });
    CHECK(waited == "exit");
    wg.done();
    mutex mu;
    cond cv(mu);
    const std::string condition = co_await abandoned([&mu, &cv]() -> task<> {
      auto held = co_await mu.guard();
      co_await cv.wait();
    });
    CHECK(condition == "exit");
    // As if by Go: wait() returns, or throws, with the mutex; the guard has given it back.
    const bool is_free = mu.try_lock();
    CHECK(is_free);
    const std::string done = co_await abandoned([]() -> task<> {
      auto [ctx, cancel] = with_cancel(background());
      co_await ctx.done();
    });
    CHECK(done == "exit");
  });
}

TEST_CASE("rule 5: the group's Context is cancelled before its children are abandoned") {
  run_test(1, []() -> task<> {
    std::error_code seen;
    const std::string how = co_await abandoned([&seen]() -> task<> {
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
        seen = this_goroutine::context().err();
        throw;
      }
    });
    CHECK(how == "exit");
    CHECK(seen == errc::canceled);
  });
}

TEST_CASE("rule 5: forms with a Context first return its error rather than throw") {
  run_test(1, []() -> task<> {
    std::error_code first;
    std::error_code second;
    auto c = make_chan<int>();
    const std::string how = co_await abandoned([&]() -> task<> {
      const context own = this_goroutine::context();
      first = co_await c.send(own, 1);
      second = co_await sleep(1h);
    });
    CHECK(how == "went on");
    CHECK(first == errc::canceled);
    CHECK(second == errc::canceled);
  });
}

// --- what it does not end ------------------------------------------------------------------------

TEST_CASE("rule 5: from then on an operation that can finish at once still does") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto c = make_chan<int>(2);
    auto closed = make_chan<int>();
    closed.close();
    mutex mu;
    const std::string how = co_await abandoned([&]() -> task<> {
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
        log.push_back("told");
      }
      co_await c.send(1);
      int v = 0;
      co_await c.recv(v);
      const bool ok = co_await closed.recv(v);
      co_await mu.lock();
      mu.unlock();
      const int chosen = co_await select(make_chan<int>().recv(), c.send(5));
      const int other = co_await select(make_chan<int>().recv(), otherwise);
      co_await this_goroutine::yield();
      const int value = co_await blocking([] { return 9; });
      co_await [](std::vector<std::string>& l) -> task<> {
        l.push_back("task");
        co_return;
      }(log);
      log.push_back(ok ? "open" : "closed");
      log.push_back(std::to_string(chosen) + std::to_string(other) + std::to_string(value));
      const logs end{log, "unwound"};
      co_await make_chan<>().recv();
      log.push_back("unreachable");
    });
    CHECK(how == "exit");
    CHECK(log == std::vector<std::string>{"told", "task", "closed", "119", "unwound"});
  });
}

TEST_CASE("rule 5: who swallows goroutine_exit gets it again at the next operation, every time") {
  run_test(1, []() -> task<> {
    int swallowed = 0;
    const std::string how = co_await abandoned([&swallowed]() -> task<> {
      auto c = make_chan<int>();
      for (int i = 0; i < 100; ++i) {
        try {
          co_await c.recv();
        } catch (...) {
          ++swallowed;
        }
      }
      try {
        co_await select(c.recv(), c.send(1));
      } catch (...) {
        ++swallowed;
      }
      try {
        co_await sleep(1h);
      } catch (...) {
        ++swallowed;
      }
      mutex mu;
      co_await mu.lock();
      co_await mu.lock();
    });
    CHECK(how == "exit");
    CHECK(swallowed >= 101);
  });
}

TEST_CASE("rule 5: an abandoned goroutine that goes on swallowing starves nobody on its worker") {
  run_test(1, []() -> task<> {
    bool stop = false;
    auto failed = make_chan<>(1);
    std::string thrown;
    try {
      co_await scope([&](group& g) -> task<> {
        g.go(
            [](bool& end) -> task<> {
              auto c = make_chan<int>();
              while (!end) {
                try {
                  co_await c.recv();
                } catch (...) {
                }
              }
            },
            std::ref(stop));
        // No child of this scope: it tells the stubborn one to stop after that has been abandoned.
        go(
            [](bool& end, chan<> f) -> task<> {
              co_await f.recv();
              co_await this_goroutine::yield();
              end = true;
            },
            std::ref(stop), failed);
        co_await until_quiet();
        co_await failed.send();
        throw std::runtime_error("failed");
      });
    } catch (const std::runtime_error& e) {
      thrown = e.what();
    }
    CHECK(thrown == "failed");
    CHECK(stop);
  });
}

TEST_CASE("rule 5: an abandoned child that has not begun does not begin") {
  run_test(1, []() -> task<> {
    bool began = false;
    auto shared = std::make_shared<int>(1);
    try {
      co_await scope([&began, shared](group& g) -> task<> {
        g.go(
            [](bool& b, std::shared_ptr<int>) -> task<> {
              b = true;
              co_return;
            },
            std::ref(began), shared);
        throw std::runtime_error("failed");
        co_return;
      });
    } catch (const std::runtime_error&) {
      CHECK(shared.use_count() == 1);
    }
    CHECK_FALSE(began);
    CHECK(shared.use_count() == 1);
  });
}

TEST_CASE("rule 5: blocking is not interrupted; then the goroutine unwinds") {
  run_test(1, []() -> task<> {
    std::promise<void> promise;
    std::atomic<bool> inside{false};
    std::vector<std::string> log;
    auto released = promise.get_future().share();
    go(
        [](std::promise<void>& p, std::vector<std::string>& l) -> task<> {
          // The scope has failed by the time that everybody waits again: the join waits for the
          // call.
          co_await until_quiet();
          l.push_back("released");
          p.set_value();
        },
        std::ref(promise), std::ref(log));
    try {
      co_await scope([&](group& g) -> task<> {
        g.go(
            [](auto until, std::atomic<bool>& in, std::vector<std::string>& l) -> task<> {
              const logs end{l, "unwound"};
              const int n = co_await blocking([until, &in] {
                in = true;
                until.wait();
                return 3;
              });
              l.push_back("result " + std::to_string(n));
              co_await make_chan<>().recv();
            },
            released, std::ref(inside), std::ref(log));
        while (!inside) co_await this_goroutine::yield();
        throw std::runtime_error("failed");
      });
    } catch (const std::runtime_error&) {
      log.push_back("joined");
    }
    CHECK(log == std::vector<std::string>{"released", "result 3", "unwound", "joined"});
  });
}

TEST_CASE("rule 5: only the children of the scope that fails are abandoned") {
  run_test(1, []() -> task<> {
    auto gate = make_chan<>();
    auto out = make_chan<int>(4);
    auto waits = [](chan<> until, chan<int> o, int n) -> task<> {
      co_await until.recv();
      co_await o.send(n);
    };
    go(waits, gate, out, 1);
    co_await scope([&](group& outer) -> task<> {
      outer.go(waits, gate, out, 2);
      const std::string inner = co_await abandoned([gate]() -> task<> { co_await gate.recv(); });
      CHECK(inner == "exit");
      CHECK_FALSE(outer.context().err());
      gate.close();
    });
    int sum = 0;
    for (int i = 0; i < 2; ++i) {
      int n = 0;
      co_await out.recv(n);
      sum += n;
    }
    CHECK(sum == 3);
  });
}

// --- down through joins --------------------------------------------------------------------------

TEST_CASE("rule 5: a goroutine in a join is not interrupted: it abandons what it waits for") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    const std::string how = co_await abandoned([&log]() -> task<> {
      const logs end{log, "parent"};
      co_await scope([&log](group& g) -> task<> {
        const logs body{log, "body"};
        g.go(
            [](std::vector<std::string>& l) -> task<> {
              const logs child{l, "child"};
              co_await make_chan<>().recv();
            },
            std::ref(log));
        co_await make_chan<>().recv();
      });
      log.push_back("unreachable");
    });
    CHECK(how == "exit");
    REQUIRE(log.size() == 3);
    CHECK(log.back() == "parent");
  });
}

TEST_CASE("rule 5: abandonment walks down every kind of join") {
  run_test(2, []() -> task<> {
    std::atomic<int> unwound{0};
    struct tree {
      static task<> grow(std::atomic<int>& n, int depth) {
        struct counts {
          std::atomic<int>& all;
          ~counts() { all.fetch_add(1); }
        } const end{n};
        if (depth == 0) {
          co_await make_chan<>().recv();
        } else if (depth % 4 == 0) {
          co_await all(grow(n, depth - 1), grow(n, depth - 1));
        } else if (depth % 4 == 1) {
          co_await any(grow(n, depth - 1), grow(n, depth - 1));
        } else if (depth % 4 == 2) {
          co_await race(grow(n, depth - 1), grow(n, depth - 1));
        } else {
          co_await scope([&n, depth](group& g) -> task<> {
            g.go(grow, std::ref(n), depth - 1);
            auto d = g.async(grow, std::ref(n), depth - 1);
            co_await d;
          });
        }
      }
    };
    const std::string how =
        co_await abandoned([&unwound]() -> task<> { return tree::grow(unwound, 8); });
    CHECK(how == "exit");
    CHECK(unwound.load() == 511);
  });
}

TEST_CASE("rule 5: a chain of 1 000 scopes is abandoned from the top") {
  run_test(2, []() -> task<> {
    int unwound = 0;
    struct chain {
      static task<> go_down(int& n, int depth) {
        struct counts {
          int& all;
          ~counts() { ++all; }
        } const end{n};
        if (depth == 0) co_await make_chan<>().recv();
        co_await scope([&n, depth](group&) -> task<> { return go_down(n, depth - 1); });
      }
    };
    const std::string how =
        co_await abandoned([&unwound]() -> task<> { return chain::go_down(unwound, 1000); });
    CHECK(how == "exit");
    CHECK(unwound == 1001);
  });
}

TEST_CASE("rule 5: a scope that an abandoned goroutine begins is abandoned with it, and joined") {
  run_test(1, []() -> task<> {
    bool child_went_on = false;
    const std::string how = co_await abandoned([&child_went_on]() -> task<> {
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
      }
      co_await scope([&child_went_on](group& g) -> task<> {
        g.go(
            [](bool& went_on) -> task<> {
              co_await make_chan<>().recv();
              went_on = true;
            },
            std::ref(child_went_on));
        co_return;
      });
    });
    CHECK_FALSE(child_went_on);
    CHECK(how != "");
  });
}

TEST_CASE("rule 5: g.wait() is a join: it is not interrupted") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    const std::string how = co_await abandoned([&log]() -> task<> {
      co_await scope([&log](group& g) -> task<> {
        g.go(
            [](std::vector<std::string>& l) -> task<> {
              const logs end{l, "child"};
              co_await make_chan<>().recv();
            },
            std::ref(log));
        co_await g.wait();
        log.push_back("waited");
      });
    });
    CHECK(log == std::vector<std::string>{"child", "waited"});
    CHECK(how != "");
  });
}

}  // namespace
