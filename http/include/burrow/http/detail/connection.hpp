// SPDX-License-Identifier: MIT
// One connection of a server: requests, one after the other, and their responses.
//
// Contexts, from the top: that of serve(), under which all is written; the connection's, which ends
// when the client does, and under which the reader runs; and each request's, under which its
// handler runs. So a client that has sent its request and ended its side still has its answer.
#pragma once

#include <burrow/context.hpp>
#include <burrow/group.hpp>
#include <burrow/http/body.hpp>
#include <burrow/http/detail/byte_stream.hpp>
#include <burrow/http/detail/message_reader.hpp>
#include <burrow/http/detail/read_ahead.hpp>
#include <burrow/http/response_writer.hpp>
#include <burrow/http/server.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>

namespace burrow::http::detail {

class connection;

/// The body of a request, read by its handler.
class request_body final : public body_source {
 public:
  request_body(connection& c, bool expects_continue, std::optional<std::uint64_t> length) noexcept
      : connection_(&c), expects_continue_(expects_continue), length_(length) {}

  task<result<std::size_t>> read(bytes into) override;

  /// Why it could not be read; zero: nothing has gone wrong.
  std::error_code error() const noexcept { return error_; }
  /// The client waits for "100 Continue" before it sends the body.
  bool expects_continue() const noexcept { return expects_continue_; }
  /// What was announced and has not been read, in bytes.
  std::uint64_t rest() const noexcept { return length_ ? *length_ - size_ : 0; }
  /// The handler has returned: whoever has kept the body reads nothing from it any more.
  void detach() noexcept { connection_ = nullptr; }

 private:
  connection* connection_;
  bool expects_continue_;
  std::optional<std::uint64_t> length_;
  std::uint64_t size_ = 0;  // read so far
  std::error_code error_;
};

class connection final : public response_sink {
 public:
  connection(const server_options& options, recv_chan<> closing,
             std::shared_ptr<byte_stream> stream, net::address peer);

  /// Serves it to its end, as a child of `g`, which gets the reader as a child as well. `ctx` is
  /// the Context under which responses are written.
  static task<> run(context ctx, std::shared_ptr<connection> self, group& g);

  task<result<void>> send(std::span<const const_bytes> parts) override;

 private:
  friend class request_body;
  enum class next_step : bool { end, another };

  bool is_closing() const;
  task<> serve_requests(context alive);
  task<next_step> serve_one(context alive);
  task<std::exception_ptr> call_handler(context alive, request& req, response_writer& res);
  task<next_step> end_request(request_body& source, response_writer& res, std::exception_ptr error);
  task<bool> drain();
  task<> refuse(int status);
  task<> linger();

  const server_options& options_;
  recv_chan<> closing_;  // closed by shutdown()
  std::shared_ptr<byte_stream> stream_;
  net::address peer_;
  context write_context_;
  std::shared_ptr<read_ahead> input_;
  std::optional<message_reader> reader_;
  bool gave_up_ = false;     // the handler said nothing within request_timeout
  bool is_broken_ = false;   // a write has failed
  bool is_cut_off_ = false;  // an end would tell the client that it has the whole response
};

}  // namespace burrow::http::detail
