// SPDX-License-Identifier: MIT
// In the place of std::lock_guard and its kin for the locks of goroutines, which they would not
// take: lock() has to be awaited, and what they would unlock is somebody else's.
#pragma once

#include <mutex>

namespace burrow::detail {

template <class... Args>
inline constexpr bool can_be_awaited = false;

class no_std_guard {
 public:
  template <class... Args>
  explicit no_std_guard(Args&&...) {
    static_assert(can_be_awaited<Args...>,
                  "the lock of a goroutine is awaited: auto held = co_await m.guard(); the guards "
                  "of the standard library would not take it");
  }
};

}  // namespace burrow::detail
