// SPDX-License-Identifier: MIT
// Bytes to a server's connection, cut into pieces by the first of them: whatever they are, each
// response is whole, there is none behind one that ends the connection, and nothing is left.
#include "one_worker.hpp"

#include <burrow/http/detail/connection.hpp>

#include <algorithm>
#include <cstring>
#include <string>

namespace {

using namespace fuzz;
namespace b = burrow;
namespace h = burrow::http;

/// A stream whose peer sends the input, and ends its side.
class script final : public h::detail::byte_stream {
 public:
  explicit script(input& in) : in_(in), piece_(1 + in.below(64)) {}

  b::task<b::result<std::size_t>> read(b::bytes into) override {
    if (is_closed_) co_return b::errc::not_open;
    std::size_t n = 0;
    const std::size_t most = std::min<std::size_t>(piece_, into.size());
    while (n < most && !in_.empty()) into.data()[n++] = static_cast<std::byte>(in_.below(256));
    co_return n;
  }
  b::task<b::result<void>> write_all(std::span<const b::const_bytes> from) override {
    expect(!is_closed_, "nothing is written to a closed stream");
    for (const b::const_bytes& part : from) {
      written.append(reinterpret_cast<const char*>(part.data()), part.size());
    }
    co_return {};
  }
  b::task<b::result<void>> end_writing() override { co_return {}; }
  void close() noexcept override { is_closed_ = true; }
  bool is_quiet() const noexcept override { return false; }

  std::string written;

 private:
  input& in_;
  unsigned piece_;
  bool is_closed_ = false;
};

b::task<> handle(b::context, h::request& req, h::response_writer& res) {
  for (const h::header_field& f : req.headers) {
    expect(f.value.find_first_of("\r\n") == std::string::npos, "no field has a line's end in it");
  }
  expect(req.headers.count("Content-Length") <= 1, "there is one length at most");
  expect(!(req.headers.contains("Content-Length") && req.headers.contains("Transfer-Encoding")),
         "a request has a length or chunks, not both");
  static_cast<void>(req.path());
  static_cast<void>(req.query_value("a"));
  const b::result<std::string> body = co_await req.body.read_all(1000);
  if (!body) co_return;
  expect(body->size() <= 100, "a body is not larger than its limit");
  static_cast<void>(co_await res.write("ok"));
}

/// Whether it is responses, each with its length, one behind the other.
void check_responses(std::string_view text) {
  const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  while (!text.empty()) {
    if (text.starts_with(go_on)) {
      text.remove_prefix(go_on.size());
      continue;
    }
    expect(text.starts_with("HTTP/1.1 "), "a response begins behind the one before");
    const std::size_t end = text.find("\r\n\r\n");
    expect(end != std::string_view::npos, "a response has a whole header");
    const std::string_view header = text.substr(0, end);
    text.remove_prefix(end + 4);
    const std::string_view name = "\r\nContent-Length: ";
    const std::size_t at = header.find(name);
    const std::size_t length =
        at == std::string_view::npos
            ? 0
            : std::strtoul(std::string(header.substr(at + name.size())).c_str(), nullptr, 10);
    // A response to HEAD has a length, and no body.
    const bool has_body = text.size() >= length && !text.starts_with("HTTP/1.1 ");
    if (has_body) text.remove_prefix(length);
    const bool is_last = header.find("\r\nConnection: close") != std::string_view::npos;
    expect(!is_last || text.empty(), "nothing follows the end of the connection");
  }
}

b::task<> one(input& in) {
  h::server_options options;
  options.handler = handle;
  options.header_limit = 200;
  options.body_limit = 100;
  options.on_handler_error = [](const h::request&, std::exception_ptr) {
    expect(false, "the handler does not throw");
  };
  const auto stream = std::make_shared<script>(in);
  const auto closing = b::make_chan();
  co_await b::scope([&](b::group& g) -> b::task<> {
    auto c = std::make_shared<h::detail::connection>(options, closing, stream, b::net::address());
    co_await h::detail::connection::run(g.context(), std::move(c), g);
    co_await g.wait();
  });
  check_responses(stream->written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  one_worker::run(data, size, one);
  return 0;
}
