// SPDX-License-Identifier: MIT
#include <burrow/detail/select_core.hpp>

#include <algorithm>

namespace burrow::detail {

BURROW_NOINLINE void source_locks::sort_unsorted() noexcept {
  std::sort(sources_, sources_ + count_, std::less<>());
  wait_source** const end = std::unique(sources_, sources_ + count_);
  had_duplicates_ = end != sources_ + count_;
  count_ = static_cast<std::uint32_t>(end - sources_);
}

}  // namespace burrow::detail
