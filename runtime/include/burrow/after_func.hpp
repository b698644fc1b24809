// SPDX-License-Identifier: MIT
// after_func(ctx, f) for an f that returns a task; the plain form is in context.hpp.
#pragma once

#include <burrow/context.hpp>
#include <burrow/go.hpp>
#include <burrow/run.hpp>

#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace burrow {

template <class T>
inline constexpr bool detail::has_to_be_awaited<task<T>> = true;

/// As after_func(ctx, f) for a plain `f`: runs the task that `f` returns in a goroutine of its own;
/// where no runtime runs when `ctx` ends, in a runtime of its own, on a thread of its own.
template <class F>
  requires detail::is_task<std::invoke_result_t<std::decay_t<F>&>>
stop_function after_func(const context& ctx, F&& f,
                         std::source_location where = std::source_location::current()) {
  auto start = [f = std::decay_t<F>(std::forward<F>(f)), where]() mutable {
    try {
      go(detail::spawnable<detail::detached_joiner>(std::move(f), where));
    } catch (const std::logic_error&) {  // no runtime runs; `f` is as it was
      run(std::move(f));
    }
  };
  return after_func(ctx, std::move(start), where);
}

}  // namespace burrow
