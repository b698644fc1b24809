// SPDX-License-Identifier: MIT
// What tests of contexts share: a look at the tree, and the text of a cause.
#pragma once

#include <burrow/context.hpp>

#include <cstddef>
#include <exception>
#include <ostream>  // doctest prints error codes
#include <string>

/// How many children are linked to the node whose end is `ctx`'s.
inline std::size_t children_of(const burrow::context& ctx) {
  auto& node = *burrow::detail::node_of(ctx)->source;
  burrow::detail::locked hold(node.lock);
  std::size_t n = 0;
  for (auto* c = node.children; c != nullptr; c = c->next) ++n;
  return n;
}

/// The text of the cause; "none" while there is none.
inline std::string why(const burrow::context& ctx) {
  const std::exception_ptr cause = ctx.cause();
  if (!cause) return "none";
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& e) {
    return e.what();
  } catch (int n) {
    return std::to_string(n);
  }
}
