// SPDX-License-Identifier: MIT
// after_func(ctx, f) for an f that returns a task; the plain form is in context.hpp.
#pragma once

#include <burrow/context.hpp>
#include <burrow/go.hpp>

#include <source_location>
#include <type_traits>
#include <utility>

namespace burrow {

template <class T>
inline constexpr bool detail::has_to_be_awaited<task<T>> = true;

/// As after_func(ctx, f) for a plain `f`: runs the task that `f` returns in a goroutine of its own.
/// Where no runtime runs when `ctx` ends, std::logic_error leaves the thread that finds out.
template <class F>
  requires detail::is_task<std::invoke_result_t<std::decay_t<F>&>>
stop_function after_func(const context& ctx, F&& f,
                         std::source_location where = std::source_location::current()) {
  auto start = [f = std::decay_t<F>(std::forward<F>(f)), where]() mutable {
    go(detail::spawnable<detail::detached_joiner>(std::move(f), where));
  };
  return after_func(ctx, std::move(start), where);
}

}  // namespace burrow
