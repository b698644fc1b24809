// SPDX-License-Identifier: MIT
// The seam for everything that threads share. Normal builds use the standard types; a build that
// explores interleavings may put its own types here, and nowhere else.
#pragma once

#include <atomic>

namespace burrow::detail {

template <class T>
using atomic = std::atomic<T>;

inline constexpr auto relaxed = std::memory_order_relaxed;
inline constexpr auto acquire = std::memory_order_acquire;
inline constexpr auto release = std::memory_order_release;
inline constexpr auto acq_rel = std::memory_order_acq_rel;
inline constexpr auto seq_cst = std::memory_order_seq_cst;

}  // namespace burrow::detail
