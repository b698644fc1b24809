// SPDX-License-Identifier: MIT
#include <burrow/http/detail/read_ahead.hpp>
#include <burrow/http/errc.hpp>
#include <burrow/select.hpp>
#include <burrow/this_goroutine.hpp>
#include <burrow/timer.hpp>

#include <utility>

namespace burrow::http::detail {

namespace {

/// A timer that fires at `at`; time_point::max(): never.
timer timer_until(time_point at) {
  return at == time_point::max() ? timer() : timer(at - std::chrono::steady_clock::now());
}

}  // namespace

read_ahead::read_ahead(std::shared_ptr<byte_stream> stream, cancel_cause_trigger gone)
    : stream_(std::move(stream)),
      gone_(std::move(gone)),
      filled_(make_chan<block*>(blocks_.size())),
      empty_(make_chan<block*>(blocks_.size())) {
  for (block& b : blocks_) empty_.try_send(&b);
}

// --- the reader ----------------------------------------------------------------------------------

task<> read_ahead::run(context ctx, std::shared_ptr<read_ahead> self) {
  // However it ends: an exception that unwinds the goroutine, too.
  struct end_of_input {
    read_ahead& r;
    ~end_of_input() {
      r.filled_.close();
      r.gone_(errc::client_disconnected);
    }
  } end{*self};
  for (;;) {
    block* b = nullptr;
    const std::error_code ended = co_await self->empty_.recv(ctx, b);
    if (ended) co_return;
    const result<std::size_t> n = co_await self->stream_->read(b->data);
    if (!n || *n == 0) co_return;
    b->size = *n;
    self->filled_.try_send(b);  // there is room for all blocks
  }
}

// --- the server's side ---------------------------------------------------------------------------

void read_ahead::give_back() noexcept {
  if (taken_ != nullptr) empty_.try_send(std::exchange(taken_, nullptr));
}

std::string_view read_ahead::take(block* b) noexcept {
  taken_ = b;
  return b == nullptr ? std::string_view() : std::string_view(b->data.data(), b->size);
}

task<result<std::string_view>> read_ahead::next(time_point until) {
  give_back();
  block* b = nullptr;
  const recv_status at_once = filled_.try_recv(b);
  if (at_once != recv_status::empty) co_return take(b);
  const context ctx = this_goroutine::context();
  const timer limit = timer_until(until);
  switch (co_await select(filled_.recv(b), ctx.done(), limit.recv())) {
    case 0: co_return take(b);
    case 1: co_return ctx.err();
    default: co_return errc::timeout;
  }
}

task<arrival> read_ahead::next_request(std::string_view& into, time_point until,
                                       recv_chan<> closing) {
  give_back();
  block* b = nullptr;
  const context ctx = this_goroutine::context();
  const timer limit = timer_until(until);
  switch (co_await select(filled_.recv(b), closing.recv(), ctx.done(), limit.recv())) {
    case 0: into = take(b); co_return b == nullptr ? arrival::end : arrival::bytes;
    case 1: co_return arrival::closing;
    case 2: co_return arrival::canceled;
    default: co_return arrival::timeout;
  }
}

}  // namespace burrow::http::detail
