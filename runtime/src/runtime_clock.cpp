// SPDX-License-Identifier: MIT
#include <burrow/detail/bubble.hpp>
#include <burrow/detail/duration.hpp>
#include <burrow/runtime_clock.hpp>

namespace burrow {

runtime_clock::time_point runtime_clock::now() noexcept {
  return detail::to_time_point(detail::steady_now());
}

std::chrono::system_clock::time_point runtime_clock::utc() noexcept {
  const detail::bubble* b = detail::current_bubble();
  if (b == nullptr) return std::chrono::system_clock::now();
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(b->now())));
}

}  // namespace burrow
