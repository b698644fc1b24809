// SPDX-License-Identifier: MIT
// What with_value() makes: a node that holds a key and a value.
#pragma once

#include <burrow/detail/context_node.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace burrow::detail {

struct value_node : context_node {
  const void* const key;  // the address of the context_key
  const char* const key_name;
  const void* value = nullptr;
  void (*const destroy_this)(value_node&) noexcept;
  std::string (*const print_value)(const void* value);

  value_node(context_node& up, nanoseconds_t due, const void* k, const char* name,
             void (*destroyer)(value_node&) noexcept, std::string (*printer)(const void*)) noexcept
      : context_node(context_kind::value, &up, up.source, due, up.detachments, 1),
        key(k),
        key_name(name),
        destroy_this(destroyer),
        print_value(printer) {}

 protected:
  ~value_node() = default;
};

/// The name of T as the compiler spells it.
template <class T>
constexpr std::string_view type_name() noexcept {
  constexpr std::string_view all = __PRETTY_FUNCTION__;  // "... [T = X]", "... [with T = X; ...]"
  constexpr std::size_t begin = all.find("T = ") + 4;
  constexpr std::size_t semicolon = all.find(';', begin);
  constexpr std::size_t end = semicolon != all.npos ? semicolon : all.rfind(']');
  return all.substr(begin, end - begin);
}

template <class T>
concept has_own_to_string = requires(const T& v) {
  { to_string(v) } -> std::convertible_to<std::string>;
};

/// Text as it is, what has a to_string() of its own (Go: a Stringer) by that, and of all else the
/// type only: a Context often holds what should not get into a log.
template <class T>
std::string print_value(const void* value) {
  [[maybe_unused]] const T& v = *static_cast<const T*>(value);
  if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) {
    if (v == nullptr) return "<nil>";
  }
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return std::string(std::string_view(v));
  } else if constexpr (has_own_to_string<T>) {
    return to_string(v);
  } else {
    return std::string(type_name<T>());
  }
}

template <class T>
struct value_node_of final : value_node {
  T held;

  value_node_of(context_node& up, nanoseconds_t due, const void* k, const char* name, T&& v)
      : value_node(up, due, k, name, &destroy_value, &detail::print_value<T>), held(std::move(v)) {
    value = std::addressof(held);
  }

  static void destroy_value(value_node& n) noexcept {
    delete_node(static_cast<value_node_of*>(&n));
  }
};

/// The value bound to `key` at `n` or above it, the nearest one; null: there is none.
const void* find_value(const context_node& n, const void* key);

}  // namespace burrow::detail
