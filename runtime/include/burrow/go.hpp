// SPDX-License-Identifier: MIT
// go: starts a goroutine.
#pragma once

#include <burrow/detail/spawn.hpp>

#include <stdexcept>

namespace burrow {

/// Starts a goroutine that runs `f(args...)`, a callable that returns a task. Callable and
/// arguments are moved or copied into the goroutine before go() returns (references only through
/// std::ref); it carries the Context of its starter. It belongs to the runtime: see scope() for
/// goroutines that somebody waits for. An exception that leaves it ends the program
/// (options.on_unhandled).
///
/// Any thread. Throws std::bad_alloc; std::logic_error where no runtime runs. O(1), and no malloc
/// once the pools are warm. Go: `go f(args...)`.
template <class... Args>
void go(detail::spawnable<detail::detached_joiner, std::type_identity_t<Args&&>...> f,
        Args&&... args) {
  detail::start_goroutine(f.make({}, detail::current_context(), std::forward<Args>(args)...));
}

/// As go(f, args...), under `ctx`; for an `f` that takes no Context itself. Throws
/// std::invalid_argument for a nil Context.
template <class Context, class... Args>
  requires std::is_same_v<std::remove_cvref_t<Context>, context>
void go(Context&& ctx,
        detail::spawnable<detail::detached_joiner, std::type_identity_t<Args&&>...> f,
        Args&&... args) {
  detail::context_node* node = detail::node_of(ctx);
  if (node == nullptr) throw std::invalid_argument("go: nil context");
  detail::start_goroutine(f.make({}, node, std::forward<Args>(args)...));
}

}  // namespace burrow
