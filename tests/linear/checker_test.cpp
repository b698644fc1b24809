// SPDX-License-Identifier: MIT
// The checker itself: histories that it has to accept, and broken channels that it has to find.
#include "checker.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <optional>
#include <utility>

using namespace linear;

namespace {

using times = std::pair<stamp, stamp>;

constexpr channel_case send(int channel, int value) { return {channel, true, value}; }
constexpr channel_case recv(int channel) { return {channel, false, 0}; }

operation op(int party, times t, std::vector<channel_case> cases, outcome result) {
  operation o;
  o.party = party;
  o.invoked = t.first;
  o.returned = t.second;
  o.cases = std::move(cases);
  o.result = result;
  return o;
}
operation close(int party, times t, int channel, ending how = ending::done) {
  operation o = op(party, t, {}, {how, none, 0});
  o.what = verb::close;
  o.target = channel;
  return o;
}
operation cancel(int party, times t, int context) {
  operation o = op(party, t, {}, {ending::done, none, 0});
  o.what = verb::cancel;
  o.target = context;
  return o;
}
operation with_otherwise(operation o) {
  o.has_otherwise = true;
  return o;
}
operation watching(operation o, int context) {
  o.target = context;
  return o;
}

constexpr outcome sent{ending::done, 0, 0};
constexpr outcome got(int value, int which = 0) { return {ending::done, which, value}; }
constexpr outcome chose(int which) { return {ending::done, which, 0}; }
constexpr outcome closed{ending::closed, 0, 0};
constexpr outcome canceled{ending::canceled, none, 0};
constexpr outcome nothing{ending::nothing, none, 0};
constexpr outcome pending{};

bool holds(std::size_t a, std::initializer_list<operation> operations, std::size_t b = 0) {
  return is_linearizable({{a, b}, operations});
}

}  // namespace

TEST_CASE("a buffered channel: order, loss, doubling") {
  const operation first = op(0, {1, 2}, {send(0, 1)}, sent);
  const operation second = op(0, {3, 4}, {send(0, 2)}, sent);
  CHECK(holds(2,
              {first, second, op(1, {5, 6}, {recv(0)}, got(1)), op(1, {7, 8}, {recv(0)}, got(2))}));
  // Out of order, lost, twice, never sent.
  CHECK_FALSE(holds(
      2, {first, second, op(1, {5, 6}, {recv(0)}, got(2)), op(1, {7, 8}, {recv(0)}, got(1))}));
  CHECK_FALSE(holds(2, {first, second, op(1, {5, 6}, {recv(0)}, got(2))}));
  CHECK_FALSE(
      holds(2, {first, op(1, {5, 6}, {recv(0)}, got(1)), op(1, {7, 8}, {recv(0)}, got(1))}));
  CHECK_FALSE(holds(2, {first, op(1, {5, 6}, {recv(0)}, got(3))}));
  // Lost: the element is there, and a receive finds nothing.
  CHECK_FALSE(holds(2, {first, with_otherwise(op(1, {5, 6}, {recv(0)}, nothing))}));
  // Sends that overlap may have come in either order.
  CHECK(holds(2, {op(0, {1, 4}, {send(0, 1)}, sent), op(2, {2, 3}, {send(0, 2)}, sent),
                  op(1, {5, 6}, {recv(0)}, got(2)), op(1, {7, 8}, {recv(0)}, got(1))}));
  // More than it holds.
  CHECK_FALSE(holds(1, {first, second}));
  CHECK(holds(1, {first, op(0, {3, 8}, {send(0, 2)}, sent), op(1, {5, 6}, {recv(0)}, got(1))}));
  CHECK_FALSE(
      holds(1, {first, op(0, {3, 5}, {send(0, 2)}, sent), op(1, {6, 7}, {recv(0)}, got(1))}));
}

TEST_CASE("an unbuffered channel: sender and receiver meet") {
  CHECK(holds(0, {op(0, {1, 4}, {send(0, 1)}, sent), op(1, {2, 3}, {recv(0)}, got(1))}));
  CHECK_FALSE(holds(0, {op(0, {1, 2}, {send(0, 1)}, sent), op(1, {3, 4}, {recv(0)}, got(1))}));
  // A try does not meet a try, but it meets one that waits.
  const operation try_recv = with_otherwise(op(1, {2, 3}, {recv(0)}, got(1)));
  CHECK(holds(0, {op(0, {1, 4}, {send(0, 1)}, sent), try_recv}));
  CHECK_FALSE(holds(0, {with_otherwise(op(0, {1, 4}, {send(0, 1)}, sent)), try_recv}));
}

TEST_CASE("close: what is buffered comes first, then nothing") {
  const operation first = op(0, {1, 2}, {send(0, 1)}, sent);
  const operation end = close(0, {3, 4}, 0);
  CHECK(holds(1, {first, end, op(1, {5, 6}, {recv(0)}, got(1)), op(1, {7, 8}, {recv(0)}, closed)}));
  CHECK_FALSE(holds(1, {first, end, op(1, {5, 6}, {recv(0)}, closed)}));
  // A value twice, after the close.
  CHECK_FALSE(
      holds(1, {first, end, op(1, {5, 6}, {recv(0)}, got(1)), op(1, {7, 8}, {recv(0)}, got(1))}));
  CHECK_FALSE(holds(1, {end, op(1, {5, 6}, {send(0, 5)}, sent)}));
  CHECK(holds(1, {end, op(1, {5, 6}, {send(0, 5)}, {ending::closed, none, 0})}));
  CHECK_FALSE(holds(1, {end, with_otherwise(op(1, {5, 6}, {recv(0)}, nothing))}));
  CHECK(holds(1, {end, close(1, {5, 6}, 0, ending::closed)}));
  CHECK_FALSE(holds(1, {end, close(1, {5, 6}, 0)}));
  // It ends who waits, on both sides, and nobody whose element was taken.
  CHECK(holds(0, {op(1, {1, 9}, {recv(0)}, closed), end}));
  CHECK(holds(0, {op(1, {1, 9}, {send(0, 1)}, {ending::closed, none, 0}), end}));
  CHECK_FALSE(holds(0, {op(1, {1, 9}, {send(0, 1)}, {ending::closed, none, 0}),
                        op(2, {2, 8}, {recv(0)}, got(1)), end}));
}

TEST_CASE("a Context: a wait that was cancelled has taken nothing") {
  const operation end = cancel(0, {4, 5}, 0);
  CHECK(holds(0, {watching(op(1, {1, 6}, {recv(0)}, canceled), 0), end}));
  CHECK_FALSE(holds(0, {watching(op(1, {1, 3}, {recv(0)}, canceled), 0), end}));
  CHECK_FALSE(holds(0, {watching(op(1, {1, 6}, {recv(0)}, canceled), 1), end}));
  // The value of a send that has happened is gone with it.
  CHECK_FALSE(holds(0, {watching(op(1, {1, 6}, {recv(0)}, canceled), 0), end,
                        op(2, {2, 9}, {send(0, 1)}, sent)}));
  CHECK_FALSE(holds(
      1, {op(2, {1, 2}, {send(0, 1)}, sent), end, watching(op(1, {3, 6}, {recv(0)}, canceled), 0),
          with_otherwise(op(1, {7, 8}, {recv(0)}, nothing))}));
  // The Context is tested first; cancelled between the test and the select, either may be chosen.
  CHECK(holds(1, {end, watching(op(1, {6, 7}, {send(0, 1)}, canceled), 0)}));
  CHECK_FALSE(holds(1, {end, watching(op(1, {6, 7}, {send(0, 1)}, sent), 0)}));
  CHECK(holds(
      1, {end, watching(op(1, {3, 9}, {recv(0)}, got(1)), 0), op(0, {6, 7}, {send(0, 1)}, sent)}));
}

TEST_CASE("a select: the effect of one case") {
  const operation both = op(1, {3, 4}, {recv(0), recv(1)}, got(1));
  const operation first = op(0, {1, 2}, {send(0, 1)}, sent);
  const operation second = op(2, {1, 2}, {send(1, 2)}, sent);
  CHECK(holds(1, {first, second, both, op(1, {5, 6}, {recv(1)}, got(2))}, 1));
  CHECK_FALSE(
      holds(1, {first, second, both, with_otherwise(op(1, {5, 6}, {recv(1)}, nothing))}, 1));
  // One that waits on both is served once.
  const operation waiting = op(1, {1, 9}, {recv(0), recv(1)}, got(2, 1));
  CHECK(holds(0, {waiting, op(2, {2, 8}, {send(1, 2)}, sent)}));
  CHECK_FALSE(
      holds(0, {waiting, op(2, {2, 8}, {send(1, 2)}, sent), op(0, {2, 8}, {send(0, 1)}, sent)}));
  CHECK(holds(
      0, {waiting, op(2, {2, 8}, {send(1, 2)}, sent), op(0, {2, never}, {send(0, 1)}, pending)}));
  // Its own cases do not meet.
  CHECK_FALSE(holds(0, {op(1, {1, 2}, {send(0, 1), recv(0)}, got(1, 1))}));
  // Two of them meet.
  CHECK(holds(0, {op(1, {1, 9}, {send(0, 1), recv(1)}, chose(0)),
                  op(2, {2, 8}, {recv(0), send(1, 2)}, got(1))}));
  CHECK_FALSE(holds(0, {op(1, {1, 9}, {send(0, 1), recv(1)}, got(2, 1)),
                        op(2, {2, 8}, {recv(0), send(1, 2)}, got(1))}));
}

TEST_CASE("otherwise: nothing was ready at one instant") {
  // A value goes from a to b, there before it leaves: one of the two is ready at every instant.
  const operation look = with_otherwise(op(1, {3, 8}, {recv(0), recv(1)}, nothing));
  const operation before = op(0, {1, 2}, {send(0, 1)}, sent);
  const operation there = op(0, {4, 5}, {send(1, 2)}, sent);
  const operation gone = op(0, {6, 7}, {recv(0)}, got(1));
  CHECK_FALSE(holds(1, {before, there, gone, look}, 1));
  // Taken first, there is such an instant.
  const operation gone_early = op(0, {4, 5}, {recv(0)}, got(1));
  const operation there_late = op(0, {6, 7}, {send(1, 2)}, sent);
  CHECK(holds(1, {before, gone_early, there_late, look}, 1));
  // What waits makes it ready.
  CHECK_FALSE(holds(0, {op(0, {1, 9}, {send(0, 1)}, sent), op(2, {2, 3}, {recv(0)}, got(1)),
                        with_otherwise(op(1, {4, 5}, {recv(0)}, got(1)))}));
}

TEST_CASE("an operation whose party was abandoned may have waited, and has done nothing") {
  CHECK(holds(0, {op(0, {1, never}, {send(0, 1)}, pending)}));
  CHECK(holds(0, {op(0, {1, never}, {send(0, 1)}, pending),
                  with_otherwise(op(1, {2, 3}, {recv(0)}, nothing))}));
  CHECK_FALSE(holds(0, {op(0, {1, never}, {send(0, 1)}, pending),
                        with_otherwise(op(1, {2, 3}, {recv(0)}, got(1)))}));
  CHECK_FALSE(
      holds(0, {op(0, {1, never}, {send(0, 1)}, pending), op(1, {2, 5}, {recv(0)}, got(1))}));
}

namespace {

enum class fault {
  nothing,
  loses,
  doubles,
  last_in_first_out,
  repeats_when_closed,
  blind_otherwise
};

/// A channel of capacity 2, for tries alone, with a fault.
class broken_chan {
 public:
  explicit broken_chan(fault f) : fault_(f) {}

  outcome try_send(int value) {
    if (closed_) return {ending::closed, none, 0};
    if (buffer_.size() == 2) return nothing;
    if (fault_ == fault::loses && ++count_ % 3 == 0) return sent;
    buffer_.push_back(value);
    return sent;
  }
  outcome try_recv() {
    if (buffer_.empty() && closed_) {
      return fault_ == fault::repeats_when_closed && last_ != 0 ? got(last_) : closed;
    }
    if (buffer_.empty()) return nothing;
    if (fault_ == fault::blind_otherwise && ++count_ % 3 == 0) return nothing;
    const auto which = fault_ == fault::last_in_first_out ? buffer_.end() - 1 : buffer_.begin();
    last_ = *which;
    if (fault_ != fault::doubles || ++count_ % 3 != 0) buffer_.erase(which);
    return got(last_);
  }
  ending close() { return std::exchange(closed_, true) ? ending::closed : ending::done; }

 private:
  fault fault_;
  std::vector<int> buffer_;
  bool closed_ = false;
  int last_ = 0;
  int count_ = 0;
};

/// Twelve operations, of which no two overlap.
history sequential_history(fault f, std::uint64_t seed) {
  broken_chan c(f);
  history h{{2, 0}, {}};
  for (stamp t = 1; t <= 24; t += 2) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const auto kind = static_cast<unsigned>(seed >> 33) % 8;
    const int value = static_cast<int>(t);
    if (kind < 4) {
      h.operations.push_back(
          with_otherwise(op(0, {t, t + 1}, {send(0, value)}, c.try_send(value))));
    } else if (kind < 7 || t < 12) {
      h.operations.push_back(with_otherwise(op(0, {t, t + 1}, {recv(0)}, c.try_recv())));
    } else {
      h.operations.push_back(close(0, {t, t + 1}, 0, c.close()));
    }
  }
  return h;
}

int rejected_of_hundred(fault f) {
  int rejected = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    if (!is_linearizable(sequential_history(f, seed))) ++rejected;
  }
  return rejected;
}

}  // namespace

TEST_CASE("random histories of broken channels are rejected, those of one that works are not") {
  CHECK(rejected_of_hundred(fault::nothing) == 0);
  CHECK(rejected_of_hundred(fault::loses) > 40);
  CHECK(rejected_of_hundred(fault::doubles) > 40);
  CHECK(rejected_of_hundred(fault::last_in_first_out) > 40);
  CHECK(rejected_of_hundred(fault::blind_otherwise) > 40);
  CHECK(rejected_of_hundred(fault::repeats_when_closed) > 5);
}
