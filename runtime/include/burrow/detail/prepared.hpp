// SPDX-License-Identifier: MIT
// For goroutines of burrow's own: go(prepared(f(x))) instead of go(f, x). The frame is made by the
// caller, who learns of it if there is no memory; the goroutine itself begins in any case, or never
// does because the runtime ends.
#pragma once

#include <burrow/task.hpp>

#include <utility>

namespace burrow::detail {

class prepared {
 public:
  explicit prepared(task<> t) noexcept : task_(std::move(t)) {}
  task<> operator()() noexcept { return std::move(task_); }

 private:
  task<> task_;
};

}  // namespace burrow::detail
