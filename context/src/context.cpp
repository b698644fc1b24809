// SPDX-License-Identifier: MIT
#include <burrow/context.hpp>

#include <chrono>
#include <stdexcept>
#include <system_error>

namespace burrow {

namespace detail {

constinit constant_node background_node(context_kind::background);
constinit constant_node todo_node(context_kind::todo);

context_node& parent_node(const context& parent) {
  context_node* n = node_of(parent);
  if (n == nullptr) throw std::invalid_argument("cannot create context from nil parent");
  return *n;
}

void throw_nil_context_used() { throw std::invalid_argument("use of a nil context"); }

std::exception_ptr code_to_cause(std::error_code code) {
  if (!code) return nullptr;
  return std::make_exception_ptr(std::system_error(code));
}

const void* find_value(const context_node& n, const void* key) {
  for (const context_node* p = &n; p != nullptr; p = p->parent) {
    if (p->kind == context_kind::value) {
      auto& value = static_cast<const value_node&>(*p);
      if (value.key == key) return value.value;
    } else if (p->kind == context_kind::custom) {
      return static_cast<const custom_node&>(*p).self->value(context_key_id(key));
    }
  }
  return nullptr;
}

nanoseconds_t deadline_of(const context_node& n) {
  if (n.kind != context_kind::custom) [[likely]]
    return n.deadline;
  const auto t = static_cast<const custom_node&>(n).self->deadline();
  return t ? saturated_ns(t->time_since_epoch()) : never;
}

}  // namespace detail

std::optional<std::chrono::steady_clock::time_point> context::deadline() const {
  const detail::nanoseconds_t due = detail::deadline_of(node());
  if (due == detail::never) return std::nullopt;
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(due));
}

void cancel_trigger::operator()() const noexcept {
  if (detail::context_node* n = detail::node_of(ctx_)) {
    detail::end(static_cast<detail::cancellable_node&>(*n), detail::cancelled);
  }
}

void cancel_cause_trigger::end(std::exception_ptr cause) const noexcept {
  if (detail::context_node* n = detail::node_of(ctx_)) {
    detail::end(static_cast<detail::cancellable_node&>(*n), {detail::ended_by::canceled, &cause});
  }
}

}  // namespace burrow
