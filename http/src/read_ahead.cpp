// SPDX-License-Identifier: MIT
#include <burrow/http/detail/read_ahead.hpp>
#include <burrow/http/errc.hpp>
#include <burrow/select.hpp>
#include <burrow/this_goroutine.hpp>
#include <burrow/timer.hpp>

#include <exception>
#include <new>
#include <utility>

namespace burrow::http::detail {

namespace {

/// A timer that fires at `at`; time_point::max(): never.
timer timer_until(time_point at) {
  return at == time_point::max() ? timer() : timer(at - std::chrono::steady_clock::now());
}

/// One for all connections: at the end of one there may be no memory for it.
const std::exception_ptr& disconnection() {
  static const std::exception_ptr cause = burrow::detail::to_cause(errc::client_disconnected);
  return cause;
}

}  // namespace

read_ahead::read_ahead(std::shared_ptr<byte_stream> stream, cancel_cause_trigger gone)
    : stream_(std::move(stream)), gone_(std::move(gone)), read_(make_chan<io_buffer>(1)) {
  disconnection();
}

// --- the reader ----------------------------------------------------------------------------------

task<> read_ahead::run(context ctx, std::shared_ptr<read_ahead> self) {
  // However it ends: an exception that unwinds the goroutine, too.
  struct end_of_input {
    read_ahead& r;
    ~end_of_input() {
      r.read_.close();
      r.gone_(disconnection());
    }
  } end{*self};
  try {
    for (;;) {
      result<io_buffer> piece = co_await self->stream_->receive();
      if (!piece || piece->empty()) co_return;
      const std::error_code ended = co_await self->read_.send(ctx, std::move(*piece));
      if (ended) co_return;
    }
  } catch (const std::bad_alloc&) {  // this connection ends, and no other
  }
}

// --- the server's side ---------------------------------------------------------------------------

task<result<std::string_view>> read_ahead::next(time_point until) {
  taken_ = io_buffer();
  const recv_status at_once = read_.try_recv(taken_);
  if (at_once != recv_status::empty) co_return taken_.text();
  const context ctx = this_goroutine::context();
  const timer limit = timer_until(until);
  switch (co_await select(read_.recv(taken_), ctx.done(), limit.recv())) {
    case 0: co_return taken_.text();
    case 1: co_return ctx.err();
    default: co_return errc::timeout;
  }
}

task<arrival> read_ahead::next_request(std::string_view& into, time_point until,
                                       recv_chan<> closing) {
  taken_ = io_buffer();
  const context ctx = this_goroutine::context();
  const timer limit = timer_until(until);
  switch (co_await select(read_.recv(taken_), closing.recv(), ctx.done(), limit.recv())) {
    case 0: into = taken_.text(); co_return taken_.empty() ? arrival::end : arrival::bytes;
    case 1: co_return arrival::closing;
    case 2: co_return arrival::canceled;
    default: co_return arrival::timeout;
  }
}

}  // namespace burrow::http::detail
