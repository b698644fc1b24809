// SPDX-License-Identifier: MIT
// Go's channels, one step at a time, as naively as can be: what fuzzed channels are compared with.
#pragma once

#include "input.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <vector>

namespace fuzz {

inline constexpr int channels = 3;
inline constexpr int nil = channels;
inline constexpr int none = -1;

struct channel_case {
  int channel;
  bool sends;
  int value;  // if it sends
};

/// One operation: its cases, whether `otherwise` is one more, and the Context that it watches.
struct request {
  int id = 0;
  std::vector<channel_case> cases;
  bool has_otherwise = false;
  bool watches = false;
};

/// How an operation has ended.
struct event {
  enum class kind { done, closed, canceled, nothing };
  kind how = kind::nothing;
  int which = none;  // the case; none: closed_channel was thrown
  int value = 0;     // that was received
};

using events = std::map<int, event>;  // by the id of the operation

class channel_model {
 public:
  explicit channel_model(const std::array<std::size_t, channels>& capacity) : capacity_(capacity) {}

  std::size_t waiting() const { return waiting_.size(); }
  bool is_closed(int channel) const { return of(channel).closed; }
  std::size_t size(int channel) const { return of(channel).buffer.size(); }

  /// The operation has been started, and until everything waited this is what has ended.
  void check_request(const request& r, const events& seen) {
    int ended = 1;
    const auto own = seen.find(r.id);
    if (r.watches && canceled_) {
      expect(own != seen.end() && own->second.how == event::kind::canceled,
             "a Context that has ended is tested first");
    } else if (std::none_of(r.cases.begin(), r.cases.end(), [&](auto& c) { return ready(c); })) {
      if (r.has_otherwise) {
        expect(own != seen.end() && own->second.how == event::kind::nothing,
               "otherwise is chosen where nothing is ready");
      } else {
        expect(own == seen.end(), "an operation waits where nothing is ready");
        waiting_[r.id] = r;
        enlist(r);
        ended = 0;
      }
    } else {
      expect(own != seen.end(), "an operation that is ready ends");
      ended += follow(r, own->second, seen);
    }
    expect(seen.size() == static_cast<std::size_t>(ended), "nothing else has ended");
  }

  void check_close(int channel, const events& seen) {
    state& c = of(channel);
    c.closed = true;
    std::size_t ended = 0;
    while (!c.senders.empty() || !c.receivers.empty()) {
      const int id = c.senders.empty() ? c.receivers.front() : c.senders.front();
      check_closed(waiting_.at(id), ended_of(id, seen));
      leave(id);
      ++ended;
    }
    expect(seen.size() == ended, "a close ends nobody but who waits for that channel");
  }

  void check_cancel(const events& seen) {
    canceled_ = true;
    std::vector<int> watching;
    for (const auto& [id, r] : waiting_) {
      if (r.watches) watching.push_back(id);
    }
    for (const int id : watching) {
      expect(ended_of(id, seen).how == event::kind::canceled, "a cancel ends who watches");
      leave(id);
    }
    expect(seen.size() == watching.size(), "a cancel ends nobody but who watches");
  }

 private:
  struct state {
    bool closed = false;
    std::deque<int> buffer;
    std::deque<int> senders;  // ids
    std::deque<int> receivers;
  };

  bool ready(const channel_case& c) const {
    if (c.channel == nil) return false;
    const state& s = of(c.channel);
    if (s.closed) return true;
    if (!c.sends) return !s.buffer.empty() || !s.senders.empty();
    return !s.receivers.empty() || s.buffer.size() < capacity_[static_cast<std::size_t>(c.channel)];
  }

  void enlist(const request& r) {
    for (const channel_case& c : r.cases) {
      if (c.channel == nil) continue;
      std::deque<int>& queue = c.sends ? of(c.channel).senders : of(c.channel).receivers;
      if (queue.empty() || queue.back() != r.id) queue.push_back(r.id);
    }
  }

  void leave(int id) {
    waiting_.erase(id);
    for (state& s : channel_) {
      std::erase(s.senders, id);
      std::erase(s.receivers, id);
    }
  }

  static const event& ended_of(int id, const events& seen) {
    const auto it = seen.find(id);
    expect(it != seen.end(), "whoever has waited longest is served");
    return it->second;
  }

  void check_closed(const request& r, const event& e) const {
    expect(e.how == event::kind::closed, "a close ends who waits for that channel");
    bool fits = false;
    for (std::size_t k = 0; k < r.cases.size(); ++k) {
      const channel_case& c = r.cases[k];
      const bool is_it = e.which == none ? c.sends : static_cast<int>(k) == e.which && !c.sends;
      if (!is_it || c.channel == nil || !of(c.channel).closed) continue;
      fits = fits || c.sends || of(c.channel).buffer.empty();
    }
    expect(fits, "the case that found its channel closed has a closed one");
  }

  /// The case that the peer has ended with, which has to be one of that channel and direction.
  const channel_case& peer_case(int id, int channel, bool sends, const event& e) const {
    expect(e.how == event::kind::done, "a peer that is served is done");
    const channel_case& c = waiting_.at(id).cases.at(static_cast<std::size_t>(e.which));
    expect(c.channel == channel && c.sends == sends, "a peer ends with the case that was served");
    return c;
  }

  /// Does what was chosen. Returns how many others it has ended.
  int follow(const request& r, const event& own, const events& seen) {
    if (own.how == event::kind::closed) {
      check_closed(r, own);
      return 0;
    }
    expect(own.how == event::kind::done, "an operation that is ready is done");
    const channel_case& c = r.cases.at(static_cast<std::size_t>(own.which));
    expect(ready(c), "the case that was chosen was ready");
    state& s = of(c.channel);
    int others = 0;
    if (c.sends) {
      expect(!s.closed, "nothing is sent on a closed channel");
      if (s.receivers.empty()) {
        s.buffer.push_back(c.value);
        return 0;
      }
      const int id = s.receivers.front();
      const event& peer = ended_of(id, seen);
      peer_case(id, c.channel, false, peer);
      expect(peer.value == c.value, "who waits receives what is sent");
      leave(id);
      return 1;
    }
    if (!s.senders.empty()) {
      const int id = s.senders.front();
      s.buffer.push_back(peer_case(id, c.channel, true, ended_of(id, seen)).value);
      leave(id);
      others = 1;
    }
    expect(!s.buffer.empty() && s.buffer.front() == own.value, "the oldest element is received");
    s.buffer.pop_front();
    return others;
  }

  state& of(int channel) { return channel_[static_cast<std::size_t>(channel)]; }
  const state& of(int channel) const { return channel_[static_cast<std::size_t>(channel)]; }

  std::array<std::size_t, channels> capacity_;
  std::array<state, channels> channel_;
  std::map<int, request> waiting_;
  bool canceled_ = false;
};

}  // namespace fuzz
