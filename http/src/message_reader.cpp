// SPDX-License-Identifier: MIT
// The only file that knows Boost.Beast.
#include <burrow/http/detail/message_reader.hpp>
#include <burrow/http/detail/text.hpp>

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <limits>

namespace burrow::http::detail {

namespace beast = boost::beast::http;

namespace {

constexpr std::size_t chunk_line_limit = 16UL * 1024;  // of a chunk's first line, or the trailers

/// A line that ends without "\r". The parser would wait for one that ends as it should.
bool has_bare_line_feed(std::string_view text) noexcept {
  for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; ++at) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

std::string to_text(boost::beast::string_view s) { return {s.data(), s.size()}; }

std::error_code error_for(boost::beast::error_code e) noexcept {
  if (e == beast::error::header_limit) return errc::header_too_large;
  if (e == beast::error::partial_message) return errc::incomplete;
  if (e == beast::error::bad_version) return errc::unsupported_version;
  return errc::malformed;
}

}  // namespace

struct message_reader::parser {
  using request = beast::request_parser<beast::buffer_body>;
  using response = beast::response_parser<beast::buffer_body>;

  std::optional<request> as_request;
  std::optional<response> as_response;

  template <class F>
  auto with(F f) {
    return as_request ? f(*as_request) : f(*as_response);
  }

  void begin(message_kind kind) {
    if (kind == message_kind::request) {
      prepare(as_request.emplace());
    } else {
      prepare(as_response.emplace());
    }
  }

  template <class P>
  static void prepare(P& p) {
    p.header_limit(std::numeric_limits<std::uint32_t>::max());  // feed_head() keeps ours
    // Not boost::none, which Boost 1.74 takes for less than any length.
    p.body_limit(std::numeric_limits<std::uint64_t>::max());
  }
};

message_reader::message_reader(byte_source& source, message_kind kind, std::size_t header_limit)
    : source_(source),
      kind_(kind),
      header_limit_(header_limit),
      parser_(std::make_unique<parser>()) {}

message_reader::~message_reader() = default;

/// One more piece behind what is there, in a row. errc::incomplete: there is none.
task<std::error_code> message_reader::fill(time_point until) {
  if (at_end_) co_return errc::incomplete;
  // The next piece takes the place of this one.
  if (!rest_.empty()) carry_.assign(std::string(rest_));
  const bool is_first = rest_.empty();
  const result<std::string_view> piece = co_await source_.next(until);
  if (!piece) {
    if (!is_first) rest_ = carry_;
    co_return piece.error();
  }
  at_end_ = piece->empty();
  if (is_first) {
    rest_ = *piece;
  } else {
    carry_.append(*piece);
    rest_ = carry_;
  }
  co_return at_end_ ? std::error_code(errc::incomplete) : std::error_code();
}

// --- the header ----------------------------------------------------------------------------------

/// Lines before a request that some clients send; RFC 9112, 2.2.
void message_reader::skip_empty_lines() noexcept {
  if (kind_ != message_kind::request || head_size_ > header_limit_) return;
  while (rest_.starts_with("\r\n")) {
    rest_.remove_prefix(2);
    head_size_ += 2;
  }
}

task<result<message_head>> message_reader::read_head(time_point until) {
  parser_->begin(kind_);
  head_size_ = 0;
  no_body_ = false;
  bool has_begun = false;
  for (;;) {
    if (!has_begun) skip_empty_lines();
    if (!rest_.empty() && rest_ != "\r") {
      has_begun = true;
      if (const std::error_code error = feed_head()) co_return error;
      if (parser_->with([](auto& p) { return p.is_header_done(); })) co_return finish_head();
    }
    if (head_size_ + rest_.size() >= header_limit_) co_return errc::header_too_large;
    if (const std::error_code error = co_await fill(until)) co_return error;
  }
}

/// Gives the parser what has come, at most as much as a header may have.
std::error_code message_reader::feed_head() {
  const std::size_t most = header_limit_ - std::min(header_limit_, head_size_);
  boost::beast::error_code error;
  const std::size_t taken = parser_->with([&](auto& p) {
    return p.put(boost::asio::const_buffer(rest_.data(), std::min(rest_.size(), most)), error);
  });
  rest_.remove_prefix(taken);
  head_size_ += taken;
  const bool is_done = parser_->with([](auto& p) { return p.is_header_done(); });
  if (!is_done && has_bare_line_feed(rest_)) return errc::malformed;
  return error && error != beast::error::need_more ? error_for(error) : std::error_code();
}

namespace {

/// The fields of which two readers could make two bodies.
std::error_code check_framing(const http::headers& fields, int minor_version) {
  const std::size_t lengths = fields.count("Content-Length");
  const std::size_t encodings = fields.count("Transfer-Encoding");
  if (lengths > 1 || encodings > 1) return errc::malformed;
  if (lengths == 1 && encodings == 1) return errc::malformed;
  if (lengths == 1) {
    const std::string_view text = *fields.get("Content-Length");
    const bool is_number =
        !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) return errc::malformed;
  }
  if (encodings == 1) {
    if (minor_version == 0) return errc::malformed;
    if (!equal_ignoring_case(*fields.get("Transfer-Encoding"), "chunked")) {
      return errc::unsupported_encoding;
    }
  }
  return {};
}

/// False: a field that could not be passed on as it is.
template <class Fields>
bool copy_fields(const Fields& from, http::headers& to) {
  for (const auto& f : from) {
    const std::string name = to_text(f.name_string());
    const std::string value = to_text(f.value());
    if (!is_token(name) || !is_field_value(value)) return false;
    to.add(name, value);
  }
  return true;
}

/// Of what names and addresses are made; whether it is one of a host is not this server's affair.
bool is_host_field(std::string_view value) noexcept {
  return std::ranges::all_of(value, [](char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') ||
           std::string_view("!$%&'()*+,-.:;=@[]_~").find(c) != std::string_view::npos;
  });
}

/// What RFC 9112, 3.2 asks of a request.
std::error_code check_request(const message_head& head) {
  const std::size_t hosts = head.fields.count("Host");
  if (hosts > 1 || (hosts == 0 && head.minor_version > 0)) return errc::malformed;
  if (hosts == 1 && !is_host_field(*head.fields.get("Host"))) return errc::malformed;
  if (!is_visible(head.target)) return errc::malformed;
  return {};
}

}  // namespace

result<message_head> message_reader::finish_head() {
  message_head head;
  if (kind_ == message_kind::request) {
    auto& p = *parser_->as_request;
    head.method = to_text(p.get().method_string());
    head.target = to_text(p.get().target());
    head.minor_version = static_cast<int>(p.get().version() % 10);
    head.keep_alive = p.keep_alive();
    if (!copy_fields(p.get(), head.fields)) return errc::malformed;
    if (const std::error_code error = check_request(head)) return error;
  } else {
    auto& p = *parser_->as_response;
    head.status = static_cast<int>(p.get().result_int());
    head.minor_version = static_cast<int>(p.get().version() % 10);
    head.keep_alive = p.keep_alive();
    if (!copy_fields(p.get(), head.fields)) return errc::malformed;
  }
  if (const std::error_code error = check_framing(head.fields, head.minor_version)) return error;
  parser_->with([&](auto& p) {
    head.is_chunked = p.chunked();
    if (const auto length = p.content_length()) head.length = *length;
    head.has_body = !p.is_done();
    p.eager(true);
  });
  return head;
}

// --- the body ------------------------------------------------------------------------------------

bool message_reader::body_has_ended() const noexcept {
  return no_body_ || parser_->with([](auto& p) { return p.is_done(); });
}

task<result<std::size_t>> message_reader::read_body(bytes into, time_point until) {
  while (!body_has_ended()) {
    if (!rest_.empty()) {
      boost::beast::error_code error;
      const std::size_t got = parser_->with([&](auto& p) {
        p.get().body().data = into.data();
        p.get().body().size = into.size();
        const std::size_t taken =
            p.put(boost::asio::const_buffer(rest_.data(), rest_.size()), error);
        rest_.remove_prefix(taken);
        return into.size() - p.get().body().size;
      });
      if (error && error != beast::error::need_more && error != beast::error::need_buffer) {
        co_return error_for(error);
      }
      if (got > 0) co_return got;
      if (body_has_ended()) break;
      if (rest_.size() >= chunk_line_limit || has_bare_line_feed(rest_)) {
        co_return errc::malformed;
      }
    }
    const std::error_code error = co_await fill(until);
    if (error == errc::incomplete && at_end_) {
      // A response without a length ends with its connection.
      boost::beast::error_code at_end;
      parser_->with([&](auto& p) { p.put_eof(at_end); });
      if (at_end) co_return error_for(at_end);
      break;
    }
    if (error) co_return error;
  }
  co_return std::size_t{0};
}

int status_for(std::error_code error) noexcept {
  if (error == errc::header_too_large) return 431;
  if (error == errc::body_too_large) return 413;
  if (error == errc::timeout) return 408;
  if (error == errc::unsupported_version) return 505;
  if (error == errc::unsupported_encoding) return 501;
  return 400;
}

}  // namespace burrow::http::detail
