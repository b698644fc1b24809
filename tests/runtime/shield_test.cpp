// SPDX-License-Identifier: MIT
// Abandonment, rule 5: the shield, and the races.
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

// --- the shield ----------------------------------------------------------------------------------

TEST_CASE("rule 5: abandonment does not reach what runs under without_cancel") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto flushed = make_chan<int>();
    go(
        [](chan<int> in) -> task<> {
          co_await in.recv();
          co_await in.recv();
        },
        flushed);
    const std::string how = co_await abandoned([&log, flushed]() -> task<> {
      const context own = this_goroutine::context();
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
        log.push_back("told");
      }
      co_await under(without_cancel(own), [](chan<int> out, std::vector<std::string>& l) -> task<> {
        co_await this_goroutine::yield();
        co_await out.send(1);
        const std::error_code slept = co_await sleep(1ms);
        CHECK_FALSE(slept);
        co_await out.send(2);
        l.push_back("flushed");
      }(flushed, log));
      co_await make_chan<>().recv();
    });
    CHECK(how == "exit");
    CHECK(log == std::vector<std::string>{"told", "flushed"});
  });
}

TEST_CASE("rule 5: a goroutine that is abandoned inside the shield is told when it has left it") {
  run_test(1, []() -> task<> {
    std::vector<std::string> log;
    auto gate = make_chan<>();
    try {
      co_await scope([&](group& g) -> task<> {
        g.go(
            [](std::vector<std::string>& l, chan<> until) -> task<> {
              co_await under(without_cancel(this_goroutine::context()),
                             [](std::vector<std::string>& ll, chan<> u) -> task<> {
                               co_await u.recv();
                               ll.push_back("received");
                             }(l, until));
              const logs end{l, "unwound"};
              co_await until.recv();  // it is closed, so this can finish at once
              l.push_back("closed");
              co_await make_chan<>().recv();
              l.push_back("unreachable");
            },
            std::ref(log), gate);
        go(
            [](chan<> c, context failed) -> task<> {
              co_await failed.done();
              co_await until_quiet();
              c.close();
            },
            gate, g.context());
        co_await until_quiet();
        throw std::runtime_error("failed");
      });
    } catch (const std::runtime_error&) {
      log.push_back("joined");
    }
    CHECK(log == std::vector<std::string>{"received", "closed", "unwound", "joined"});
  });
}

TEST_CASE("rule 5: what a shielded task starts and joins is shielded with it") {
  run_test(1, []() -> task<> {
    int sum = 0;
    const std::string how = co_await abandoned([&sum]() -> task<> {
      const context own = this_goroutine::context();
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
      }
      sum = co_await under(without_cancel(own), []() -> task<int> {
        auto c = make_chan<int>();
        auto sends = [](chan<int> out) -> task<> { co_await out.send(1); };
        auto receives = [](chan<int> in) -> task<int> {
          const std::optional<int> v = co_await in.recv();
          co_return *v;
        };
        const int in_scope = co_await scope([c, sends, receives](group& g) -> task<int> {
          auto d = g.async(receives, c);
          co_await this_goroutine::yield();
          g.go(sends, c);
          co_return co_await d;
        });
        const auto [first, nothing] = co_await all(receives(c), sends(c));
        static_cast<void>(nothing);
        co_return in_scope + first;
      }());
      co_await make_chan<>().recv();
    });
    CHECK(how == "exit");
    CHECK(sum == 2);
  });
}

TEST_CASE("rule 5: a task whose own Context is made by without_cancel is shielded as by under") {
  run_test(1, []() -> task<> {
    bool flushed = false;
    const std::string how = co_await abandoned([&flushed]() -> task<> {
      const context own = this_goroutine::context();
      try {
        co_await make_chan<>().recv();
      } catch (const goroutine_exit&) {
      }
      auto flush = [](context, bool& f) -> task<> {
        co_await sleep(1ms);
        f = true;
      };
      co_await flush(without_cancel(own), flushed);
      co_await make_chan<>().recv();
    });
    CHECK(how == "exit");
    CHECK(flushed);
  });
}

TEST_CASE("rule 5: a Context that ends from outside abandons nobody") {
  run_test(1, []() -> task<> {
    auto [ctx, cancel] = with_cancel(background());
    auto gate = make_chan<>();
    auto out = make_chan<std::error_code>(1);
    go(
        ctx,
        [](chan<> until, chan<std::error_code> o) -> task<> {
          co_await until.recv();  // watches no Context
          const std::error_code slept = co_await sleep(1h);
          co_await o.send(slept);
        },
        gate, out);
    co_await until_quiet();
    cancel();
    co_await until_quiet();
    CHECK(out.size() == 0);
    co_await gate.send();
    const std::optional<std::error_code> slept = co_await out.recv();
    CHECK(*slept == errc::canceled);
  });
}

TEST_CASE("rule 5: a claim and an abandonment at the same time: a value is received or stays") {
  run_test(4, []() -> task<> {
    int received = 0;
    int kept = 0;
    constexpr int rounds = 2000;
    for (int i = 0; i < rounds; ++i) {
      auto c = make_chan<int>();
      bool got = false;
      bool sent = false;
      try {
        co_await scope([&](group& g) -> task<> {
          g.go(
              [](chan<int> in, bool& flag) -> task<> {
                co_await in.recv();
                flag = true;
              },
              c, std::ref(got));
          g.go(
              [](chan<int> out, bool& flag) -> task<> {
                co_await this_goroutine::yield();
                flag = out.try_send(1);
              },
              c, std::ref(sent));
          co_await this_goroutine::yield();
          throw std::runtime_error("failed");
        });
      } catch (const std::runtime_error&) {
        ++kept;
      }
      REQUIRE(got == sent);
      received += got ? 1 : 0;
    }
    CHECK(kept == rounds);
    CHECK(received <= rounds);
  });
}

TEST_CASE("rule 5: inside of a shield a group still ends its own") {
  run_test(1, []() -> task<> {
    const auto sleeps_for_ever = []() -> task<int> {
      co_await make_chan<int>().recv();
      co_return 1;
    };
    const auto at_once = []() -> task<int> { co_return 2; };
    const context shielding = without_cancel(this_goroutine::context());
    const int won = co_await under(shielding, race(sleeps_for_ever(), at_once()));
    CHECK(won == 2);
    const int first = co_await under(shielding, any(sleeps_for_ever(), at_once()));
    CHECK(first == 2);
    bool failed = false;
    try {
      co_await under(shielding, scope([&](group& g) -> task<> {
                       g.go(sleeps_for_ever);
                       co_await this_goroutine::yield();
                       throw std::runtime_error("failed");
                     }));
    } catch (const std::runtime_error&) {
      failed = true;
    }
    CHECK(failed);
  });
}

TEST_CASE("rule 7: a goroutine that was started under without_cancel is unwound in the end") {
  bool unwound = false;
  run_test(1, [&]() -> task<> {
    go(without_cancel(this_goroutine::context()), [&]() -> task<> {
      const struct mark {
        bool& set;
        ~mark() { set = true; }
      } at_end{unwound};
      co_await make_chan<int>().recv();
    });
    co_await this_goroutine::yield();
  });
  CHECK(unwound);
}

TEST_CASE("rule 5: cleanup that fans out at the end of the runtime is finished") {
  int cleaned = 0;
  run_test(1, [&]() -> task<> {
    go([&]() -> task<> {
      bool is_abandoned = false;
      try {
        co_await make_chan<int>().recv();
      } catch (const goroutine_exit&) {
        is_abandoned = true;
      }
      if (!is_abandoned) co_return;
      const auto part = [&]() -> task<> {
        co_await sleep(std::chrono::milliseconds(1));
        ++cleaned;
      };
      co_await under(without_cancel(background()), all(part(), part(), part()));
    });
    co_await this_goroutine::yield();
  });
  CHECK(cleaned == 3);
}

}  // namespace
