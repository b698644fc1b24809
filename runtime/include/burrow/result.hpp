// SPDX-License-Identifier: MIT
// result<T>: what an operation on the outside world returns, a value or an error code.
//
// The same type in every language mode, so that programs of C++20 and C++23 link. It has the names
// of std::expected<T, std::error_code>, and converts to it where that exists.
#pragma once

#include <functional>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>
#include <version>

#ifdef __cpp_lib_expected
#include <expected>
#endif

namespace burrow {

template <class T>
class result;

namespace detail {

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

[[noreturn]] void throw_error_of_result(std::error_code error);

}  // namespace detail

/// A value, or the error that there is instead. To look at the one that is not there: value()
/// throws std::system_error, `*` and `->` must not be used. Go: (T, error).
template <class T>
class [[nodiscard("a result tells whether it went well")]] result {
 public:
  using value_type = T;
  using error_type = std::error_code;

  result()
    requires std::is_default_constructible_v<T>
      : has_value_(true) {
    std::construct_at(std::addressof(value_));
  }
  template <class U = T>
    requires(std::is_constructible_v<T, U &&> && !detail::is_result<std::remove_cvref_t<U>> &&
             (std::is_same_v<std::remove_cvref_t<U>, T> ||
              (!std::is_same_v<std::remove_cvref_t<U>, std::error_code> &&
               !std::is_error_code_enum_v<std::remove_cvref_t<U>>)))
  result(U&& value) : has_value_(true) {  // NOLINT(*-explicit-*): co_return value;
    std::construct_at(std::addressof(value_), std::forward<U>(value));
  }
  /// `error` says what went wrong: it is not zero.
  result(std::error_code error) noexcept  // NOLINT(*-explicit-*): co_return error;
      : error_(error), has_value_(false) {}
  template <class E>
    requires std::is_error_code_enum_v<E>
  result(E error) noexcept : result(make_error_code(error)) {}  // NOLINT(*-explicit-*): the same

  result(const result& other)
    requires std::is_copy_constructible_v<T>
      : has_value_(other.has_value_) {
    if (has_value_) {
      std::construct_at(std::addressof(value_), other.value_);
    } else {
      error_ = other.error_;
    }
  }
  result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : has_value_(other.has_value_) {
    if (has_value_) {
      std::construct_at(std::addressof(value_), std::move(other.value_));
    } else {
      error_ = other.error_;
    }
  }
  result& operator=(result other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    this->~result();
    std::construct_at(this, std::move(other));
    return *this;
  }
  ~result() {
    if (has_value_) std::destroy_at(std::addressof(value_));
  }

  bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }

  T& operator*() & noexcept { return value_; }
  const T& operator*() const& noexcept { return value_; }
  T&& operator*() && noexcept { return std::move(value_); }
  T* operator->() noexcept { return std::addressof(value_); }
  const T* operator->() const noexcept { return std::addressof(value_); }

  T& value() & {
    check();
    return value_;
  }
  const T& value() const& {
    check();
    return value_;
  }
  T&& value() && {
    check();
    return std::move(value_);
  }
  /// Zero where there is a value.
  std::error_code error() const noexcept { return has_value_ ? std::error_code() : error_; }

  template <class U>
  T value_or(U&& other) const& {
    return has_value_ ? value_ : static_cast<T>(std::forward<U>(other));
  }
  template <class U>
  T value_or(U&& other) && {
    return has_value_ ? std::move(value_) : static_cast<T>(std::forward<U>(other));
  }

  /// f(value), which returns a result; or the error.
  template <class F>
  auto and_then(F&& f) && -> std::invoke_result_t<F, T> {
    if (!has_value_) return error_;
    return std::invoke(std::forward<F>(f), std::move(value_));
  }
  /// f(value) as a result; or the error.
  template <class F>
  auto transform(F&& f) && -> result<std::invoke_result_t<F, T>> {
    if (!has_value_) return error_;
    if constexpr (std::is_void_v<std::invoke_result_t<F, T>>) {
      std::invoke(std::forward<F>(f), std::move(value_));
      return {};
    } else {
      return std::invoke(std::forward<F>(f), std::move(value_));
    }
  }
  /// The value; or f(error), which returns a result of the same type.
  template <class F>
  result or_else(F&& f) && {
    if (has_value_) return std::move(*this);
    return std::invoke(std::forward<F>(f), error_);
  }

#ifdef __cpp_lib_expected
  operator std::expected<T, std::error_code>() && {  // NOLINT(*-explicit-*): they are the same
    if (has_value_) return std::move(value_);
    return std::unexpected(error_);
  }
#endif

 private:
  void check() const {
    if (!has_value_) detail::throw_error_of_result(error_);
  }

  union {
    T value_;
    std::error_code error_;
  };
  bool has_value_;
};

/// Of an operation that has no value: it went well, or why not.
template <>
class [[nodiscard("a result tells whether it went well")]] result<void> {
 public:
  using value_type = void;
  using error_type = std::error_code;

  result() noexcept = default;
  /// Zero: it went well.
  result(std::error_code error) noexcept
      : error_(error) {}  // NOLINT(*-explicit-*): co_return error;
  template <class E>
    requires std::is_error_code_enum_v<E>
  result(E error) noexcept : error_(make_error_code(error)) {}  // NOLINT(*-explicit-*): the same

  bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return !error_; }
  void operator*() const noexcept {}
  void value() const {
    if (error_) detail::throw_error_of_result(error_);
  }
  std::error_code error() const noexcept { return error_; }

  template <class F>
  auto and_then(F&& f) const -> std::invoke_result_t<F> {
    if (error_) return error_;
    return std::invoke(std::forward<F>(f));
  }
  template <class F>
  result or_else(F&& f) const {
    if (!error_) return {};
    return std::invoke(std::forward<F>(f), error_);
  }

#ifdef __cpp_lib_expected
  operator std::expected<void, std::error_code>()
      const {  // NOLINT(*-explicit-*): they are the same
    if (!error_) return {};
    return std::unexpected(error_);
  }
#endif

 private:
  std::error_code error_;
};

}  // namespace burrow
