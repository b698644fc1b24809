// SPDX-License-Identifier: MIT
// Contexts of a program's own kind.
#pragma once

#include <burrow/context.hpp>

#include <chrono>
#include <concepts>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace burrow {

namespace detail {

context_node* node_of_custom(custom_context& c) noexcept;
/// The object behind a handle; null: it is no custom Context.
custom_context* custom_of(const context& ctx) noexcept;

}  // namespace detail

/// The base of a program's own kind of Context. Derive, override what differs, and make one with
/// make_context<C>(args...). Its node is one of the tree: what is derived from it is linked to it,
/// ends with it before end() returns, and no goroutine has to watch it.
///
/// With a parent it ends, at the latest, when the parent does, and what it does not override is the
/// parent's. Without one it ends only through end(). It is cancelled when its last handle goes.
/// Go: a type that implements context.Context
class custom_context {
 public:
  custom_context() noexcept;
  /// Throws std::invalid_argument for a nil parent.
  explicit custom_context(const context& parent);
  custom_context(const custom_context&) = delete;
  custom_context& operator=(const custom_context&) = delete;

  /// The value bound to `key`, or null: a pointer to a const T for the context_key<T> that `key`
  /// equals. An override answers for the keys that it knows and leaves the others to
  /// custom_context::value().
  virtual const void* value(context_key_id key) const;
  /// When it will end. Asked by ctx.deadline(), and when something is derived; it should not
  /// change.
  virtual std::optional<std::chrono::steady_clock::time_point> deadline() const;
  /// By default what the parent prints, a point and the name of the type.
  virtual std::string to_string() const;
  /// Zero while it lives. Not virtual: it is what end() was given, so that it agrees with done() at
  /// every instant.
  std::error_code err() const noexcept;

 protected:
  virtual ~custom_context();

  /// Ends it and its descendants with `error`, and returns when all of them have ended. A null
  /// cause: the error is the cause. Only the first ending counts. Any thread. Throws
  /// std::invalid_argument for a zero error.
  void end(std::error_code error, std::exception_ptr cause = nullptr);

 private:
  friend void detail::destroy_custom(custom_context* c) noexcept;
  friend detail::context_node* detail::node_of_custom(custom_context& c) noexcept;

  detail::custom_node node_;
};

namespace detail {

inline context_node* node_of_custom(custom_context& c) noexcept { return &c.node_; }

}  // namespace detail

/// Makes a C with `new C(args...)`, and the handle. Its destructor runs when the last handle has
/// gone, and everything derived from it.
template <std::derived_from<custom_context> C, class... Args>
[[nodiscard]] context make_context(Args&&... args) {
  custom_context* c = new C(std::forward<Args>(args)...);
  return detail::adopt_node(detail::node_of_custom(*c));
}

/// The C that `ctx` is the handle of; null: it is something else. Valid while a handle lives.
template <std::derived_from<custom_context> C>
C* custom_cast(const context& ctx) noexcept {
  return dynamic_cast<C*>(detail::custom_of(ctx));
}

}  // namespace burrow
