// SPDX-License-Identifier: MIT
// The keys of the values in a Context.
#pragma once

namespace burrow {

/// The key of a value of type T. What counts is the object's address, so a key is defined at
/// namespace scope, as `inline constexpr context_key<user> user_key{"user"};`. The name is for
/// to_string().
template <class T>
class context_key {
 public:
  using value_type = T;

  constexpr explicit context_key(const char* name) noexcept : name_(name) {}
  context_key(const context_key&) = delete;
  context_key& operator=(const context_key&) = delete;

  constexpr const char* name() const noexcept { return name_; }

 private:
  const char* name_;
};

/// A key of any type, for custom_context::value(): compare it with the keys you know.
class context_key_id {
 public:
  template <class T>
  constexpr context_key_id(const context_key<T>& key) noexcept : key_(&key) {}
  constexpr explicit context_key_id(const void* key) noexcept : key_(key) {}

  friend constexpr bool operator==(context_key_id, context_key_id) noexcept = default;
  constexpr const void* address() const noexcept { return key_; }

 private:
  const void* key_;
};

}  // namespace burrow
