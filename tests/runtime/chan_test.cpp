// SPDX-License-Identifier: MIT
// Channels between goroutines: CH and HB of Go's semantics. What a case cannot see without a race
// detector (HB) it still does, so that a build with ThreadSanitizer sees it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace burrow;

namespace {

/// Sends `value`, and notes in `log` how that ended: the value, or -1 if it was refused.
task<> send_and_note(send_chan<int> c, int value, std::shared_ptr<std::vector<int>> log) {
  try {
    co_await c.send(value);
    log->push_back(value);
  } catch (const closed_channel&) {
    log->push_back(-1);
  }
}

/// Receives, and notes the value, or -1 if the channel was closed.
task<> receive_and_note(recv_chan<int> c, std::shared_ptr<std::vector<int>> log) {
  std::optional<int> got = co_await c.recv();
  log->push_back(got.value_or(-1));
}

std::shared_ptr<std::vector<int>> new_log() { return std::make_shared<std::vector<int>>(); }

using numbers = std::vector<int>;

/// All that can be received at once.
numbers drain(const chan<int>& c) {
  numbers all;
  int v = 0;
  while (c.try_recv(v) == recv_status::received) all.push_back(v);
  return all;
}

}  // namespace

// --- nil ---------------------------------------------------------------------------------------------

TEST_CASE("CH5: a nil channel blocks forever, is never ready, and cannot be closed") {
  int went_on = 0;
  run_test(1, [&went_on]() -> task<> {
    chan<int> nil;
    go([](chan<int> c, int& after) -> task<> {
      co_await c.send(1);
      ++after;
    }, nil, std::ref(went_on));
    go([](chan<int> c, int& after) -> task<> {
      co_await c.recv();
      ++after;
    }, nil, std::ref(went_on));
    go([](chan<int> c, int& after) -> task<> {
      while (std::optional<int> v = co_await c.recv()) ++after;
      ++after;
    }, nil, std::ref(went_on));
    co_await until_quiet();
    CHECK(parked_goroutines() == 3);
    int v = 5;
    CHECK_FALSE(nil.try_send(1));
    CHECK(nil.try_recv(v) == recv_status::empty);
    CHECK(v == 5);
    CHECK(nil.size() == 0);
    CHECK(nil.capacity() == 0);
    CHECK_THROWS_WITH_AS(nil.close(), "close of nil channel", nil_channel);
    co_await until_quiet();
    CHECK(parked_goroutines() == 3);
  });
  CHECK(went_on == 0);
}

// --- sending and receiving -------------------------------------------------------------------------

TEST_CASE("CH6: an unbuffered send completes only when a receiver has taken the value") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_log();
    go(send_and_note, c, 1, log);
    co_await until_quiet();
    CHECK(log->empty());
    int v = 0;
    bool ok = co_await c.recv(v);
    CHECK(ok);
    CHECK(v == 1);
    co_await until_quiet();
    CHECK(*log == numbers{1});
  });
}

TEST_CASE("CH7: a buffered send waits only while the buffer is full, a receive while it is empty") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(3);
    auto sent = new_log();
    auto received = new_log();
    for (int i = 0; i < 3; ++i) co_await c.send(i);  // nobody receives
    go(send_and_note, c, 3, sent);
    co_await until_quiet();
    CHECK(sent->empty());
    for (int i = 0; i < 4; ++i) {
      std::optional<int> got = co_await c.recv();
      CHECK(got == i);
    }
    co_await until_quiet();
    CHECK(*sent == numbers{3});
    go(receive_and_note, c, received);
    co_await until_quiet();
    CHECK(received->empty());
    co_await c.send(4);
    co_await until_quiet();
    CHECK(*received == numbers{4});
  });
}

TEST_CASE("CH8: values leave in the order in which their sends took effect, whoever sent them") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(2);
    auto log = new_log();
    for (int i = 0; i < 9; ++i) {
      go(send_and_note, c, i, log);
      co_await until_quiet();
    }
    for (int i = 0; i < 9; ++i) {
      std::optional<int> got = co_await c.recv();
      CHECK(got == i);
    }
    co_await until_quiet();
    std::sort(log->begin(), log->end());  // who runs first once it was woken is not promised
    CHECK(*log == numbers{0, 1, 2, 3, 4, 5, 6, 7, 8});
  });
}

TEST_CASE("CH10: blocked receivers, and blocked senders, are served first come, first served") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_log();
    std::vector<std::shared_ptr<numbers>> got;
    for (int i = 0; i < 5; ++i) {
      got.push_back(new_log());
      go(receive_and_note, c, got.back());
      co_await until_quiet();
    }
    for (int i = 0; i < 5; ++i) co_await c.send(i);
    co_await until_quiet();
    for (int i = 0; i < 5; ++i) CHECK(*got[static_cast<std::size_t>(i)] == numbers{i});

    for (int i = 0; i < 5; ++i) {
      go(send_and_note, c, i, log);
      co_await until_quiet();
    }
    for (int i = 0; i < 5; ++i) {
      std::optional<int> value = co_await c.recv();
      CHECK(value == i);
      co_await until_quiet();
      CHECK(log->size() == static_cast<std::size_t>(i + 1));
      CHECK(log->back() == i);
    }
  });
}

TEST_CASE("CH11: a select holds its place in a channel's queue like a plain waiter") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto other = make_chan<int>();
    std::vector<std::shared_ptr<numbers>> got;
    const auto selecting = [](chan<int> a, chan<int> b, std::shared_ptr<numbers> log) -> task<> {
      int v = 0;
      switch (co_await select(b.recv(v), a.recv(v))) {
        case 0: log->push_back(-1); break;
        case 1: log->push_back(v); break;
      }
    };
    for (int i = 0; i < 6; ++i) {
      got.push_back(new_log());
      if (i % 2 == 0) {
        go(receive_and_note, c, got.back());
      } else {
        go(selecting, c, other, got.back());
      }
      co_await until_quiet();
    }
    for (int i = 0; i < 6; ++i) co_await c.send(i);
    co_await until_quiet();
    for (int i = 0; i < 6; ++i) CHECK(*got[static_cast<std::size_t>(i)] == numbers{i});

    auto log = new_log();
    const auto sending = [](chan<int> a, chan<int> b, int v) -> task<> {
      co_await select(b.send(-1), a.send(v));
    };
    for (int i = 0; i < 6; ++i) {
      if (i % 2 == 0) {
        go(sending, c, other, i);
      } else {
        go(send_and_note, c, i, log);
      }
      co_await until_quiet();
    }
    for (int i = 0; i < 6; ++i) {
      std::optional<int> value = co_await c.recv();
      CHECK(value == i);
    }
  });
}

TEST_CASE("CH12: a value goes straight to a blocked receiver, not through the buffer") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    auto log = new_log();
    go(receive_and_note, c, log);
    co_await until_quiet();
    CHECK(c.try_send(1));
    CHECK(c.size() == 0);  // though the receiver has not run yet
    CHECK(log->empty());
    int v = 0;
    CHECK(c.try_recv(v) == recv_status::empty);
    CHECK(c.try_send(2));
    CHECK_FALSE(c.try_send(3));
    co_await until_quiet();
    CHECK(*log == numbers{1});
    CHECK(drain(c) == numbers{2});
  });
}

TEST_CASE("CH13 CH15: a receive from a full buffer lets the longest-blocked sender in, nobody else") {
  run_test(1, []() -> task<> {
    for (std::size_t capacity : {1, 2, 3}) {
      CAPTURE(capacity);
      const int full = static_cast<int>(capacity);
      auto c = make_chan<int>(capacity);
      auto log = new_log();
      for (int i = 0; i < full; ++i) co_await c.send(i);
      for (int i = full; i < full + 3; ++i) {
        go(send_and_note, c, i, log);
        co_await until_quiet();
      }
      for (int i = 0; i < 3; ++i) {
        int v = -1;
        CHECK(c.try_recv(v) == recv_status::received);
        CHECK(v == i);                // the head, not the sender's value
        CHECK(c.size() == capacity);  // the sender's value is in already
        CHECK_FALSE(c.try_send(99));  // there was no gap to slip into
        co_await until_quiet();
        CHECK(log->size() == static_cast<std::size_t>(i + 1));
        CHECK(log->back() == full + i);
      }
      numbers rest;
      for (int i = 3; i < full + 3; ++i) rest.push_back(i);
      CHECK(drain(c) == rest);
    }
  });
}

TEST_CASE("CH14 CH15: what a woken waiter waited for is complete, whatever happens before it runs") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_log();
    go(receive_and_note, c, log);
    co_await until_quiet();
    CHECK(c.try_send(1));
    CHECK_FALSE(c.try_send(2));  // the receiver is taken
    int v = 0;
    CHECK(c.try_recv(v) == recv_status::empty);
    c.close();
    co_await until_quiet();
    CHECK(*log == numbers{1});

    c = make_chan<int>();
    log = new_log();
    go(send_and_note, c, 3, log);
    co_await until_quiet();
    CHECK(c.try_recv(v) == recv_status::received);
    CHECK(v == 3);
    CHECK(c.try_recv(v) == recv_status::empty);  // the sender is taken
    c.close();
    co_await until_quiet();
    CHECK(*log == numbers{3});  // and its send did not fail
  });
}

TEST_CASE("CH28: ok tells whether a value was delivered, also a zero") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(1);
    int v = 7;
    co_await c.send(0);
    bool ok = co_await c.recv(v);
    CHECK(ok);
    CHECK(v == 0);
    v = 7;
    c.close();
    ok = co_await c.recv(v);
    CHECK_FALSE(ok);
    CHECK(v == 0);
    ok = true;
    v = 7;
    int chosen = co_await select(c.recv(v, ok));
    CHECK(chosen == 0);
    CHECK_FALSE(ok);
    CHECK(v == 0);
    auto texts = make_chan<std::string>(1);
    co_await texts.send(std::string());
    std::string text = "before";
    ok = false;
    ok = co_await texts.recv(text);
    CHECK(ok);
    CHECK(text.empty());
    texts.close();
    text = "before";
    ok = co_await texts.recv(text);
    CHECK_FALSE(ok);
    CHECK(text.empty());
  });
}

TEST_CASE("CH29: a loop receives until closed and drained; leaving it early leaves the rest") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(5);
    for (int i = 0; i < 5; ++i) co_await c.send(i);
    int sum = 0;
    while (std::optional<int> v = co_await c.recv()) {
      sum += *v;
      if (*v == 1) break;
    }
    CHECK(sum == 1);
    CHECK(c.size() == 3);
    CHECK(c.try_send(5));  // it is not closed
    c.close();
    while (std::optional<int> v = co_await c.recv()) sum += *v;
    CHECK(sum == 15);
  });
}

TEST_CASE("CH30: size counts what is buffered, never who waits") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(2);
    auto log = new_log();
    CHECK(c.size() == 0);
    CHECK(c.capacity() == 2);
    for (int i = 0; i < 4; ++i) go(send_and_note, c, i, log);
    co_await until_quiet();
    CHECK(parked_goroutines() == 2);
    CHECK(c.size() == 2);
    CHECK(c.capacity() == 2);
    c.close();
    CHECK(c.size() == 2);
    CHECK(c.capacity() == 2);

    auto unbuffered = make_chan<int>();
    go(send_and_note, unbuffered, 1, log);
    co_await until_quiet();
    CHECK(unbuffered.size() == 0);
    CHECK(unbuffered.capacity() == 0);
  });
}

TEST_CASE("CH32: the channel and then the value of a send are evaluated, once, before it waits") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>();
    auto log = new_log();
    go([](chan<int> to, std::shared_ptr<numbers> order) -> task<> {
      const auto channel = [&] {
        order->push_back(1);
        return to;
      };
      const auto value = [&] {
        order->push_back(2);
        return 40;
      };
      co_await channel().send(value());
      order->push_back(3);
    }, c, log);
    co_await until_quiet();
    CHECK(*log == numbers{1, 2});
    std::optional<int> got = co_await c.recv();
    CHECK(got == 40);
    co_await until_quiet();
    CHECK(*log == numbers{1, 2, 3});
  });
}

TEST_CASE("CH21 CH34: what does not wait") {
  auto c = make_chan<int>(1);
  int v = 7;
  CHECK(c.try_recv(v) == recv_status::empty);
  CHECK(v == 7);
  CHECK(c.try_send(1));
  CHECK_FALSE(c.try_send(2));
  CHECK(c.try_recv(v) == recv_status::received);
  CHECK(v == 1);
  CHECK(c.try_send(3));
  c.close();
  CHECK_THROWS_WITH_AS(c.try_send(4), "send on closed channel", closed_channel);
  CHECK(c.try_recv(v) == recv_status::received);
  CHECK(v == 3);
  for (int i = 0; i < 3; ++i) {
    v = 7;
    CHECK(c.try_recv(v) == recv_status::closed);
    CHECK(v == 0);
  }
  auto unbuffered = make_chan<int>();
  CHECK_FALSE(unbuffered.try_send(1));
  CHECK(unbuffered.try_recv(v) == recv_status::empty);
}

// --- close -------------------------------------------------------------------------------------------

TEST_CASE("CH17: close wakes every blocked receiver with a zero value and false") {
  run_test(1, []() -> task<> {
    for (std::size_t capacity : {0, 2}) {
      auto c = make_chan<int>(capacity);
      auto log = new_log();
      for (int i = 0; i < 5; ++i) go(receive_and_note, c, log);
      go([](chan<int> from, std::shared_ptr<numbers> out) -> task<> {
        int v = 9;
        bool ok = true;
        co_await select(from.recv(v, ok));
        out->push_back(v - 1);
        CHECK_FALSE(ok);
      }, c, log);
      co_await until_quiet();
      CHECK(log->empty());
      c.close();
      co_await until_quiet();
      CHECK(*log == numbers{-1, -1, -1, -1, -1, -1});
    }
  });
}

TEST_CASE("CH18 CH19 CH20: close refuses blocked senders, and keeps what is buffered") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(2);
    auto log = new_log();
    co_await c.send(1);
    co_await c.send(2);
    for (int i = 3; i < 6; ++i) go(send_and_note, c, i, log);
    co_await until_quiet();
    CHECK(log->empty());
    c.close();
    co_await until_quiet();
    CHECK(*log == numbers{-1, -1, -1});
    int v = 0;
    bool ok = co_await c.recv(v);
    CHECK(ok);
    CHECK(v == 1);
    CHECK(c.try_recv(v) == recv_status::received);
    CHECK(v == 2);
    for (int i = 0; i < 3; ++i) {
      ok = co_await c.recv(v);
      CHECK_FALSE(ok);
      CHECK(v == 0);
      std::optional<int> got = co_await c.recv();
      CHECK_FALSE(got);
    }
  });
}

TEST_CASE("CH21 CH22 CH23 CH24: misuse of a closed channel throws, and leaves it as it was") {
  run_test(1, []() -> task<> {
    auto c = make_chan<int>(3);
    co_await c.send(1);
    c.close();
    for (int i = 0; i < 3; ++i) {
      std::string said;
      try {
        co_await c.send(2);
      } catch (const std::logic_error& e) {
        said = e.what();
      }
      CHECK(said == "send on closed channel");
      said.clear();
      try {
        c.close();
      } catch (const closed_channel& e) {
        said = e.what();
      }
      CHECK(said == "close of closed channel");
      CHECK_THROWS_AS(c.try_send(3), closed_channel);
      said.clear();
      try {
        co_await select(c.send(4), otherwise);
      } catch (const closed_channel& e) {
        said = e.what();
      }
      CHECK(said == "send on closed channel");
    }
    CHECK(c.size() == 1);
    int v = 0;
    bool ok = co_await c.recv(v);
    CHECK(ok);
    CHECK(v == 1);
    ok = co_await c.recv(v);
    CHECK_FALSE(ok);
    CHECK(v == 0);
  });
}

// --- against a model -------------------------------------------------------------------------------

namespace {

/// What Go's channel does, one step at a time. Events: `value` is -1 for closed or refused.
struct model {
  struct event {
    bool send;
    int who;
    int value;
    bool operator==(const event&) const = default;
  };

  std::size_t capacity;
  std::vector<int> buffer;
  std::vector<std::pair<int, int>> senders;  // who, value
  std::vector<int> receivers;
  std::vector<event> events;

  void send(int who, int value) {
    if (!receivers.empty()) {
      events.push_back({false, receivers.front(), value});
      receivers.erase(receivers.begin());
    } else if (buffer.size() < capacity) {
      buffer.push_back(value);
    } else {
      senders.emplace_back(who, value);
      return;
    }
    events.push_back({true, who, value});
  }
  void receive(int who) {
    if (buffer.empty() && senders.empty()) {
      receivers.push_back(who);
      return;
    }
    if (!senders.empty()) {
      buffer.push_back(senders.front().second);
      events.push_back({true, senders.front().first, senders.front().second});
      senders.erase(senders.begin());
    }
    events.push_back({false, who, buffer.front()});
    buffer.erase(buffer.begin());
  }
  void close() {
    for (auto& s : senders) events.push_back({true, s.first, -1});
    for (int who : receivers) events.push_back({false, who, -1});
    senders.clear();
    receivers.clear();
  }
};

bool before(const model::event& a, const model::event& b) {
  return a.send != b.send ? a.send : a.who < b.who;
}

/// A step's events in an order that does not depend on who ran first.
std::vector<model::event> sorted(std::vector<model::event> events) {
  std::sort(events.begin(), events.end(), before);
  return events;
}

struct pcg {
  std::uint64_t state;
  std::uint32_t operator()(std::uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33) % n;
  }
};

task<> model_case(std::size_t capacity, std::uint64_t seed) {
  using events = std::vector<model::event>;
  auto c = make_chan<int>(capacity);
  model m{capacity, {}, {}, {}, {}};
  auto seen = std::make_shared<events>();
  const auto sender = [](chan<int> to, int who, int value, std::shared_ptr<events> out) -> task<> {
    try {
      co_await to.send(value);
    } catch (const closed_channel&) {
      value = -1;
    }
    out->push_back({true, who, value});
  };
  const auto receiver = [](chan<int> from, int who, std::shared_ptr<events> out) -> task<> {
    std::optional<int> got = co_await from.recv();
    out->push_back({false, who, got.value_or(-1)});
  };
  // The same through a select that has another case, which never is ready.
  const auto selecting = [](chan<int> from, int who, std::shared_ptr<events> out) -> task<> {
    int v = 0;
    bool ok = false;
    co_await select(from.recv(v, ok), chan<int>().send(1));
    out->push_back({false, who, ok ? v : -1});
  };
  pcg random{seed};
  for (int step = 0; step < 300; ++step) {
    seen->clear();
    m.events.clear();
    int v = -2;
    switch (random(8)) {
      case 0:
      case 1:
      case 2:
        go(sender, c, step, step, seen);
        m.send(step, step);
        break;
      case 3:
      case 4:
        go(receiver, c, step, seen);
        m.receive(step);
        break;
      case 5:
        go(selecting, c, step, seen);
        m.receive(step);
        break;
      case 6: {
        const bool possible = !m.receivers.empty() || m.buffer.size() < capacity;
        CHECK(c.try_send(step) == possible);
        if (possible) {
          m.send(step, step);
          seen->push_back({true, step, step});
        }
        break;
      }
      default: {
        const bool possible = !m.buffer.empty() || !m.senders.empty();
        CHECK((c.try_recv(v) == recv_status::received) == possible);
        if (possible) {
          m.receive(step);
          seen->push_back({false, step, v});
        }
      }
    }
    co_await until_quiet();
    CHECK(sorted(*seen) == sorted(m.events));
    CHECK(c.size() == m.buffer.size());
    CHECK(parked_goroutines() == m.senders.size() + m.receivers.size());
  }
  seen->clear();
  m.events.clear();
  c.close();
  m.close();
  co_await until_quiet();
  CHECK(sorted(*seen) == sorted(m.events));
  CHECK(drain(c) == m.buffer);
}

}  // namespace

TEST_CASE("CH7 CH8 CH10 CH13 CH15 CH16 CH17 CH18 CH20: as a model of Go's channel, step by step") {
  for (std::size_t capacity : {0, 1, 2, 5}) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      CAPTURE(capacity);
      CAPTURE(seed);
      run_test(1, [capacity, seed]() -> task<> { co_await model_case(capacity, seed); });
    }
  }
}

// --- the life of a channel --------------------------------------------------------------------------

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
    go([](chan<int> a, chan<int>& only, chan<int> out) -> task<> {
      int v = 0;
      int chosen = co_await select(only.recv(v), a.recv(v), only.send(1));
      co_await out.send(chosen * 100 + v);
    }, c, std::ref(*dying), results);
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
    auto log = new_log();
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

// --- happens-before --------------------------------------------------------------------------------

TEST_CASE("HB1 HB2: a send, and a close, come before what is received") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 500; ++round) {
      for (std::size_t capacity : {0, 1, 3}) {
        auto c = make_chan<int>(capacity);
        auto data = std::make_shared<numbers>(4, 0);
        go([](chan<int> to, std::shared_ptr<numbers> d) -> task<> {
          for (int i = 0; i < 3; ++i) {
            (*d)[static_cast<std::size_t>(i)] = i + 1;
            co_await to.send(i);
          }
          (*d)[3] = 4;
          to.close();
        }, c, data);
        int sum = 0;
        while (std::optional<int> i = co_await c.recv()) {
          sum += (*data)[static_cast<std::size_t>(*i)];
        }
        CHECK(sum == 6);
        CHECK((*data)[3] == 4);
      }
    }
  });
}

TEST_CASE("HB3: an unbuffered receive comes before the end of its send") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 1000; ++round) {
      auto c = make_chan<>();
      auto data = std::make_shared<int>(0);
      go([](chan<> from, std::shared_ptr<int> d) -> task<> {
        *d = 1;
        co_await from.recv();
      }, c, data);
      co_await c.send();
      CHECK(*data == 1);
    }
  });
}

TEST_CASE("HB4: a channel of capacity C is a counting semaphore, with C = 1 a mutex") {
  run_test(4, []() -> task<> {
    auto lock = make_chan<>(1);
    auto ended = make_chan<>(8);
    int counter = 0;
    for (int g = 0; g < 8; ++g) {
      go([](chan<> mutex, chan<> done, int& n) -> task<> {
        for (int i = 0; i < 300; ++i) {
          co_await mutex.send();
          ++n;
          if (i % 16 == 0) co_await this_goroutine::yield();
          co_await mutex.recv();
        }
        co_await done.send();
      }, lock, ended, std::ref(counter));
    }
    for (int g = 0; g < 8; ++g) co_await ended.recv();
    CHECK(counter == 2400);

    // The k-th receive comes before the end of the (k+C)-th send.
    auto slots = make_chan<int>(3);
    auto data = std::make_shared<numbers>(400, 0);
    go([](chan<int> from, std::shared_ptr<numbers> d) -> task<> {
      for (std::size_t k = 0; k < d->size(); ++k) {
        (*d)[k] = static_cast<int>(k) + 1;
        co_await from.recv();
      }
    }, slots, data);
    for (std::size_t k = 0; k < data->size() - 3; ++k) {
      co_await slots.send(0);
      if (k >= 3) CHECK((*data)[k - 3] == static_cast<int>(k) - 2);
    }
  });
}

TEST_CASE("HB6: a case of select orders what the plain operation orders") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 1000; ++round) {
      auto a = make_chan<int>();
      auto b = make_chan<int>(1);
      auto data = std::make_shared<numbers>(2, 0);
      go([](chan<int> x, chan<int> y, std::shared_ptr<numbers> d) -> task<> {
        (*d)[0] = 1;
        co_await select(x.send(1), y.recv());
        CHECK((*d)[1] == 2);  // written by the receiver before its receive
      }, a, b, data);
      (*data)[1] = 2;
      int v = 0;
      chan<int> nil;
      int chosen = co_await select(nil.recv(), a.recv(v));
      CHECK(chosen == 1);
      CHECK((*data)[0] == 1);
    }
  });
}

TEST_CASE("HB10: a sender that a receiver lets into the buffer passes on what it wrote before") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 500; ++round) {
      auto c = make_chan<std::size_t>(1);
      auto done = make_chan<>();
      auto data = std::make_shared<numbers>(3, 0);
      for (std::size_t i = 0; i < 3; ++i) {
        go([](chan<std::size_t> to, std::size_t n, std::shared_ptr<numbers> d) -> task<> {
          (*d)[n] = static_cast<int>(n) + 1;
          co_await to.send(n);
        }, c, i, data);
      }
      for (int i = 0; i < 3; ++i) {
        go([](chan<std::size_t> from, chan<> ended, std::shared_ptr<numbers> d) -> task<> {
          std::optional<std::size_t> n = co_await from.recv();
          CHECK((*d)[*n] == static_cast<int>(*n) + 1);
          co_await ended.send();
        }, c, done, data);
      }
      for (int i = 0; i < 3; ++i) co_await done.recv();
    }
  });
}

TEST_CASE("HB9: in burrow a close beside sends is sound: each send delivers or throws") {
  run_test(4, []() -> task<> {
    for (int round = 0; round < 300; ++round) {
      auto c = make_chan<int>(static_cast<std::size_t>(round % 3));
      auto outcomes = make_chan<int>(3);
      for (int i = 0; i < 3; ++i) {
        go([](chan<int> to, chan<int> out) -> task<> {
          int outcome = 1;
          try {
            co_await to.send(1);
          } catch (const closed_channel&) {
            outcome = 0;
          }
          co_await out.send(outcome);
        }, c, outcomes);
      }
      std::optional<int> first = co_await c.recv();
      CHECK(first == 1);
      c.close();
      int delivered = 1;
      while (std::optional<int> more = co_await c.recv()) delivered += *more;
      int sent = 0;
      for (int i = 0; i < 3; ++i) {
        std::optional<int> outcome = co_await outcomes.recv();
        sent += *outcome;
      }
      CHECK(sent == delivered);
    }
  });
}
