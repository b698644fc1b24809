// SPDX-License-Identifier: MIT
// Signals: sent to channels, and ending Contexts.
//
// Subscriptions are the process's: of all runtimes and threads alike. Signals are numbers, as
// SIGINT. All functions may be called on any thread, with or without a runtime.
//
// Refused with std::invalid_argument are SIGKILL and SIGSTOP, which the kernel lets nobody catch;
// SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and SIGSYS, after which the program cannot go on (Go
// panics); those of the C library; and numbers that are none. "All" signals are all but these.
#pragma once

#include <burrow/chan.hpp>
#include <burrow/context.hpp>

#include <csignal>
#include <initializer_list>
#include <memory>
#include <string>
#include <system_error>

namespace burrow::signal {

/// Sends each of `signals` that arrives to `to`, without waiting: a channel that is full loses it,
/// so give it room for as many as may come at once. No signals: all. A channel that has some gets
/// these as well; several channels each get a copy. A signal that comes again before it was
/// delivered counts once, as everywhere in the kernel.
///
///     auto c = make_chan<int>(1);
///     signal::notify(c, {SIGINT, SIGTERM});
///     const std::optional<int> number = co_await c.recv();  // or as a case of select
///
/// Until stop(c) a signal does not do what it does by default. Closing a channel that is still
/// subscribed ends the program at the next signal. While a subscription exists no deadlock is
/// reported. A bubble has no signals: a channel that was made in one is refused; goroutines of a
/// bubble may wait for a channel from outside, and its clock stands still meanwhile.
///
/// Throws std::invalid_argument for a nil channel, one of a bubble, a signal that cannot be caught;
/// std::system_error; std::bad_alloc; then nothing has changed. Go: signal.Notify.
void notify(const send_chan<int>& to, std::initializer_list<int> signals = {});

/// Ends what notify() began: after it `to` gets nothing more. A signal that arrives meanwhile is
/// sent to `to`, or does what it did before there were subscriptions; it is not lost. The last
/// subscriber of a signal restores that. Nothing for a channel without subscription. Go:
/// signal.Stop.
void stop(const send_chan<int>& to) noexcept;

/// Makes these signals do nothing, and ends all subscriptions of theirs, those of notify_context
/// too; no signals: all but SIGCHLD, without which no process can be waited for. Processes that are
/// started inherit it. notify() and reset() undo it. Throws std::invalid_argument. Go:
/// signal.Ignore.
void ignore(std::initializer_list<int> signals = {});

/// Makes these signals do what they did before burrow was told of them, and ends all subscriptions
/// of theirs, those of notify_context too; no signals: all. Throws std::invalid_argument. Go:
/// signal.Reset.
void reset(std::initializer_list<int> signals = {});

/// Whether the signal does nothing, by ignore() or as this process was started or set up. False for
/// a number that is none. Go: signal.Ignored.
bool ignored(int number) noexcept;

/// The cause of a Context that a signal has ended: "interrupt signal received". Its code is
/// errc::canceled. Go: the cause of signal.NotifyContext.
class received : public std::system_error {
 public:
  explicit received(int number);
  const char* what() const noexcept override { return text_.c_str(); }
  int number() const noexcept { return number_; }

 private:
  std::string text_;
  int number_;
};

namespace detail {
class subscription;
}

/// Ends a subscription: restores what the signals did before, and cancels the Context. Any number
/// of times, from any thread; at the latest when it is destroyed.
class stop_function {
 public:
  stop_function() noexcept = default;
  stop_function(stop_function&&) noexcept = default;
  stop_function& operator=(stop_function&& other) noexcept;
  ~stop_function() { (*this)(); }
  void operator()() const noexcept;

 private:
  friend derived_context<stop_function> notify_context(const context& parent,
                                                       std::initializer_list<int> signals);
  std::shared_ptr<detail::subscription> subscription_;
};

/// A Context that ends when one of `signals` arrives, with its parent, or by the stop function:
///
///     auto [ctx, stop] = signal::notify_context(background(), {SIGINT, SIGTERM});
///
/// The handler stays until `stop`: further signals are swallowed and not fatal. Any thread, with or
/// without a runtime. Throws std::invalid_argument for a nil parent, no signals, or one that cannot
/// be caught; std::system_error. While a subscription exists no deadlock is reported.
/// Go: signal.NotifyContext.
[[nodiscard]] derived_context<stop_function> notify_context(const context& parent,
                                                            std::initializer_list<int> signals);

}  // namespace burrow::signal
