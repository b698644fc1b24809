// SPDX-License-Identifier: MIT
#include <burrow/after.hpp>

namespace burrow::detail {

constinit const timer_type after_operation::after_type = {&expire, nullptr};

/// By the goroutine, on the worker that the set belongs to.
void after_operation::enlist() noexcept {
  linked = true;
  timer_node::type = &after_type;
  set_->arm_after(*this, duration_);
}

void after_operation::leave() noexcept {
  locked hold(set_->lock);
  set_->disarm(*this);
  linked = false;
}

bool after_operation::expire(timer_node& t, nanoseconds_t, wake_list& wakes) noexcept {
  auto& self = static_cast<after_operation&>(t);
  self.linked = false;
  if (self.claim()) wakes.add(self.who);
  return false;
}

}  // namespace burrow::detail
