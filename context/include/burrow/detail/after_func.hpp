// SPDX-License-Identifier: MIT
// after_func(): a node of the Context tree whose end starts a goroutine.
//
// The node is a child like any other. Whoever ends it first decides: an ending from above takes it,
// and with it the tree's reference, as a call that is to be made; stop() ends it by itself, and
// then there is no call. So exactly one of the two happens.
//
// This module knows no goroutine that runs a callable. The runtime puts a function into
// `goroutine_starter`; where no runtime runs, the call is made on a detached thread of its own.
#pragma once

#include <burrow/detail/context_node.hpp>

#include <source_location>
#include <type_traits>
#include <utility>

namespace burrow::detail {

/// A callable that is to run once, in a goroutine of its own. Who has it calls run(), once, and
/// then release(), which frees it. The callable is destroyed by the end of run().
struct plain_call {
  plain_call* next = nullptr;      // for lists of whoever has it
  void (*const run)(plain_call&);  // throws what the callable throws
  void (*const release)(plain_call&) noexcept;
  const std::source_location where;  // of the after_func(), for reports

  plain_call(void (*runs)(plain_call&), void (*releases)(plain_call&) noexcept,
             std::source_location place) noexcept
      : run(runs), release(releases), where(place) {}
};

/// Starts a goroutine for the call, in the running runtime, and never runs it before returning.
/// False: no runtime runs, and the call is still the caller's. Any thread.
using goroutine_starter_function = bool (*)(plain_call&) noexcept;
/// Set by the runtime module when it is first used; null before.
extern atomic<goroutine_starter_function> goroutine_starter;

/// Starts the call: in a goroutine, or on a thread where no runtime runs.
void start_call(plain_call& call) noexcept;

struct after_func_node : cancellable_node, plain_call {
  void (*const destroy_this)(after_func_node&) noexcept;

  after_func_node(context_node& up, void (*runs)(plain_call&),
                  void (*destroyer)(after_func_node&) noexcept, std::source_location place) noexcept
      : cancellable_node(context_kind::after_func, &up, never, 2),  // the tree's, and stop's
        plain_call(
            runs, [](plain_call& c) noexcept { drop(static_cast<after_func_node*>(&c)); }, place),
        destroy_this(destroyer) {}

 protected:
  ~after_func_node() = default;
};

template <class F>
struct after_func_node_of final : after_func_node {
  F callable;

  after_func_node_of(context_node& up, F&& f, std::source_location place)
      : after_func_node(up, &run_callable, &destroy_callable, place), callable(std::move(f)) {}

  static void run_callable(plain_call& c) {
    F f(std::move(static_cast<after_func_node_of&>(c).callable));
    static_cast<void>(f());
  }
  static void destroy_callable(after_func_node& n) noexcept {
    delete_node(static_cast<after_func_node_of*>(&n));
  }
};

/// Links a new node, or starts its call if the Context has ended. The caller keeps one reference.
void wait_for_end(after_func_node& n) noexcept;

/// Whether this prevented the call. Never waits.
bool stop_waiting(after_func_node& n) noexcept;

/// Results which the module above has to do something with, so that a plain call would lose them;
/// it specialises this for its tasks, and has an after_func() of its own for what returns one.
template <class T>
inline constexpr bool has_to_be_awaited = false;

}  // namespace burrow::detail
