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

// A goroutine's *origin*: how many without_cancel() lead to the Context with which it began, and
// whether a group waits for it. What runs under a Context to which more of them lead is shielded:
// abandonment does not reach it. So a shield keeps off what comes from outside of it, and the
// groups inside go on ending their children.
inline constexpr std::uint8_t of_group = 0x80;

inline std::uint8_t detachments_at_begin(const goroutine& g) noexcept {
  return g.origin.load(relaxed) & most_detachments;
}

/// Whether a group waits for it inside of a shield: the end of the runtime leaves it to that group.
/// Any thread; a glimpse.
inline bool is_inside_shield(const goroutine& g) noexcept {
  return g.origin.load(relaxed) > of_group;
}

/// By the spawner: the Context with which it begins.
inline void carry_first(goroutine& g, context_node* node, bool is_of_group) noexcept {
  const std::uint8_t detachments = node != nullptr ? node->detachments : std::uint8_t{0};
  g.context = node;
  g.origin.store(is_of_group ? of_group | detachments : detachments, relaxed);
}

/// Makes `node` the carried Context.
inline void carry(goroutine& g, context_node* node) noexcept {
  g.context = node;
  g.shielded = node != nullptr && node->detachments > detachments_at_begin(g);
}

}  // namespace burrow::detail
