// SPDX-License-Identifier: MIT
// rate_limiter: so many events a second, and bursts of a limited size.
#pragma once

#include <burrow/task.hpp>

#include <chrono>
#include <mutex>
#include <system_error>

namespace burrow {

/// A bucket of tokens that fills at a constant rate up to its size, the burst; each event takes
/// some. Who comes first is served first. Goes by the runtime's clock, so that a test in a bubble
/// needs no real time. Go: golang.org/x/time/rate.Limiter.
class rate_limiter {
 public:
  /// `per_second` tokens a second, at most `burst` at a time; the bucket is full. Throws
  /// std::invalid_argument unless both are positive.
  rate_limiter(double per_second, int burst);
  rate_limiter(const rate_limiter&) = delete;
  rate_limiter& operator=(const rate_limiter&) = delete;

  /// Takes `n` tokens if they are there. Never waits. Any thread. Go: AllowN.
  bool try_acquire(int n = 1);

  /// Awaited: waits for `n` tokens and takes them. Ends early, with the error, when the carried
  /// Context ends, and at once, with errc::deadline_exceeded, when its deadline is before they
  /// could be there; then the tokens are not taken. Throws std::invalid_argument if n is more than
  /// the burst, or negative. Go: WaitN.
  task<std::error_code> acquire(int n = 1);
  task<std::error_code> acquire(context ctx, int n = 1);

  /// From now on. Any thread. Throws as the constructor does. Go: SetLimit.
  void set_rate(double per_second);
  /// Tokens that are there now; negative: so many are promised. Any thread. Go: Tokens.
  double tokens() const;

 private:
  using duration = std::chrono::steady_clock::duration;

  void fill() const;
  void check(int n) const;
  /// Takes the tokens, and tells how long it takes until they are there.
  duration reserve(int n);
  void give_back(int n);

  mutable std::mutex mutex_;
  double rate_;  // under the mutex, as below
  const int burst_;
  mutable double tokens_;
  mutable std::chrono::steady_clock::time_point filled_at_;
};

}  // namespace burrow
