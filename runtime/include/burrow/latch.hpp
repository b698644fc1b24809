// SPDX-License-Identifier: MIT
// latch: a count that goes down to zero, once.
#pragma once

#include <burrow/detail/context_first.hpp>
#include <burrow/detail/wait_group_core.hpp>

#include <concepts>
#include <cstdint>
#include <stdexcept>

namespace burrow {

namespace detail {

class [[nodiscard("wait() does nothing until it is awaited or given to select")]] latch_wait
    : public wait_group_wait_as<latch_wait, wait_reason::latch_wait> {
 public:
  using wait_group_wait_as::wait_group_wait_as;
};

}  // namespace detail

/// Lets goroutines wait until something has happened `n` times. All functions work on any thread;
/// what is awaited is awaited by a goroutine. No allocation. May be destroyed as soon as a wait has
/// returned.
/// Go: a sync.WaitGroup that is never added to again. C++: std::latch.
class latch {
 public:
  /// Throws std::invalid_argument if n < 0.
  explicit latch(std::int64_t n) {
    if (n < 0) throw std::invalid_argument("latch: negative count");
    core_.add(n);
  }
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;

  /// Never waits. Throws std::logic_error if the count would become negative, std::invalid_argument
  /// if n < 0; then nothing has changed.
  void count_down(std::int64_t n = 1) {
    if (n < 0) throw std::invalid_argument("latch: negative count");
    core_.subtract(n);
  }

  /// Whether the count is zero.
  bool try_wait() const noexcept { return core_.is_zero(); }

  /// Awaited: waits until the count is zero. A case of select. Throws goroutine_exit in a goroutine
  /// that was abandoned.
  detail::latch_wait wait() noexcept BURROW_LIFETIMEBOUND { return detail::latch_wait(core_); }

  /// As wait(), but ends with an error when `ctx` does. Tests `ctx` first. Not a case of select.
  auto wait(const std::same_as<context> auto& ctx) BURROW_LIFETIMEBOUND {
    return detail::context_first(ctx, wait());
  }

  /// Counts down now, and gives what wait() gives.
  detail::latch_wait arrive_and_wait(std::int64_t n = 1) BURROW_LIFETIMEBOUND {
    count_down(n);
    return wait();
  }

 private:
  detail::wait_group_core core_;
};

}  // namespace burrow
