// SPDX-License-Identifier: MIT
// The memory that I/O reads into and writes from.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

namespace burrow {

namespace detail {

template <class T>
inline constexpr bool is_byte_like =
    std::is_same_v<std::remove_cv_t<T>, std::byte> || std::is_same_v<std::remove_cv_t<T>, char> ||
    std::is_same_v<std::remove_cv_t<T>, unsigned char>;

/// What a range's data() points at.
template <class R>
using byte_at = std::remove_pointer_t<decltype(std::data(std::declval<R&>()))>;

/// Bytes in a row: an array, a vector, a string, a span.
template <class R>
concept byte_range = requires(R& r) {
  std::data(r);
  std::size(r);
} && is_byte_like<byte_at<R>>;

}  // namespace detail

/// Memory to read into; refers to a range of bytes or chars, and owns nothing.
class bytes {
 public:
  bytes() noexcept = default;
  bytes(void* data, std::size_t size) noexcept
      : data_(static_cast<std::byte*>(data)), size_(size) {}
  template <class R>
    requires(detail::byte_range<R> && !std::same_as<std::remove_cvref_t<R>, bytes> &&
             !std::is_const_v<detail::byte_at<R>>)
  bytes(R&& range) noexcept  // NOLINT(*-explicit-*): any buffer will do
      : bytes(std::data(range), std::size(range)) {}

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  /// Without the first `n`, which are there.
  bytes from(std::size_t n) const noexcept { return {data_ + n, size_ - n}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Memory to write from; refers to a range of bytes or chars, and owns nothing.
class const_bytes {
 public:
  const_bytes() noexcept = default;
  const_bytes(const void* data, std::size_t size) noexcept
      : data_(static_cast<const std::byte*>(data)), size_(size) {}
  /// A text that ends with a zero, which is not part of it.
  template <class P>
    requires(std::same_as<P, const char*> || std::same_as<P, char*>)
  const_bytes(const P& text) noexcept  // NOLINT(*-explicit-*)
      : const_bytes(text, std::string_view(text).size()) {}
  /// A literal, without the zero at its end; an array of chars that are none: all of them.
  template <std::size_t N>
  const_bytes(const char (&text)[N]) noexcept  // NOLINT(*-explicit-*)
      : const_bytes(text, text[N - 1] == '\0' ? N - 1 : N) {}
  template <std::size_t N>
  const_bytes(char (&range)[N]) noexcept  // NOLINT(*-explicit-*)
      : const_bytes(range, N) {}
  const_bytes(bytes b) noexcept : const_bytes(b.data(), b.size()) {}  // NOLINT(*-explicit-*)
  template <class R>
    requires(
        detail::byte_range<R> && !std::same_as<std::remove_cvref_t<R>, const_bytes> &&
        !std::same_as<std::remove_cvref_t<R>, bytes> &&
        !std::is_same_v<std::remove_cv_t<std::remove_all_extents_t<std::remove_reference_t<R>>>,
                        char>)
  const_bytes(R&& range) noexcept  // NOLINT(*-explicit-*): any buffer will do
      : const_bytes(std::data(range), std::size(range)) {}

  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  /// Without the first `n`, which are there.
  const_bytes from(std::size_t n) const noexcept { return {data_ + n, size_ - n}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace burrow
