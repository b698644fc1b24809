// SPDX-License-Identifier: MIT
#include <burrow/http/detail/text.hpp>
#include <burrow/http/detail/url.hpp>
#include <burrow/http/errc.hpp>

#include <algorithm>
#include <charconv>
#include <vector>

namespace burrow::http::detail {

namespace {

bool is_port(std::string_view s) noexcept {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  return error == std::errc() && end == s.data() + s.size() && n > 0 && n < 65536;
}

bool is_host(std::string_view s) noexcept {
  if (s.starts_with('[')) {
    return s.size() > 2 && s.find_first_not_of("0123456789abcdefABCDEF:.", 1) == s.size() - 1 &&
           s.ends_with(']');
  }
  return !s.empty() && s.find_first_of("[]\\:@%/?#\"<>^`{|}") == std::string_view::npos;
}

/// Where a scheme ends: the ':' of "http:..."; npos: there is none.
std::size_t scheme_end(std::string_view s) noexcept {
  const std::size_t end = s.find_first_of(":/?#");
  return end != std::string_view::npos && end > 0 && s[end] == ':' ? end : std::string_view::npos;
}

/// "/a/b/../c" is "/a/c".
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  bool ends_with_slash = false;
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/'
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view s = path.substr(0, end);
    path.remove_prefix(end);
    ends_with_slash = s.empty() || s == "." || s == "..";
    if (s == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (s != "." && !(s.empty() && path.empty())) {
      kept.push_back(s);
    }
  }
  std::string out;
  for (const std::string_view s : kept) out.append("/").append(s);
  if (ends_with_slash || out.empty()) out.push_back('/');
  return out;
}

}  // namespace

result<url> url::parse(std::string_view text) {
  const std::size_t colon = scheme_end(text);
  if (colon == std::string_view::npos) return errc::bad_url;
  url u;
  u.is_secure = equal_ignoring_case(text.substr(0, colon), "https");
  if (!u.is_secure && !equal_ignoring_case(text.substr(0, colon), "http")) {
    return errc::unsupported_scheme;
  }
  if (text.substr(colon, 3) != "://" || !is_visible(text)) return errc::bad_url;
  text = text.substr(colon + 3);
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  const std::string_view authority = text.substr(0, end);

  u.host = authority;
  u.port = u.default_port();
  const std::size_t port = authority.rfind(':');
  if (port != std::string_view::npos && authority.find(']', port) == std::string_view::npos) {
    u.host = authority.substr(0, port);
    if (port + 1 < authority.size()) u.port = authority.substr(port + 1);
  }
  if (!is_host(u.host) || !is_port(u.port)) return errc::bad_url;
  u.target = text.substr(end);
  if (!u.target.starts_with('/')) u.target.insert(0, "/");
  return u;
}

result<url> url::resolve(std::string_view reference) const {
  if (scheme_end(reference) != std::string_view::npos) return parse(reference);
  if (reference.starts_with("//")) return parse(scheme() + std::string(reference));
  reference = reference.substr(0, reference.find('#'));
  if (!is_visible(reference)) return errc::bad_url;
  url u = *this;
  if (reference.empty()) return u;
  const std::string base = target.substr(0, target.find('?'));
  if (reference.starts_with('?')) {
    u.target = base + std::string(reference);
    return u;
  }
  const std::size_t query = std::min(reference.find('?'), reference.size());
  std::string path(reference.substr(0, query));
  if (!path.starts_with('/')) path.insert(0, base, 0, base.rfind('/') + 1);
  u.target = without_dots(path) + std::string(reference.substr(query));
  return u;
}

}  // namespace burrow::http::detail
