// SPDX-License-Identifier: MIT
// The seam for everything that threads share. Normal builds use the standard types; a build with
// BURROW_MODEL, which explores interleavings, has its own: see docs/design/model-checking.md.
#pragma once

#include <atomic>

#ifdef BURROW_MODEL
#include <model_atomic.hpp>
#endif

namespace burrow::detail {

#ifdef BURROW_MODEL
template <class T>
using atomic = model::atomic<T>;
#else
template <class T>
using atomic = std::atomic<T>;
#endif

inline constexpr auto relaxed = std::memory_order_relaxed;
inline constexpr auto acquire = std::memory_order_acquire;
inline constexpr auto release = std::memory_order_release;
inline constexpr auto acq_rel = std::memory_order_acq_rel;
inline constexpr auto seq_cst = std::memory_order_seq_cst;

}  // namespace burrow::detail
