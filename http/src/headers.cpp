// SPDX-License-Identifier: MIT
#include <burrow/http/detail/text.hpp>
#include <burrow/http/headers.hpp>

#include <algorithm>
#include <stdexcept>

namespace burrow::http {

using detail::equal_ignoring_case;

std::optional<std::string_view> headers::get(std::string_view name) const noexcept {
  for (const header_field& f : fields_) {
    if (equal_ignoring_case(f.name, name)) return f.value;
  }
  return std::nullopt;
}

std::size_t headers::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields_, [name](const header_field& f) { return equal_ignoring_case(f.name, name); }));
}

bool headers::has_token(std::string_view name, std::string_view token) const noexcept {
  for (const header_field& f : fields_) {
    if (!equal_ignoring_case(f.name, name)) continue;
    std::string_view rest = f.value;
    for (;;) {
      const std::size_t comma = rest.find(',');
      if (equal_ignoring_case(detail::trimmed(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

void headers::set(std::string_view name, std::string_view value) {
  headers one;
  one.add(name, value);
  remove(name);
  fields_.push_back(std::move(one.fields_.front()));
}

void headers::add(std::string_view name, std::string_view value) {
  if (!detail::is_token(name)) throw std::invalid_argument("http: invalid name of a header field");
  if (!detail::is_field_value(value)) {
    throw std::invalid_argument("http: invalid value of a header field");
  }
  fields_.push_back({std::string(name), std::string(value)});
}

std::size_t headers::remove(std::string_view name) noexcept {
  return std::erase_if(fields_,
                       [name](const header_field& f) { return equal_ignoring_case(f.name, name); });
}

std::string_view status_text(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return {};
  }
}

}  // namespace burrow::http
