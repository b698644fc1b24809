// SPDX-License-Identifier: MIT
// The Context that a goroutine carries, and the shield that comes with it.
//
// The slot holds a bare pointer. What keeps it alive: the runtime for its root Context, the scope
// for a group's, the frame for that of a task, and a reference of the goroutine's own, taken
// when it is started and given back when it has ended, for all others.
#pragma once

#include <burrow/context.hpp>
#include <burrow/detail/goroutine.hpp>

namespace burrow::detail {

inline context_node* carried(const goroutine& g) noexcept {
  return static_cast<context_node*>(g.context);
}

/// Makes `node` the carried Context. Under a Context made by without_cancel, abandonment does not
/// reach what the goroutine runs.
inline void carry(goroutine& g, context_node* node) noexcept {
  g.context = node;
  g.shielded = node != nullptr && node->detached;
}

}  // namespace burrow::detail
