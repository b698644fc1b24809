// SPDX-License-Identifier: MIT
// A channel beside a model of Go's, step by step.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <notes.hpp>
#include <optional>
#include <run_test.hpp>
#include <utility>
#include <vector>

using namespace burrow;

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
