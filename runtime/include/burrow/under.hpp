// SPDX-License-Identifier: MIT
// under: runs a task of this goroutine under another Context.
#pragma once

#include <burrow/context.hpp>
#include <burrow/task.hpp>

#include <stdexcept>

namespace burrow {

namespace detail {

template <class T>
class [[nodiscard("co_await under(ctx, task)")]] under_statement {
 public:
  under_statement(const context& ctx, task<T>&& t) : task_(std::move(t)) {
    auto frame = task_access::frame_of(task_);
    context_node* node = node_of(ctx);
    if (node == nullptr) throw std::invalid_argument("under: nil context");
    // A task that names a Context of its own as its first parameter runs under that one.
    if (frame && frame.promise().own_context == nullptr) {
      retain(node);
      frame.promise().own_context = node;
    }
  }
  task_awaiter<T> bind(goroutine& g) && noexcept { return task_awaiter<T>(std::move(task_), g); }

 private:
  task<T> task_;
};

}  // namespace detail

/// Runs `t` under `ctx`: what it awaits watches that Context, and the goroutines that it starts
/// carry it. Under one made by without_cancel, abandonment does not reach `t` either: that is for
/// cleanup which has to wait. Throws std::invalid_argument for a nil Context.
template <class T>
auto under(const context& ctx, task<T> t) {
  return detail::under_statement<T>(ctx, std::move(t));
}

}  // namespace burrow
