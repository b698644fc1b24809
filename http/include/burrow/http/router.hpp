// SPDX-License-Identifier: MIT
// Which handler answers which path.
#pragma once

#include <burrow/http/server.hpp>

#include <memory>
#include <string_view>

namespace burrow::http {

namespace detail {
struct route_node;
}

/// Routes by method and path. A pattern is "/users/{id}", for all methods, or "GET /users/{id}";
/// `{id}` stands for one segment that is not empty, and `{rest...}`, at the end, for all that
/// follows, maybe nothing. The value is request::parameter("id"), decoded. Where several patterns
/// match, a literal segment goes before `{id}`, that before `{rest...}`, from left to right; then a
/// method before none. GET serves HEAD as well. A path with a segment "." or "..", encoded or not,
/// matches nothing.
///
/// Nothing matches: 404; only another method does: 405 with Allow. A handler itself, copied like a
/// pointer: options.handler = router. Add routes before it serves: not while it does.
/// Go: http.ServeMux of Go 1.22, whose patterns have no order of segments.
class router {
 public:
  /// Throws std::bad_alloc.
  router();

  /// Throws std::invalid_argument for a malformed pattern, for one that was added before, and for
  /// one that differs from such in the names alone.
  router& handle(std::string_view pattern, handler h);

  task<> operator()(context ctx, request& req, response_writer& res) const;

 private:
  std::shared_ptr<detail::route_node> root_;
};

}  // namespace burrow::http
