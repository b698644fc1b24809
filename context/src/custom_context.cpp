// SPDX-License-Identifier: MIT
#include <burrow/custom_context.hpp>

#include <burrow/detail/context_node.hpp>

#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <stdexcept>
#include <typeinfo>

namespace burrow {

namespace detail {

void destroy_custom(custom_context* c) noexcept { delete c; }

custom_context* custom_of(const context& ctx) noexcept {
  context_node* n = node_of(ctx);
  if (n == nullptr || n->kind != context_kind::custom) return nullptr;
  return static_cast<custom_node*>(n)->self;
}

}  // namespace detail

custom_context::custom_context() noexcept : node_(*this, nullptr) {}

custom_context::custom_context(const context& parent) : node_(*this, &detail::parent_node(parent)) {
  detail::retain(node_.parent);
  detail::link(node_, detail::tie::shared);
}

custom_context::~custom_context() {
  if (node_.parent_is_kept) return;
  // Not made by make_context(), or a constructor below this one threw: nobody has a handle, but
  // whoever ends the parent may be on his way to this node.
  detail::end(node_, detail::cancelled);
  // acquire: as in leave_to_tree().
  for (unsigned tries = 0; node_.link.load(detail::acquire) != detail::tie::none;) {
    detail::back_off(tries);
  }
  detail::drop(node_.parent);
}

const void* custom_context::value(context_key_id key) const {
  return node_.parent != nullptr ? detail::find_value(*node_.parent, key.address()) : nullptr;
}

std::optional<std::chrono::steady_clock::time_point> custom_context::deadline() const {
  return node_.parent != nullptr ? detail::from_node(node_.parent).deadline() : std::nullopt;
}

std::string custom_context::to_string() const {
  const char* mangled = typeid(*this).name();
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
  std::string type = name ? name.get() : mangled;
  if (node_.parent == nullptr) return type;
  return burrow::to_string(detail::from_node(node_.parent)) + "." + type;
}

std::error_code custom_context::err() const noexcept {
  return node_.has_ended() ? detail::error_of(node_) : std::error_code();
}

void custom_context::end(std::error_code error, std::exception_ptr cause) {
  using detail::ended_by;
  if (!error) throw std::invalid_argument("a Context cannot end without an error");
  ended_by why = ended_by::other;
  if (error == make_error_code(errc::canceled)) why = ended_by::canceled;
  if (error == make_error_code(errc::deadline_exceeded)) why = ended_by::deadline_exceeded;
  if (!cause && why == ended_by::other) cause = detail::code_to_cause(error);
  detail::end(node_, {why, &cause, &error});
}

}  // namespace burrow
