// SPDX-License-Identifier: MIT
// The header fields of a message.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace burrow::http {

/// One line of a header.
struct header_field {
  std::string name;
  std::string value;
};

/// The fields in the order in which they came. Names are compared without regard to case, and a
/// name may occur several times. Not thread-safe. Go: http.Header.
class headers {
 public:
  using const_iterator = std::vector<header_field>::const_iterator;

  /// The value of the first field of that name; nullopt: there is none. It refers into this object,
  /// until that changes. Go: Get.
  std::optional<std::string_view> get(std::string_view name) const noexcept;
  bool contains(std::string_view name) const noexcept { return get(name).has_value(); }
  std::size_t count(std::string_view name) const noexcept;
  /// Whether `token` is an element of the comma-separated lists of that name: "close" of
  /// Connection, "gzip" of Accept-Encoding.
  bool has_token(std::string_view name, std::string_view token) const noexcept;

  /// Replaces all of that name by one. Throws std::invalid_argument for a name that is no token and
  /// for a value with a line's end or a zero in it: nothing that came from elsewhere can add a
  /// line. Go: Set.
  void set(std::string_view name, std::string_view value);
  /// One more of that name. Throws as set(). Go: Add.
  void add(std::string_view name, std::string_view value);
  /// How many were removed. Go: Del.
  std::size_t remove(std::string_view name) noexcept;
  void clear() noexcept { fields_.clear(); }

  std::size_t size() const noexcept { return fields_.size(); }
  bool empty() const noexcept { return fields_.empty(); }
  const_iterator begin() const noexcept { return fields_.begin(); }
  const_iterator end() const noexcept { return fields_.end(); }

 private:
  std::vector<header_field> fields_;
};

/// The words for a status: "Not Found"; empty for one that has none. Go: http.StatusText.
std::string_view status_text(int status) noexcept;

}  // namespace burrow::http
