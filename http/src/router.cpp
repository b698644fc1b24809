// SPDX-License-Identifier: MIT
// A tree of segments, which is searched with steps back: /a/{x}/c is found though /a/b/ exists.
#include <burrow/http/detail/text.hpp>
#include <burrow/http/router.hpp>

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace burrow::http {

namespace detail {

/// A handler, and what its pattern calls the segments that vary, in their order.
struct route {
  std::vector<std::string> names;
  http::handler handle;
};

using routes = std::map<std::string, route, std::less<>>;  // by method; "": any

struct route_node {
  std::map<std::string, std::unique_ptr<route_node>, std::less<>> literals;
  std::unique_ptr<route_node> any;  // {name}
  routes here;                      // patterns that end here
  routes rest;                      // {name...} from here on
};

}  // namespace detail

namespace {

using detail::route;
using detail::route_node;
using detail::routes;

[[noreturn]] void refuse(std::string_view pattern, const char* why) {
  throw std::invalid_argument("http: the pattern \"" + std::string(pattern) + "\" " + why);
}

/// The segments of "/a/b": "a" and "b". Of "/a/": "a" and "".
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> all;
  do {
    path.remove_prefix(1);
    const std::size_t end = path.find('/');
    all.push_back(path.substr(0, end));
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  } while (!path.empty());
  return all;
}

void add_route(routes& to, std::string_view method, std::string_view pattern, route r) {
  if (!to.emplace(method, std::move(r)).second) refuse(pattern, "was added before");
}

// --- finding -------------------------------------------------------------------------------------

struct finding {
  std::string_view method;
  const std::vector<std::string>& segments;
  std::vector<std::string> values;
  std::string allowed;  // the methods of patterns that match but for theirs

  const route* take(const routes& from);
  const route* find(const route_node& node, std::size_t at);
  const route* find_rest(const route_node& node, std::size_t at);
};

const route* finding::take(const routes& from) {
  auto it = from.find(method);
  if (it == from.end() && method == "HEAD") it = from.find("GET");
  if (it == from.end()) it = from.find("");
  if (it != from.end()) return &it->second;
  for (const auto& [name, r] : from) allowed += (allowed.empty() ? "" : ", ") + name;
  return nullptr;
}

const route* finding::find_rest(const route_node& node, std::size_t at) {
  if (node.rest.empty()) return nullptr;
  const route* found = take(node.rest);
  if (found == nullptr) return nullptr;
  std::string rest;
  for (std::size_t i = at; i < segments.size(); ++i) rest += (i > at ? "/" : "") + segments[i];
  values.push_back(std::move(rest));
  return found;
}

const route* finding::find(const route_node& node, std::size_t at) {
  if (at == segments.size()) return take(node.here);
  const std::string& segment = segments[at];
  if (const auto it = node.literals.find(segment); it != node.literals.end()) {
    if (const route* found = find(*it->second, at + 1)) return found;
  }
  if (node.any != nullptr && !segment.empty()) {
    values.push_back(segment);
    if (const route* found = find(*node.any, at + 1)) return found;
    values.pop_back();
  }
  return find_rest(node, at);
}

/// nullopt: a path that no pattern may match.
std::optional<std::vector<std::string>> decoded_segments(std::string_view target) {
  const std::string_view raw = detail::raw_path(target);
  if (!raw.starts_with('/')) return std::nullopt;
  std::vector<std::string> all;
  for (const std::string_view s : segments_of(raw)) {
    auto decoded = detail::percent_decoded(s);
    if (!decoded || *decoded == "." || *decoded == "..") return std::nullopt;
    all.push_back(std::move(*decoded));
  }
  return all;
}

task<> answer_by_status(response_writer& res, int status, std::string text) {
  static_cast<void>(res.status(status));
  res.headers().set("Content-Type", "text/plain; charset=utf-8");
  static_cast<void>(co_await res.write_all(text));  // a client that has gone needs none
}

}  // namespace

// --- the router ----------------------------------------------------------------------------------

router::router() : root_(std::make_shared<route_node>()) {}

router& router::handle(std::string_view pattern, handler h) {
  const std::size_t blank = pattern.find(' ');
  const bool has_method = blank != std::string_view::npos;
  const std::string_view method = has_method ? pattern.substr(0, blank) : std::string_view();
  const std::string_view path = has_method ? pattern.substr(blank + 1) : pattern;
  if (!h) refuse(pattern, "has no handler");
  if (has_method && !detail::is_token(method)) refuse(pattern, "has a malformed method");
  if (!path.starts_with('/')) refuse(pattern, "has a path that does not begin with '/'");

  route r{{}, std::move(h)};
  route_node* node = root_.get();
  const std::vector<std::string_view> segments = segments_of(path);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    std::string_view s = segments[i];
    if (!s.starts_with('{')) {
      if (s.find_first_of("{}") != std::string_view::npos) refuse(pattern, "has a stray brace");
      auto& next = node->literals[std::string(s)];
      if (next == nullptr) next = std::make_unique<route_node>();
      node = next.get();
      continue;
    }
    if (!s.ends_with('}') || s.size() < 3) refuse(pattern, "has a malformed {name}");
    s = s.substr(1, s.size() - 2);
    const bool is_rest = s.ends_with("...");
    if (is_rest) s.remove_suffix(3);
    if (!detail::is_token(s)) refuse(pattern, "has a malformed {name}");
    r.names.emplace_back(s);
    if (is_rest) {
      if (i + 1 != segments.size()) refuse(pattern, "goes on behind {name...}");
      add_route(node->rest, method, pattern, std::move(r));
      return *this;
    }
    if (node->any == nullptr) node->any = std::make_unique<route_node>();
    node = node->any.get();
  }
  add_route(node->here, method, pattern, std::move(r));
  return *this;
}

task<> router::operator()(context ctx, request& req, response_writer& res) const {
  const auto segments = decoded_segments(req.target);
  if (!segments) {
    co_await answer_by_status(res, 404, "Not Found\n");
    co_return;
  }
  finding f{req.method, *segments, {}, {}};
  if (const route* found = f.find(*root_, 0)) {
    for (std::size_t i = 0; i < found->names.size(); ++i) {
      req.set_parameter(found->names[i], std::move(f.values[i]));
    }
    co_await found->handle(ctx, req, res);
    co_return;
  }
  if (f.allowed.empty()) {
    co_await answer_by_status(res, 404, "Not Found\n");
    co_return;
  }
  res.headers().set("Allow", f.allowed);
  co_await answer_by_status(res, 405, "Method Not Allowed\n");
}

}  // namespace burrow::http
