// SPDX-License-Identifier: MIT
// A history: what a few parties did with two channels and two Contexts, when each operation was
// invoked and returned by one clock of all of them, and what came of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace linear {

using stamp = std::uint64_t;
inline constexpr stamp never = std::numeric_limits<stamp>::max();

inline constexpr int channels = 2;
inline constexpr int contexts = 2;
inline constexpr int none = -1;

/// One case of a select. What is received stands in the outcome.
struct channel_case {
  int channel = 0;
  bool sends = false;
  int value = 0;  // if it sends; every value of a history is sent by one case alone
};

enum class verb {
  communicate,  // send, recv, select, and their forms with `otherwise` and with a Context
  close,
  cancel,
};

enum class ending {
  pending,   // it has not ended: its party was abandoned in it
  done,      // a case has happened; a channel was closed; a Context was cancelled
  closed,    // a case found its channel closed; for close: it was closed already
  canceled,  // the Context that it watches has ended
  nothing,   // otherwise: no case was ready
};

struct outcome {
  ending how = ending::pending;
  int which = none;  // the case; none: not known which of several
  int value = 0;     // that was received
};

struct operation {
  int party = 0;
  verb what = verb::communicate;
  std::vector<channel_case> cases;  // one or two
  bool has_otherwise = false;
  int target =
      none;  // close: the channel; cancel: the Context; communicate: the Context it watches
  stamp invoked = never;
  stamp returned = never;
  outcome result;
};

struct history {
  std::array<std::size_t, channels> capacity{};
  std::vector<operation> operations;
};

/// The operations in the order of their invocation, a line each.
std::string to_string(const history& h);

}  // namespace linear
