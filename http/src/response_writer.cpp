// SPDX-License-Identifier: MIT
#include <burrow/http/detail/text.hpp>
#include <burrow/http/response_writer.hpp>

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <stdexcept>

namespace burrow::http {

namespace {

constexpr std::size_t buffer_size = 4096;  // of the body: one that is smaller is sent in one piece

/// The time of day as a Date field has it; the same for a second. RFC 9110, 5.6.7.
std::string_view date_text() {
  thread_local std::time_t when = 0;
  thread_local std::array<char, 32> text{};
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != when || size == 0) {
    constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm t{};
    ::gmtime_r(&now, &t);
    // Not strftime's names, which are the locale's.
    const int n = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900,
                                t.tm_hour, t.tm_min, t.tm_sec);
    size = static_cast<std::size_t>(n);
    when = now;
  }
  return {text.data(), size};
}

void append_field(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append("\r\n");
}

/// What tells where a message ends: said once, and not by the handler's fields.
bool is_framing(std::string_view name) noexcept {
  return detail::equal_ignoring_case(name, "Content-Length") ||
         detail::equal_ignoring_case(name, "Transfer-Encoding") ||
         detail::equal_ignoring_case(name, "Connection");
}

std::string chunk_line(std::size_t size) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  return std::string(digits.data(), end) + "\r\n";
}

}  // namespace

result<void> response_writer::status(int code) {
  if (code < 200 || code > 599) throw std::invalid_argument("http: invalid status");
  if (has_begun_) return errc::too_late;
  status_ = code;
  return {};
}

result<void> response_writer::content_length(std::uint64_t length) {
  if (has_begun_) return errc::too_late;
  length_ = length;
  return {};
}

task<result<void>> response_writer::write(const_bytes part) {
  if (part.empty()) co_return {};
  if (has_no_body()) co_return errc::body_not_allowed;
  if (length_ && written_ + part.size() > *length_) co_return errc::length_mismatch;
  written_ += part.size();
  if (buffer_.size() + part.size() <= buffer_size) {
    buffer_.append(reinterpret_cast<const char*>(part.data()), part.size());
    co_return {};
  }
  co_return co_await send_part(part);
}

task<result<void>> response_writer::write_all(const_bytes whole) {
  if (has_begun_ || written_ > 0) co_return errc::too_late;
  length_ = whole.size();
  co_return co_await write(whole);
}

task<result<void>> response_writer::flush() { co_return co_await send_part({}); }

task<result<void>> response_writer::replace(int code) {
  headers_.clear();
  buffer_.clear();
  written_ = 0;
  length_.reset();
  status_ = code;
  const std::string_view text = status_text(code);
  headers_.set("Content-Type", "text/plain; charset=utf-8");
  buffer_.append(text).append("\n");
  written_ = buffer_.size();
  co_return co_await finish();
}

// --- what goes out -------------------------------------------------------------------------------

/// How the end of the body will be known. Before the header goes out.
void response_writer::settle_form() {
  if (headers_.has_token("Connection", "close")) form_.keep_alive = false;
  if (has_no_body() || length_) return;
  if (form_.minor_version == 0) {
    form_.keep_alive = false;
  } else {
    is_chunked_ = true;
  }
}

std::string response_writer::header_text() const {
  std::string text;
  text.reserve(256);
  text.append("HTTP/1.1 ").append(std::to_string(status_)).append(" ");
  text.append(status_text(status_)).append("\r\n");
  for (const header_field& f : headers_) {
    if (!is_framing(f.name)) append_field(text, f.name, f.value);
  }
  if (!headers_.contains("Date")) append_field(text, "Date", date_text());
  if (length_ && !has_no_body()) append_field(text, "Content-Length", std::to_string(*length_));
  if (is_chunked_) append_field(text, "Transfer-Encoding", "chunked");
  if (!form_.keep_alive) {
    append_field(text, "Connection", "close");
  } else if (form_.minor_version == 0) {
    append_field(text, "Connection", "keep-alive");
  }
  text.append("\r\n");
  return text;
}

/// Sends the header, unless that was done, what is in the buffer, and `part`.
task<result<void>> response_writer::send_part(const_bytes part) {
  std::string head;
  if (!has_begun_) {
    settle_form();
    head = header_text();
    has_begun_ = true;
  }
  const std::size_t size = buffer_.size() + part.size();
  const bool has_part = size > 0 && sends_body();
  const std::string line = has_part && is_chunked_ ? chunk_line(size) : std::string();
  std::array<const_bytes, 5> parts;
  std::size_t count = 0;
  if (!head.empty()) parts[count++] = head;
  if (!line.empty()) parts[count++] = line;
  if (has_part && !buffer_.empty()) parts[count++] = buffer_;
  if (has_part && !part.empty()) parts[count++] = part;
  if (!line.empty()) parts[count++] = "\r\n";
  result<void> sent;
  if (count > 0) sent = co_await sink_.send(std::span(parts).first(count));
  buffer_.clear();
  co_return sent;
}

task<result<void>> response_writer::finish() {
  if (!has_begun_) {
    // To a HEAD without a body nothing is known of the length that a GET would have.
    const bool is_known = !form_.is_head || written_ > 0;
    if (!length_ && is_known && !has_no_body()) length_ = written_;
  }
  if (length_ && written_ < *length_ && sends_body()) form_.keep_alive = false;
  if (const result<void> sent = co_await send_part({}); !sent) co_return sent;
  if (!is_chunked_ || !sends_body()) co_return {};
  const const_bytes end("0\r\n\r\n");
  co_return co_await sink_.send(std::span(&end, 1));
}

}  // namespace burrow::http
