// SPDX-License-Identifier: MIT
// What may be given as the cause of an ending, and the exception that it becomes.
#pragma once

#include <cstddef>
#include <exception>
#include <system_error>
#include <type_traits>
#include <utility>

namespace burrow::detail {

/// A std::system_error with the code; null for a zero code.
std::exception_ptr code_to_cause(std::error_code code);

template <class T>
concept error_condition_enum = std::is_error_condition_enum<T>::value && requires(T e) {
  { make_error_code(e) } -> std::same_as<std::error_code>;  // std::errc is one
};

template <class Cause, class T = std::remove_cvref_t<Cause>>
concept cause_argument = std::is_convertible_v<Cause, std::exception_ptr> ||
                         std::is_convertible_v<Cause, std::error_code> || error_condition_enum<T> ||
                         (std::is_class_v<T> && std::is_copy_constructible_v<T>);

template <class Cause>
std::exception_ptr to_cause(Cause&& cause) {
  if constexpr (std::is_convertible_v<Cause, std::exception_ptr>) {
    return std::forward<Cause>(cause);
  } else if constexpr (std::is_convertible_v<Cause, std::error_code>) {
    return code_to_cause(cause);
  } else if constexpr (error_condition_enum<std::remove_cvref_t<Cause>>) {
    return code_to_cause(make_error_code(cause));
  } else {
    return std::make_exception_ptr(std::forward<Cause>(cause));
  }
}

}  // namespace burrow::detail
