// SPDX-License-Identifier: MIT
#include <burrow/http/detail/text.hpp>
#include <burrow/http/request.hpp>

namespace burrow::http {

std::string_view detail::raw_path(std::string_view target) noexcept {
  // A proxy's form; RFC 9112, 3.2.2.
  if (const std::size_t scheme = target.find("://");
      !target.starts_with('/') && scheme != std::string_view::npos) {
    const std::size_t slash = target.find_first_of("/?", scheme + 3);
    if (slash == std::string_view::npos || target[slash] == '?') return "/";
    target.remove_prefix(slash);
  }
  return target.substr(0, target.find('?'));
}

std::string request::path() const {
  const std::string_view raw = detail::raw_path(target);
  if (!raw.starts_with('/')) return {};
  return detail::percent_decoded(raw).value_or(std::string());
}

std::string_view request::query() const noexcept {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

std::optional<std::string> request::query_value(std::string_view name) const {
  return detail::query_value(query(), name);
}

std::string_view request::parameter(std::string_view name) const noexcept {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return value;
  }
  return {};
}

void request::set_parameter(std::string_view name, std::string value) {
  for (auto& [key, old] : parameters_) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  parameters_.emplace_back(name, std::move(value));
}

}  // namespace burrow::http
