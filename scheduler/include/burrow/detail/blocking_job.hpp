// SPDX-License-Identifier: MIT
#pragma once

namespace burrow::detail {

/// A call to be made by the blocking pool; lives in the awaiter, which outlives it.
struct blocking_job {
  blocking_job* next = nullptr;
  /// Ends by waking the goroutine; then the job may be gone.
  void (*run)(blocking_job&) noexcept = nullptr;
};

}  // namespace burrow::detail
