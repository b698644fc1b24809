// SPDX-License-Identifier: MIT
// Signals that end a Context.
#pragma once

#include <burrow/context.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <system_error>

namespace burrow::signal {

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
