// SPDX-License-Identifier: MIT
#include <burrow/detail/prepared.hpp>
#include <burrow/goroutine_exit.hpp>
#include <burrow/http/detail/connection.hpp>
#include <burrow/http/detail/text.hpp>
#include <burrow/under.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace burrow::http::detail {

using namespace std::chrono_literals;

namespace {

/// What of a body that no handler has read is read so that the connection can go on. As Go.
constexpr std::uint64_t drain_limit = 256UL * 1024;
/// How long the end of a connection waits for the client to take the last response.
constexpr auto linger_time = 500ms;

time_point later(std::chrono::nanoseconds d) {
  const time_point now = std::chrono::steady_clock::now();
  return d >= time_point::max() - now ? time_point::max() : now + d;
}

void tell(const server_options& options, const request& req, std::exception_ptr error) {
  if (options.on_handler_error) {
    options.on_handler_error(req, std::move(error));
    return;
  }
  std::string what = "an exception that is no std::exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // it has no words
  }
  std::fprintf(stderr, "burrow: http: the handler of %s %s failed: %s\n", req.method.c_str(),
               req.target.c_str(), what.c_str());
}

}  // namespace

// --- the body of a request -----------------------------------------------------------------------

task<result<std::size_t>> request_body::read(bytes into) {
  if (connection_ == nullptr) co_return ::burrow::errc::not_open;
  if (error_) co_return error_;
  connection& c = *connection_;
  if (std::exchange(expects_continue_, false)) {
    const const_bytes go_on("HTTP/1.1 100 Continue\r\n\r\n");
    const result<void> sent = co_await c.send(std::span(&go_on, 1));
    if (!sent) co_return error_ = sent.error();
  }
  const auto until = later(c.options_.read_body_timeout);
  const result<std::size_t> n = co_await c.reader_->read_body(into, until);
  if (!n) co_return error_ = n.error();
  size_ += *n;
  if (size_ > c.options_.body_limit) co_return error_ = errc::body_too_large;
  co_return n;
}

// --- the connection ------------------------------------------------------------------------------

connection::connection(const server_options& options, recv_chan<> closing,
                       std::shared_ptr<byte_stream> stream, net::address peer)
    : options_(options), closing_(std::move(closing)), stream_(std::move(stream)), peer_(peer) {}

bool connection::is_closing() const {
  unit none;
  return closing_.try_recv(none) == recv_status::closed;
}

task<result<void>> connection::send(std::span<const const_bytes> parts) {
  if (is_broken_) co_return std::make_error_code(std::errc::broken_pipe);
  const auto [ctx, cancel] = with_timeout(write_context_, options_.write_timeout);
  const result<void> sent = co_await under(ctx, stream_->write_all(parts));
  if (!sent) is_broken_ = true;
  co_return sent;
}

task<> connection::run(context ctx, std::shared_ptr<connection> self, group& g) {
  connection& c = *self;
  c.write_context_ = ctx;
  const auto [alive, cancel] = with_cancel_cause(ctx);
  c.input_ = std::make_shared<read_ahead>(c.stream_, cancel.trigger());
  c.reader_.emplace(*c.input_, message_kind::request, c.options_.header_limit);
  g.go(burrow::detail::prepared(read_ahead::run(alive, c.input_)));
  co_await c.serve_requests(alive);
  c.is_cut_off_ ? c.stream_->abort() : c.stream_->close();
}

task<> connection::serve_requests(context alive) {
  auto patience = options_.read_header_timeout;  // for the first request; a connection brings one
  for (;;) {
    if (!reader_->has_rest()) {
      std::string_view piece;
      const auto until = later(patience);
      const arrival what = co_await input_->next_request(piece, until, closing_);
      if (what != arrival::bytes) co_return;
      reader_->take_piece(piece);
    }
    const next_step next = co_await serve_one(alive);
    if (next == next_step::end) {
      const bool has_unread = !reader_->body_has_ended() || reader_->has_rest();
      const bool lingers = has_unread && !is_broken_;
      if (lingers) co_await linger();
      co_return;
    }
    patience = options_.idle_timeout;
  }
}

task<connection::next_step> connection::serve_one(context alive) {
  const auto until = later(options_.read_header_timeout);
  result<message_head> head = co_await reader_->read_head(until);
  if (!head) {
    // A client that has gone, or a server that ends, wants no answer.
    const bool is_ours = head.error().category() == errc_category();
    const bool is_answered = is_ours && head.error() != errc::incomplete;
    if (is_answered) co_await refuse(status_for(head.error()));
    co_return next_step::end;
  }
  if (head->length && *head->length > options_.body_limit) {
    co_await refuse(413);
    co_return next_step::end;
  }
  const auto expectation = head->fields.get("Expect");
  const bool expects_continue = expectation && equal_ignoring_case(*expectation, "100-continue");
  if (expectation && !expects_continue) {
    co_await refuse(417);
    co_return next_step::end;
  }
  const bool waits = expects_continue && head->has_body && head->minor_version > 0;
  const auto source = std::make_shared<request_body>(*this, waits, head->length);
  request req;
  req.method = std::move(head->method);
  req.target = std::move(head->target);
  req.headers = std::move(head->fields);
  if (head->has_body) req.body = http::body(source, head->length);
  req.remote_address = peer_;
  req.minor_version = head->minor_version;
  response_writer res(
      *this, {req.method == "HEAD", head->minor_version, head->keep_alive && !is_closing()});
  const std::exception_ptr error = co_await call_handler(alive, req, res);
  if (error && !source->error()) tell(options_, req, error);
  source->detach();
  co_return co_await end_request(*source, res, error);
}

/// What has left the handler; null: nothing.
task<std::exception_ptr> connection::call_handler(context alive, request& req,
                                                  response_writer& res) {
  // A handler that ends its goroutine ends the connection with it.
  try {
    if (options_.request_timeout > 0ns) {
      const auto [ctx, cancel] = with_timeout(alive, options_.request_timeout);
      co_await under(ctx, options_.handler(ctx, req, res));
      gave_up_ = ctx.err() == ::burrow::errc::deadline_exceeded && res.is_untouched();
    } else {
      const auto [ctx, cancel] = with_cancel(alive);
      co_await under(ctx, options_.handler(ctx, req, res));
    }
  } catch (const goroutine_exit&) {
    throw;
  } catch (...) {
    co_return std::current_exception();
  }
  co_return nullptr;
}

task<connection::next_step> connection::end_request(request_body& source, response_writer& res,
                                                    std::exception_ptr error) {
  const std::error_code unread = source.error();
  if (error && res.has_begun()) {
    is_broken_ = true;  // the client must not take what it has for all there is
    is_cut_off_ = res.ends_with_connection();
    co_return next_step::end;
  }
  const bool is_long = source.rest() > drain_limit;
  if (error || unread || is_closing() || source.expects_continue() || is_long) {
    res.end_connection();
  }
  const bool is_clients_fault = unread == errc::timeout || unread == errc::body_too_large ||
                                unread == errc::malformed || unread == errc::incomplete;
  if (error || (is_clients_fault && res.is_untouched())) {
    static_cast<void>(co_await res.replace(is_clients_fault ? status_for(unread) : 500));
    co_return next_step::end;
  }
  if (gave_up_) {
    static_cast<void>(co_await res.replace(503));
    co_return next_step::end;
  }
  const result<void> sent = co_await res.finish();
  if (!sent || !res.keeps_alive()) co_return next_step::end;
  const bool is_drained = co_await drain();
  co_return is_drained ? next_step::another : next_step::end;
}

/// Reads what the handler has left of the body. False: too much, or it will not come.
task<bool> connection::drain() {
  std::array<std::byte, 4096> waste;
  std::uint64_t size = 0;
  const auto until = later(options_.read_body_timeout);
  while (!reader_->body_has_ended()) {
    const result<std::size_t> n = co_await reader_->read_body(waste, until);
    if (!n) co_return false;
    size += *n;
    if (size > drain_limit) co_return false;
  }
  co_return true;
}

/// Answers what could not be read as a request.
task<> connection::refuse(int status) {
  response_writer res(*this, {false, 1, false});
  static_cast<void>(co_await res.replace(status));  // whether it arrives or not, this is the end
}

/// Before the end: a close with unread bytes is a reset, which may overtake the last response.
task<> connection::linger() {
  const auto until = later(linger_time);
  const auto [ctx, cancel] = with_timeout(write_context_, linger_time);
  const result<void> ended = co_await under(ctx, stream_->end_writing());
  if (!ended) co_return;
  while (std::chrono::steady_clock::now() < until) {
    const result<std::string_view> piece = co_await input_->next(until);
    if (!piece || piece->empty()) co_return;
  }
}

}  // namespace burrow::http::detail
