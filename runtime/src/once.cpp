// SPDX-License-Identifier: MIT
#include <burrow/once.hpp>

namespace burrow::detail {

void once_core::finish() noexcept {
  wake_list wakes;
  {
    locked hold(lock);
    state_.store(done, release);  // release: pairs with is_done()
    waiters.claim_all(wakes);
  }
  if (!wakes.empty()) wake_all(wakes);
}

}  // namespace burrow::detail
