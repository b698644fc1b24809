// SPDX-License-Identifier: MIT
// The forms of operations that take a Context first: a select of that Context's end and the
// operation, which tests the Context first, and tells by its result which of the two it was.
#pragma once

#include <burrow/context.hpp>
#include <burrow/detail/select_cases.hpp>

#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace burrow::detail {

/// The result of such a form: a std::error_code, unless the operation says otherwise.
template <class Op>
auto result_with_context(Op& op) {
  if constexpr (requires { op.context_first_result(); }) {
    return op.context_first_result();
  } else {
    op.result();
    return std::error_code();
  }
}

template <class Op>
class context_first_awaiter {
 public:
  using outcome = decltype(result_with_context(std::declval<Op&>()));

  context_first_awaiter(goroutine& g, const context& ctx, Op& op) noexcept
      : ctx_(ctx), done_(ctx.done()), op_(op), cases_(g, done_, op), g_(g) {}

  bool await_ready() noexcept {
    ended_ = (!g_.exiting || g_.shielded) && ctx_.err();
    if (!ended_) return cases_.try_at_once();
    // Whoever goes on all the same starves nobody: the budget counts.
    if (g_.budget <= 1) return g_.exiting;
    --g_.budget;
    return true;
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    if (ended_) return yield_to_others(g_, h);
    return cases_.wait(h);
  }
  outcome await_resume() {
    if (ended_ || cases_.finish() == 0) {
      if constexpr (std::is_same_v<outcome, std::error_code>) {
        return ctx_.err();
      } else {
        return outcome();
      }
    }
    return result_with_context(op_);
  }

 private:
  const context& ctx_;
  done_operation done_;
  Op& op_;
  select_cases<false, done_operation, Op> cases_;
  goroutine& g_;
  bool ended_ = false;
};

/// Owns the operation and a reference to the Context until the end of the expression.
template <class Op>
class [[nodiscard("this does nothing until it is awaited")]] context_first_form {
 public:
  context_first_form(const context& ctx, Op&& op) : ctx_(ctx), op_(std::move(op)) {}
  context_first_awaiter<Op> bind(goroutine& g) && { return {g, ctx_, op_}; }

 private:
  context ctx_;
  Op op_;
};

[[noreturn]] void throw_nil_context();

template <class Op>
context_first_form<Op> context_first(const context& ctx, Op&& op) {
  if (node_of(ctx) == nullptr) throw_nil_context();
  return {ctx, std::forward<Op>(op)};
}

}  // namespace burrow::detail
