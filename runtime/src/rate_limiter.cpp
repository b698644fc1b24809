// SPDX-License-Identifier: MIT
#include <burrow/errc.hpp>
#include <burrow/goroutine_exit.hpp>
#include <burrow/rate_limiter.hpp>
#include <burrow/runtime_clock.hpp>
#include <burrow/sleep.hpp>
#include <burrow/this_goroutine.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace burrow {

namespace {

using seconds = std::chrono::duration<double>;

double checked_rate(double per_second) {
  if (!(per_second > 0) || std::isinf(per_second)) {
    throw std::invalid_argument("rate_limiter: the rate must be positive");
  }
  return per_second;
}

int checked_burst(int burst) {
  if (burst <= 0) throw std::invalid_argument("rate_limiter: the burst must be positive");
  return burst;
}

}  // namespace

rate_limiter::rate_limiter(double per_second, int burst)
    : rate_(checked_rate(per_second)),
      burst_(checked_burst(burst)),
      tokens_(burst),
      filled_at_(runtime_clock::now()) {}

/// Under the mutex.
void rate_limiter::fill() const {
  const auto now = runtime_clock::now();
  if (now <= filled_at_) return;
  tokens_ = std::min<double>(burst_, tokens_ + rate_ * seconds(now - filled_at_).count());
  filled_at_ = now;
}

void rate_limiter::check(int n) const {
  if (n < 0 || n > burst_) {
    throw std::invalid_argument("rate_limiter: more tokens than the burst are never there");
  }
}

bool rate_limiter::try_acquire(int n) {
  check(n);
  std::lock_guard hold(mutex_);
  fill();
  if (tokens_ < n) return false;
  tokens_ -= n;
  return true;
}

rate_limiter::duration rate_limiter::reserve(int n) {
  std::lock_guard hold(mutex_);
  fill();
  tokens_ -= n;
  // Rounded up: not a nanosecond too early.
  return tokens_ >= 0 ? duration(0) : std::chrono::ceil<duration>(seconds(-tokens_ / rate_));
}

void rate_limiter::give_back(int n) {
  std::lock_guard hold(mutex_);
  fill();
  tokens_ = std::min<double>(burst_, tokens_ + n);
}

task<std::error_code> rate_limiter::acquire(int n) {
  check(n);
  const context ctx = this_goroutine::context();
  if (const std::error_code ended = ctx.err()) co_return ended;
  const duration wait = reserve(n);
  const auto deadline = ctx.deadline();
  if (deadline && *deadline - runtime_clock::now() < wait) {
    give_back(n);
    co_return errc::deadline_exceeded;
  }
  if (wait.count() == 0) co_return {};
  std::error_code ended;
  try {
    ended = co_await sleep(wait);
  } catch (const goroutine_exit&) {
    give_back(n);
    throw;
  }
  if (ended) give_back(n);
  co_return ended;
}

task<std::error_code> rate_limiter::acquire(context, int n) { co_return co_await acquire(n); }

void rate_limiter::set_rate(double per_second) {
  const double rate = checked_rate(per_second);
  std::lock_guard hold(mutex_);
  fill();
  rate_ = rate;
}

double rate_limiter::tokens() const {
  std::lock_guard hold(mutex_);
  fill();
  return tokens_;
}

}  // namespace burrow
