// SPDX-License-Identifier: MIT
//
// The search of Wing and Gong (1993) with the memory of Lowe (2017): a state that was reached once
// with the same operations ended is not tried again.
//
// An operation that may wait is a dual one: it has a request and an end. The request is a step of
// its own. What is ready at that step decides: the operation ends with it, or it stands in the
// queues of its channels from then on, and ends in a step of somebody else: a peer, a close, a
// cancel, each of which serves the queues in their order. Both lie between its invocation and its
// return. One whose party was abandoned may have been requested or not; if it was, it leaves its
// queues in a step of its own, at any time, and nobody has served it.
//
// Outcomes are not guessed: the recorded one must be possible in the step that ends the operation,
// or this order is none. So where select may choose, the recorded choice is followed.
//
// The forms with a Context test it first, and are a select of it and the operation after that. So
// one whose Context was cancelled before it was invoked does not happen; if it is cancelled between
// test and select, either may be chosen.
//
// size() and capacity() are snapshots that order nothing, and are not looked at.
#include "checker.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <unordered_set>
#include <utility>

namespace linear {

namespace {

using mask = std::uint32_t;
constexpr mask bit(std::size_t i) { return mask{1} << i; }

struct channel_state {
  bool closed = false;
  std::vector<int> buffer;             // values
  std::vector<std::size_t> senders;    // that wait, by their operation
  std::vector<std::size_t> receivers;  // likewise
};

struct state {
  mask requested = 0;  // and waiting, or ended
  mask ended = 0;
  mask canceled = 0;  // Contexts
  std::array<channel_state, channels> channel;
};

/// Two states with the same key are the same.
std::string key_of(const state& s) {
  std::string key;
  const auto add = [&](std::size_t n) { key.push_back(static_cast<char>(n)); };
  for (unsigned shift = 0; shift < 32; shift += 8) {
    add(s.requested >> shift);
    add(s.ended >> shift);
  }
  add(s.canceled);
  for (const channel_state& c : s.channel) {
    add(c.closed ? 1 : 0);
    add(c.buffer.size());
    for (const int value : c.buffer) add(static_cast<std::size_t>(value));
    add(c.senders.size());
    for (const std::size_t i : c.senders) add(i);
    add(c.receivers.size());
    for (const std::size_t i : c.receivers) add(i);
  }
  return key;
}

class search {
 public:
  explicit search(const history& h) : capacity_(h.capacity), operations_(h.operations) {
    if (operations_.size() > 32) std::abort();
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if (operations_[i].result.how != ending::pending) to_end_ |= bit(i);
      if (was_canceled_before(operations_[i])) too_late_ |= bit(i);
    }
  }

  bool can_end(const state& s) {
    if ((s.ended & to_end_) == to_end_) return true;
    if (!seen_.insert(key_of(s)).second) return false;
    const stamp first_return = earliest_return(s);
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if ((s.ended & bit(i)) != 0 || operations_[i].invoked > first_return) continue;
      state next = s;
      if (step(i, next) && can_end(next)) return true;
    }
    return false;
  }

 private:
  bool was_canceled_before(const operation& o) const {
    if (o.what != verb::communicate || o.target == none) return false;
    return std::any_of(operations_.begin(), operations_.end(), [&](const operation& c) {
      return c.what == verb::cancel && c.target == o.target && c.returned < o.invoked;
    });
  }

  /// Whatever was invoked later has to wait until this one has ended.
  stamp earliest_return(const state& s) const {
    stamp earliest = never;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if ((s.ended & bit(i)) == 0) earliest = std::min(earliest, operations_[i].returned);
    }
    return earliest;
  }

  /// The next step of an operation. False: there is none with which its outcome agrees.
  bool step(std::size_t i, state& s) const {
    if ((s.requested & bit(i)) != 0) {
      // It waits. Somebody else ends it, unless its party leaves.
      if (operations_[i].result.how != ending::pending) return false;
      end(i, s);
      return true;
    }
    s.requested |= bit(i);
    switch (operations_[i].what) {
      case verb::close: return close(i, s);
      case verb::cancel: return cancel(i, s);
      case verb::communicate: return request(i, s);
    }
    std::abort();
  }

  bool close(std::size_t i, state& s) const {
    const int which = operations_[i].target;
    channel_state& c = of(s, which);
    end(i, s);
    if (c.closed) return operations_[i].result.how == ending::closed;
    if (operations_[i].result.how != ending::done) return false;
    c.closed = true;
    while (!c.receivers.empty() || !c.senders.empty()) {
      const std::size_t peer = c.receivers.empty() ? c.senders.front() : c.receivers.front();
      if (!finds_closed(peer, s)) return false;
      end(peer, s);
    }
    return true;
  }

  bool cancel(std::size_t i, state& s) const {
    const int context = operations_[i].target;
    s.canceled |= bit(static_cast<std::size_t>(context));
    end(i, s);
    for (std::size_t peer = 0; peer < operations_.size(); ++peer) {
      const operation& o = operations_[peer];
      const bool waits = ((s.requested & ~s.ended) & bit(peer)) != 0;
      if (!waits || o.target != context) continue;
      if (o.result.how != ending::canceled) return false;
      end(peer, s);
    }
    return true;
  }

  bool request(std::size_t i, state& s) const {
    const operation& o = operations_[i];
    const ending how = o.result.how;
    if ((too_late_ & bit(i)) != 0 && how != ending::canceled) return false;
    const bool has_ended = o.target != none && is_canceled(o, s);
    const bool is_ready = has_ended || std::any_of(o.cases.begin(), o.cases.end(),
                                                   [&](auto& c) { return ready(c, s); });
    if (!is_ready && o.has_otherwise) {
      end(i, s);
      return how == ending::nothing;
    }
    if (!is_ready) {
      for (const channel_case& c : o.cases) enlist(i, c, s);
      return how != ending::nothing;
    }
    switch (how) {
      case ending::done: {
        const bool happened = happens(i, o.cases[static_cast<std::size_t>(o.result.which)], s);
        end(i, s);
        return happened;
      }
      case ending::closed: end(i, s); return finds_closed(i, s);
      case ending::canceled: end(i, s); return has_ended;
      case ending::nothing:  // though something is ready
      case ending::pending:  // it would have ended
        return false;
    }
    std::abort();
  }

  bool ready(const channel_case& c, const state& s) const {
    const channel_state& channel = of(s, c.channel);
    if (channel.closed) return true;
    if (!c.sends) return !channel.buffer.empty() || !channel.senders.empty();
    return !channel.receivers.empty() || channel.buffer.size() < capacity_of(c.channel);
  }

  /// Whether the recorded end, "closed", is what the operation finds now.
  bool finds_closed(std::size_t i, const state& s) const {
    const operation& o = operations_[i];
    if (o.result.how != ending::closed) return false;
    for (std::size_t k = 0; k < o.cases.size(); ++k) {
      if (o.result.which != none && static_cast<std::size_t>(o.result.which) != k) continue;
      const channel_state& channel = of(s, o.cases[k].channel);
      if (channel.closed && (o.cases[k].sends || channel.buffer.empty())) return true;
    }
    return false;
  }

  /// Does what the case of operation `i` does at once. False: it cannot, or not with this outcome.
  bool happens(std::size_t i, const channel_case& c, state& s) const {
    channel_state& channel = of(s, c.channel);
    if (c.sends) {
      if (channel.closed) return false;
      if (!channel.receivers.empty()) {
        const std::size_t peer = channel.receivers.front();
        const bool fits = ended_by(peer, c.channel, false) && result_of(peer).value == c.value;
        end(peer, s);
        return fits;
      }
      if (channel.buffer.size() >= capacity_of(c.channel)) return false;
      channel.buffer.push_back(c.value);
      return true;
    }
    if (!channel.senders.empty()) {
      const std::size_t peer = channel.senders.front();
      if (!ended_by(peer, c.channel, true)) return false;
      const auto which = static_cast<std::size_t>(result_of(peer).which);
      channel.buffer.push_back(operations_[peer].cases[which].value);
      end(peer, s);
    }
    if (channel.buffer.empty()) return false;
    const int value = channel.buffer.front();
    channel.buffer.erase(channel.buffer.begin());
    return value == result_of(i).value;
  }

  /// Whether operation `i` ended by a case that sends to, or receives from, that channel.
  bool ended_by(std::size_t i, int channel, bool sends) const {
    const operation& o = operations_[i];
    if (o.result.how != ending::done) return false;
    const channel_case& c = o.cases[static_cast<std::size_t>(o.result.which)];
    return c.channel == channel && c.sends == sends;
  }

  static void enlist(std::size_t i, const channel_case& c, state& s) {
    std::vector<std::size_t>& queue =
        c.sends ? of(s, c.channel).senders : of(s, c.channel).receivers;
    if (queue.empty() || queue.back() != i) queue.push_back(i);
  }

  static void end(std::size_t i, state& s) {
    s.ended |= bit(i);
    for (channel_state& c : s.channel) {
      std::erase(c.senders, i);
      std::erase(c.receivers, i);
    }
  }

  static channel_state& of(state& s, int channel) {
    return s.channel[static_cast<std::size_t>(channel)];
  }
  static const channel_state& of(const state& s, int channel) {
    return s.channel[static_cast<std::size_t>(channel)];
  }
  static bool is_canceled(const operation& o, const state& s) {
    return (s.canceled & bit(static_cast<std::size_t>(o.target))) != 0;
  }
  std::size_t capacity_of(int channel) const {
    return capacity_[static_cast<std::size_t>(channel)];
  }
  const outcome& result_of(std::size_t i) const { return operations_[i].result; }

  std::array<std::size_t, channels> capacity_;
  const std::vector<operation>& operations_;
  mask to_end_ = 0;    // all that have an outcome
  mask too_late_ = 0;  // whose Context was cancelled before they were invoked
  std::unordered_set<std::string> seen_;
};

}  // namespace

bool is_linearizable(const history& h) { return search(h).can_end(state()); }

}  // namespace linear
