// SPDX-License-Identifier: MIT
// Who is told of which signals, in the whole process.
//
// A signal's *former action* is what the program had set before burrow touched it. While anybody
// subscribes to the signal its action is burrow's handler, while it is ignored SIG_IGN, otherwise
// the former one.
//
// The handler adds the signal to a set, *pending*, and writes to an eventfd: both may be done
// there. A thread of burrow's own, started with the first subscription, reads the eventfd and
// *collects*: takes the set, sends to the channels, and marks the Contexts, which it then ends. It
// holds the mutex while it collects, not while it ends a Context, which runs code of others.
//
// No signal is lost when the last subscriber goes. Whoever takes it away, in this order,
//   1. restores the action: no more handlers begin;
//   2. takes the signal out of *wanted*: a handler that begins late, since the kernel had its frame
//      made before 1, finds it gone and raises the signal again, for the former action;
//   3. waits until no handler is *delivering*: those that found it wanted have made it pending;
//   4. collects, while the subscriber is still there.
// So each signal either reached the subscriber or takes the former action.
//
// Rejected: to hand a signal to the watching thread through a pipe: a full one blocks the handler
// or loses the signal. signalfd: each thread would have to block the signals from its beginning,
// also those that the program starts, and children inherit that.
#pragma once

#include <burrow/chan.hpp>

#include <array>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace burrow::detail {

inline constexpr int most_signals = 64;

/// Bit `number - 1` stands for the signal.
using signal_set = std::uint64_t;
constexpr signal_set signal_bit(int number) noexcept { return signal_set{1} << (number - 1); }

/// What a signal ends.
class signal_listener {
 public:
  signal_listener() = default;
  signal_listener(const signal_listener&) = delete;
  signal_listener& operator=(const signal_listener&) = delete;
  virtual ~signal_listener() = default;
  /// By the watching thread, which holds nothing. After std::bad_alloc it is called again.
  virtual void tell(int number) = 0;
};

/// Any thread. Never destroyed: the watching thread ends with the process.
class signal_subscribers {
 public:
  static signal_subscribers& instance();

  /// Adds to what the channel is told of. Throws std::system_error, std::bad_alloc; then nothing
  /// has changed.
  void notify(const send_chan<int>& to, signal_set signals);
  void listen(const std::shared_ptr<signal_listener>& to, signal_set signals);
  /// After this returns they are told of nothing more, but a listener of what was collected before.
  void stop(const send_chan<int>& to) noexcept;
  void stop(const std::shared_ptr<signal_listener>& to) noexcept;
  /// Nobody is told of these any more; they do what they did before, or nothing.
  void reset(signal_set signals) noexcept;
  void ignore(signal_set signals) noexcept;

 private:
  /// One channel or listener; there is one entry for each.
  struct subscriber {
    signal_set wanted = 0;
    send_chan<int> channel;
    std::shared_ptr<signal_listener> listener;
    int arrived = 0;  // the listener is to be told of it

    bool is_same(const subscriber& other) const noexcept {
      return channel == other.channel && listener == other.listener;
    }
  };

  // All of these under the mutex.
  void subscribe(const subscriber& who, signal_set signals);
  void unsubscribe(const subscriber& who) noexcept;
  void catch_signals(signal_set signals);
  void release_signals(signal_set signals) noexcept;
  void restore_action(int number) noexcept;
  void forget(signal_set signals) noexcept;
  void count_subscribers() const noexcept;
  bool collect() noexcept;
  void start_watching();

  void watch();
  void tell_listeners();

  std::mutex mutex_;
  std::vector<subscriber> subscribers_;
  std::array<struct sigaction, most_signals + 1> former_{};
  signal_set caught_ = 0;   // their action is the handler
  signal_set ignored_ = 0;  // their action is SIG_IGN, by ignore()
};

}  // namespace burrow::detail
