// SPDX-License-Identifier: MIT
// The client. A connection belongs to one request at a time: to send(), then to the response's
// body, and, once that was read to its end, to the pool. Whatever goes wrong drops it, which closes
// it.
#include <burrow/http/client.hpp>
#include <burrow/http/detail/byte_stream.hpp>
#include <burrow/http/detail/message_reader.hpp>
#include <burrow/http/detail/text.hpp>
#include <burrow/http/detail/url.hpp>
#include <burrow/net/listener.hpp>

#include <algorithm>
#include <array>
#include <list>
#include <mutex>
#include <utility>

namespace burrow::http {

using detail::message_head;
using detail::time_point;
using detail::url;

namespace {

/// A connection, and what has been read from it.
class client_connection final : public detail::byte_source {
 public:
  client_connection(detail::byte_stream_ptr s, std::string origin, std::size_t header_limit)
      : stream(std::move(s)),
        origin(std::move(origin)),
        reader(*this, detail::message_kind::response, header_limit) {}
  ~client_connection() override { stream->close(); }

  /// Reads end with the Context alone.
  task<result<std::string_view>> next(time_point) override {
    const result<std::size_t> n = co_await stream->read(buffer_);
    if (!n) co_return n.error();
    has_come_ = has_come_ || *n > 0;
    co_return std::string_view(buffer_.data(), *n);
  }
  /// Any byte of the response to the request that was sent last.
  bool has_come() const noexcept { return has_come_; }
  void begin_request() noexcept { has_come_ = false; }

  detail::byte_stream_ptr stream;
  std::string origin;
  detail::message_reader reader;
  time_point idle_since;

 private:
  std::array<char, 8192> buffer_;
  bool has_come_ = false;
};

using connection_ptr = std::unique_ptr<client_connection>;

}  // namespace

// --- the pool ------------------------------------------------------------------------------------

struct detail::client_state {
  client_options options;
  mutable std::mutex mutex;
  std::list<connection_ptr> idle;  // under the mutex; the one that was used last is last

  explicit client_state(client_options o) : options(std::move(o)) {}

  /// One to that host that is alive, as far as can be told; null: there is none.
  connection_ptr take(const std::string& origin) {
    std::list<connection_ptr> dead;  // closed behind the unlock
    std::lock_guard hold(mutex);
    const time_point now = std::chrono::steady_clock::now();
    for (auto it = idle.end(); it != idle.begin();) {
      --it;
      client_connection& c = **it;
      const bool is_stale = now - c.idle_since >= options.idle_timeout;
      if (!is_stale && c.origin != origin) continue;
      const auto next = std::next(it);
      if (!is_stale && c.stream->is_quiet()) {
        connection_ptr taken = std::move(*it);
        idle.erase(it);
        return taken;
      }
      dead.splice(dead.end(), idle, it);
      it = next;
    }
    return nullptr;
  }

  void put_back(connection_ptr c) {
    std::list<connection_ptr> dead;
    std::lock_guard hold(mutex);
    c->idle_since = std::chrono::steady_clock::now();
    const auto same = [&](const connection_ptr& other) { return other->origin == c->origin; };
    const auto count = static_cast<std::size_t>(std::ranges::count_if(idle, same));
    if (options.idle_per_host == 0 || options.idle_limit == 0) return;
    if (count >= options.idle_per_host) {
      dead.splice(dead.end(), idle, std::ranges::find_if(idle, same));
    } else if (idle.size() >= options.idle_limit) {
      dead.splice(dead.end(), idle, idle.begin());
    }
    idle.push_back(std::move(c));
  }
};

namespace {

using detail::client_state;

/// The body of a response; it has the connection.
class response_body final : public detail::body_source {
 public:
  response_body(std::shared_ptr<client_state> state, connection_ptr c, bool keep_alive)
      : state_(std::move(state)), connection_(std::move(c)), keep_alive_(keep_alive) {}

  task<result<std::size_t>> read(bytes into) override {
    if (error_) co_return error_;
    if (connection_ == nullptr) co_return std::size_t{0};
    const result<std::size_t> n = co_await connection_->reader.read_body(into, time_point::max());
    if (!n) co_return fail(n.error());
    size_ += *n;
    if (size_ > state_->options.body_limit) co_return fail(errc::body_too_large);
    if (connection_->reader.body_has_ended()) release();
    co_return n;
  }

  /// It has been read to its end: the connection goes to the pool, if it can be used again.
  void release() {
    connection_ptr c = std::move(connection_);
    if (keep_alive_ && !c->reader.has_rest()) state_->put_back(std::move(c));
  }

 private:
  std::error_code fail(std::error_code error) {
    connection_.reset();
    return error_ = error;
  }

  std::shared_ptr<client_state> state_;
  connection_ptr connection_;
  bool keep_alive_;
  std::uint64_t size_ = 0;
  std::error_code error_;
};

// --- one request ---------------------------------------------------------------------------------

/// The fields that the client writes itself.
bool is_clients_own(std::string_view name) {
  return std::ranges::any_of(
      std::array<std::string_view, 4>{"Host", "Connection", "Content-Length", "Transfer-Encoding"},
      [name](std::string_view own) { return detail::equal_ignoring_case(name, own); });
}

bool needs_length(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

/// Whether it may be sent twice; RFC 9110, 9.2.2.
bool may_repeat(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE" || method == "TRACE";
}

std::string header_text(const client_request& r, const url& to) {
  std::string text = r.method + " " + to.target + " HTTP/1.1\r\nHost: ";
  text.append(r.headers.get("Host").value_or(to.authority())).append("\r\n");
  for (const header_field& f : r.headers) {
    if (!is_clients_own(f.name)) text.append(f.name).append(": ").append(f.value).append("\r\n");
  }
  if (!r.headers.contains("User-Agent")) text.append("User-Agent: burrow\r\n");
  if (!r.body.empty() || needs_length(r.method)) {
    text.append("Content-Length: ").append(std::to_string(r.body.size())).append("\r\n");
  }
  return text.append("\r\n");
}

constexpr int most_interim_responses = 5;  // as Go

/// Sends it, and reads the header of what comes back.
task<result<message_head>> exchange(client_connection& c, const client_request& r, const url& to) {
  const std::string header = header_text(r, to);
  const std::array<const_bytes, 2> parts = {header, r.body};
  c.begin_request();
  const result<void> sent =
      co_await c.stream->write_all(std::span(parts).first(r.body.empty() ? 1 : 2));
  // A server that refuses a body may answer and close before it has read all of that.
  const bool is_ours = sent.error().category() == ::burrow::errc_category();
  if (!sent && (is_ours || r.body.empty())) co_return sent.error();
  for (int i = 0; i <= most_interim_responses; ++i) {
    result<message_head> head = co_await c.reader.read_head(time_point::max());
    if (!head) co_return head;
    if (head->status >= 200 || head->status == 101) co_return head;
  }
  co_return errc::malformed;
}

/// A new one.
task<result<connection_ptr>> open_connection(const client_options& o, const url& to) {
  if (to.is_secure && !o.transport) co_return errc::unsupported_scheme;
  result<net::stream> s = co_await net::dial("tcp", to.where());
  if (!s) co_return s.error();
  detail::byte_stream_ptr stream;
  if (to.is_secure) {
    std::string_view host = to.host;
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    result<detail::byte_stream_ptr> secured = co_await o.transport.connect(std::move(*s), host);
    if (!secured) co_return secured.error();
    stream = std::move(*secured);
  } else {
    stream = std::make_shared<detail::net_byte_stream>(std::move(*s));
  }
  co_return std::make_unique<client_connection>(std::move(stream), to.origin(), o.header_limit);
}

/// Sends it on a connection that is kept, or on a new one.
task<result<response>> send_once(std::shared_ptr<client_state> state, const client_request& r,
                                 const url& to) {
  connection_ptr c = state->take(to.origin());
  for (;;) {
    const bool is_old = c != nullptr;
    if (!is_old) {
      result<connection_ptr> opened = co_await open_connection(state->options, to);
      if (!opened) co_return opened.error();
      c = std::move(*opened);
    }
    result<message_head> head = co_await exchange(*c, r, to);
    if (head) {
      if (r.method == "HEAD") c->reader.expect_no_body();
      response answer;
      answer.status = head->status;
      answer.headers = std::move(head->fields);
      answer.url = to.text();
      // Behind 101 the connection speaks another protocol.
      const bool keep_alive = head->keep_alive && head->status != 101;
      auto source = std::make_shared<response_body>(state, std::move(c), keep_alive);
      const bool has_body = head->has_body && r.method != "HEAD";
      if (has_body) {
        answer.body = http::body(std::move(source), head->length);
      } else {
        source->release();
      }
      co_return answer;
    }
    // The server has ended a connection that it had kept, before it saw this request.
    const bool is_ours = head.error().category() == ::burrow::errc_category();
    if (!is_old || is_ours || c->has_come() || !may_repeat(r.method)) co_return head.error();
    c.reset();
  }
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// What is asked behind a redirect of that status.
void redirect(client_request& r, int status, const url& from, const url& to) {
  if (status != 307 && status != 308) {
    if (r.method != "HEAD") r.method = "GET";
    r.body.clear();
    r.headers.remove("Content-Type");
  }
  r.headers.remove("Host");
  if (from.origin() == to.origin()) return;
  r.headers.remove("Authorization");
  r.headers.remove("Cookie");
}

}  // namespace

// --- the client ----------------------------------------------------------------------------------

client::client(client_options options)
    : state_(std::make_shared<detail::client_state>(std::move(options))) {}

task<result<response>> client::send(client_request r) {
  constexpr std::size_t drain_limit = 4096;  // of a redirect's body, so that its connection goes on
  const std::shared_ptr<client_state> state = state_;
  if (!detail::is_token(r.method)) co_return std::make_error_code(std::errc::invalid_argument);
  result<url> to = url::parse(r.url);
  if (!to) co_return to.error();
  for (int redirects = 0;; ++redirects) {
    result<response> answer = co_await send_once(state, r, *to);
    if (!answer || !is_redirect(answer->status)) co_return answer;
    const auto location = answer->headers.get("Location");
    if (!location || state->options.redirect_limit == 0) co_return answer;
    if (redirects >= state->options.redirect_limit) co_return errc::too_many_redirects;
    result<url> next = to->resolve(*location);
    if (!next) co_return next.error();
    static_cast<void>(co_await answer->body.read_all(drain_limit));  // else it is closed
    redirect(r, answer->status, *to, *next);
    to = std::move(next);
  }
}

task<result<response>> client::send(context, client_request r) {
  co_return co_await send(std::move(r));
}

task<result<response>> client::get(std::string url) {
  client_request r;
  r.url = std::move(url);
  co_return co_await send(std::move(r));
}

task<result<response>> client::get(context, std::string url) {
  co_return co_await get(std::move(url));
}

std::size_t client::idle_connections() const {
  std::lock_guard hold(state_->mutex);
  return state_->idle.size();
}

void client::close_idle() {
  std::list<connection_ptr> dead;
  std::lock_guard hold(state_->mutex);
  dead.swap(state_->idle);
}

}  // namespace burrow::http
