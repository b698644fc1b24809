// SPDX-License-Identifier: MIT
// The clock, alone: the model build has one of its own.
#include <burrow/detail/bubble.hpp>

#include <chrono>

namespace burrow::detail {

nanoseconds_t steady_now() noexcept {
  if (const bubble* b = current_bubble()) return b->now();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace burrow::detail
