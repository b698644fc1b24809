// SPDX-License-Identifier: MIT
// How long a channel lives, and what it is after those who waited on it are gone.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <notes.hpp>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace burrow;

TEST_CASE("CH39: a channel that is dropped lives as long as somebody waits on it") {
  auto held = std::make_shared<int>(1);
  using shared = chan<std::shared_ptr<int>>;
  run_test(1, [held]() -> task<> {
    std::vector<std::unique_ptr<shared>> handles;  // the only ones
    const auto make = [&handles](std::size_t capacity) -> shared& {
      handles.push_back(std::make_unique<shared>(make_chan<std::shared_ptr<int>>(capacity)));
      return *handles.back();
    };
    const auto receiver = [](shared& c) -> task<> {
      co_await c.recv();
      CHECK_MESSAGE(false, "nobody sends");
    };
    const auto sender = [](shared& c, std::shared_ptr<int> value) -> task<> {
      co_await c.send(value);
      CHECK_MESSAGE(false, "nobody receives");
    };
    const auto selecting = [](shared& a, shared& b, std::shared_ptr<int> value) -> task<> {
      std::shared_ptr<int> v;
      co_await select(a.recv(v), a.recv(), a.send(value), b.recv());
      CHECK_MESSAGE(false, "nobody is there");
    };
    shared& full = make(2);
    CHECK(full.try_send(held));
    CHECK(full.try_send(held));
    go(sender, std::ref(full), held);
    go(sender, std::ref(make(0)), held);
    go(receiver, std::ref(make(1)));
    shared& one = make(0);
    go(selecting, std::ref(one), std::ref(make(3)), held);
    co_await until_quiet();
    CHECK(parked_goroutines() == 4);
    handles.clear();
    co_await until_quiet();
    CHECK(parked_goroutines() == 4);
    CHECK(held.use_count() > 6);
  });
  CHECK(held.use_count() == 1);  // the end of the runtime has released all
}

TEST_CASE("CH39: a select leaves channels that nobody else holds") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto results = make_chan<int>();
    auto dying = std::make_unique<chan<int>>(make_chan<int>());
    go(
        [](chan<int> a, chan<int>& only, chan<int> out) -> task<> {
          int v = 0;
          int chosen = co_await select(only.recv(v), a.recv(v), only.send(1));
          co_await out.send(chosen * 100 + v);
        },
        c, std::ref(*dying), results);
    co_await until_quiet();
    dying.reset();
    co_await c.send(5);
    std::optional<int> got = co_await results.recv();
    CHECK(got == 105);
  });
}

TEST_CASE("a channel outlives the runtime that it was used in, and is used after it") {
  chan<std::string> c = make_chan<std::string>(2);
  chan<std::string> never;
  run_test(1, [c, &never]() -> task<> {
    co_await c.send("from inside");
    never = make_chan<std::string>();
    go([](chan<std::string> from) -> task<> { co_await from.recv(); }, never);
    go([](chan<std::string> to) -> task<> { co_await to.send("lost"); }, make_chan<std::string>());
    co_await until_quiet();
    CHECK(parked_goroutines() == 2);
  });
  // The waiters are gone with their runtime.
  CHECK_FALSE(never.try_send("nobody"));
  CHECK(c.size() == 1);
  CHECK(c.try_send("after"));
  std::string text;
  CHECK(c.recv_blocking(text));
  CHECK(text == "from inside");
  run_test(1, [c]() -> task<> {  // and in another one
    std::optional<std::string> got = co_await c.recv();
    CHECK(got == "after");
    c.close();
  });
  CHECK_FALSE(c.recv_blocking(text));
}

TEST_CASE("a goroutine that is abandoned while it waits has left the channel") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto full = make_chan<int>(1);
    co_await full.send(1);
    auto log = new_notes();
    bool failed = false;
    try {
      co_await scope([&](group& g) -> task<> {
        g.go(receive_and_note, c, log);
        g.go(send_and_note, full, 2, log);
        g.go([](chan<int> a, chan<int> b) -> task<> { co_await select(a.recv(), b.send(3)); }, c,
             full);
        co_await until_quiet();
        throw std::runtime_error("enough");
      });
    } catch (const std::runtime_error&) {
      failed = true;
    }
    CHECK(failed);
    CHECK(log->empty());
    CHECK_FALSE(c.try_send(5));  // nobody is there any more
    CHECK(drain(full) == numbers{1});
  });
}
