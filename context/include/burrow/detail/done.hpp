// SPDX-License-Identifier: MIT
// The operation of waiting for the end of a Context.
#pragma once

#include <burrow/detail/context_node.hpp>
#include <burrow/detail/operation.hpp>

#include <utility>

namespace burrow::detail {

/// `co_await ctx.done()`, or a case of select. Made from a handle that stays, it borrows: the
/// handle has to be there when the await begins, and while the goroutine waits the Context is kept.
/// Made from a temporary handle, it owns a reference.
class [[nodiscard("ctx.done() does nothing until it is awaited or given to select")]] done_operation
    : public operation<done_operation> {
 public:
  static constexpr wait_reason reason = wait_reason::context_done;

  explicit done_operation(cancellable_node* source, bool owns = false) noexcept
      : source_(source), owns_(owns) {
    if (owns) retain(source);
  }
  done_operation(done_operation&& other) noexcept
      : operation(static_cast<operation&&>(other)),  // the base alone is moved here
        source_(other.source_),
        owns_(std::exchange(other.owns_, false)) {}
  ~done_operation() {
    if (owns_) drop(source_);
  }

  wait_source* source() const noexcept { return source_; }
  bool ready() const noexcept { return source_->has_ended(); }
  bool attempt(goroutine*&) const noexcept { return source_->has_ended(); }

  void enlist() noexcept {
    if (who->bubble != source_->bubble) [[unlikely]]
      wait_outside(*who, source_->bubble);
    source_->waiters.push_back(*this);
    source_->was_awaited.store(true, relaxed);  // relaxed: see is_left() in context_node.cpp
  }
  void delist() noexcept { source_->waiters.remove(*this); }
  /// Another case was chosen, or the goroutine was abandoned.
  void leave() noexcept { detail::leave(*source_, *this); }

  void result() const noexcept {}

 private:
  cancellable_node* source_;  // null: never ends
  bool owns_;
};

}  // namespace burrow::detail
