// SPDX-License-Identifier: MIT
// scope: goroutines that end before it does.
#pragma once

#include <burrow/detail/task_child.hpp>
#include <burrow/group.hpp>

#include <source_location>
#include <type_traits>
#include <utility>

namespace burrow {

namespace detail {

/// A scope's body ends the scope by its error, like any child.
struct scope_watcher {
  group_core& group;
  bool exited = false;
  void task_ended(std::size_t, std::exception_ptr error) noexcept {
    if (is_goroutine_exit(error)) {
      exited = true;
    } else if (error) {
      group.fail(std::move(error));
    }
  }
};

template <class T, class F>
task<T> run_scope(F body, std::source_location where) {
  group_core core;
  group g(core);
  scope_watcher watcher{core};
  result_slot<value_or_unit<T>> result;
  try {
    task<T> first = body(g);
    using child = task_child<T, scope_watcher>;
    goroutine* made = child::make(core, first, result, watcher, 0, true, where);
    core.add_body(made, child::of(*made).member);
  } catch (...) {
    // A body that is no coroutine may have started children before it threw.
    watcher.task_ended(0, std::current_exception());
  }
  for (;;) {
    const bool joined = co_await group_join(core);
    if (joined) break;
  }
  core.cancel_context();
  if (std::exception_ptr error = core.first_error()) std::rethrow_exception(std::move(error));
  if (watcher.exited) exit_goroutine();
  if constexpr (std::is_void_v<T>) {
    co_return;
  } else if constexpr (std::is_reference_v<T>) {
    co_return *result.take();
  } else {
    co_return result.take();
  }
}

}  // namespace detail

/// Runs `body(g)` and waits for it and for all children that were started through `g`, in every
/// case. The body runs as a goroutine under the group's Context. The first exception of the body or
/// of a child cancels that Context, abandons the others, and is rethrown when all have ended; later
/// ones go to options.on_suppressed. Gives what the body returns.
///
/// Children may outlive the locals of the body: declare before the scope what they refer to, or end
/// the body with `co_await g.wait()`. Go: errgroup, and more.
template <class F>
auto scope(F&& body, std::source_location where = std::source_location::current()) {
  static_assert(
      std::is_invocable_v<std::decay_t<F>&, group&>,
      "scope takes a body that can be called with a group&: [&](group& g) -> task<> {...}");
  using result = std::remove_cvref_t<std::invoke_result_t<std::decay_t<F>&, group&>>;
  static_assert(detail::is_task<result>, "a scope's body returns a burrow::task");
  if (detail::is_nil(body)) detail::refuse_nil_function(where);
  return detail::run_scope<typename result::value_type, std::decay_t<F>>(std::forward<F>(body),
                                                                         where);
}

}  // namespace burrow
