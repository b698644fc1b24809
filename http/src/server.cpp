// SPDX-License-Identifier: MIT
#include <burrow/after.hpp>
#include <burrow/chan.hpp>
#include <burrow/detail/prepared.hpp>
#include <burrow/http/detail/connection.hpp>
#include <burrow/http/server.hpp>
#include <burrow/scope.hpp>
#include <burrow/select.hpp>
#include <burrow/semaphore.hpp>
#include <burrow/sleep.hpp>
#include <burrow/this_goroutine.hpp>
#include <burrow/under.hpp>
#include <burrow/wait_group.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace burrow::http {

/// What a server shares with its serve() calls.
struct detail::server_state {
  /// A serve() that runs.
  struct serving {
    net::listener listener;
    cancel_trigger cancel;
  };

  server_options options;
  chan<> closing = make_chan();  // closed by the first shutdown() or close()
  wait_group served;             // the serve() calls
  std::mutex mutex;
  bool has_ended = false;          // under the mutex
  std::vector<serving*> servings;  // under the mutex

  explicit server_state(server_options o) : options(std::move(o)) {}

  /// False: the server has ended.
  bool enter(serving& s) {
    std::lock_guard hold(mutex);
    if (has_ended) return false;
    servings.push_back(&s);
    served.add(1);
    return true;
  }
  void leave(serving& s) noexcept {
    {
      std::lock_guard hold(mutex);
      std::erase(servings, &s);
    }
    served.done();
  }
  bool ended() {
    std::lock_guard hold(mutex);
    return has_ended;
  }
  /// Accepts no more, and ends idle connections.
  void stop_accepting() noexcept {
    std::lock_guard hold(mutex);
    if (std::exchange(has_ended, true)) return;
    closing.close();
    for (serving* s : servings) static_cast<void>(s->listener.close());
  }
  void cancel_all() noexcept {
    std::lock_guard hold(mutex);
    for (const serving* s : servings) s->cancel();
  }
};

namespace {

using burrow::detail::prepared;
using detail::server_state;

task<> cancel_at_close(context within, recv_chan<> closing, cancel_trigger cancel) {
  const int what = co_await select(closing.recv(), within.done());
  if (what == 0) cancel();
}

/// The stream of a connection; null: the client has not got through the handshake.
task<detail::byte_stream_ptr> stream_of(context ctx, server_state& state, net::stream s, group& g) {
  const server_options& o = state.options;
  if (!o.transport) co_return std::make_shared<detail::net_byte_stream>(std::move(s));
  const auto [within, cancel] = with_timeout(ctx, o.read_header_timeout);
  g.go(prepared(cancel_at_close(within, state.closing, cancel.trigger())));
  const auto secured = co_await under(within, o.transport.accept(std::move(s)));
  co_return secured ? *secured : nullptr;
}

/// One of the connections that there may be at a time.
class place {
 public:
  explicit place(semaphore& places) noexcept : places_(&places) {}
  place(place&& other) noexcept : places_(std::exchange(other.places_, nullptr)) {}
  place& operator=(place&&) = delete;
  ~place() {
    if (places_ != nullptr) places_->release(1);
  }

 private:
  semaphore* places_;
};

/// Where there is no memory left, this connection ends, and no other.
task<> serve_connection(context ctx, server_state& state, net::stream s, group& g, place) {
  try {
    const net::address peer = s.peer_address();
    detail::byte_stream_ptr stream = co_await stream_of(ctx, state, std::move(s), g);
    if (stream == nullptr) co_return;
    auto c =
        std::make_shared<detail::connection>(state.options, state.closing, std::move(stream), peer);
    co_await detail::connection::run(ctx, std::move(c), g);
  } catch (const std::bad_alloc&) {
  }
}

/// Accepts until the listener ends; the error with which it did.
task<std::error_code> accept_all(server_state& state, net::listener listener, semaphore& places,
                                 group& g) {
  constexpr std::chrono::milliseconds pause(5);  // as where there are no descriptors
  for (;;) {
    const std::error_code ended = co_await places.acquire(g.context(), 1);
    if (ended) co_return ended;
    place held(places);
    bool lacks_memory = false;
    try {
      result<net::stream> next = co_await listener.accept();
      if (!next) co_return next.error();
      g.go(prepared(serve_connection(g.context(), state, std::move(*next), g, std::move(held))));
    } catch (const std::bad_alloc&) {
      lacks_memory = true;
    }
    if (lacks_memory) {
      if (const std::error_code over = co_await sleep(g.context(), pause)) co_return over;
    }
  }
}

task<std::error_code> serve_under(context, server_state& state, net::listener listener) {
  std::error_code error;
  semaphore places(static_cast<std::int64_t>(state.options.connection_limit));
  co_await scope([&](group& g) -> task<> {
    error = co_await accept_all(state, listener, places, g);
    co_await g.wait();
  });
  co_return error;
}

}  // namespace

server::server(server_options options)
    : state_(std::make_shared<detail::server_state>(std::move(options))) {
  const server_options& o = state_->options;
  if (!o.handler) throw std::invalid_argument("http: a server without a handler");
  constexpr std::chrono::nanoseconds none{};
  if (o.read_header_timeout <= none || o.read_body_timeout <= none || o.idle_timeout <= none ||
      o.write_timeout <= none || o.request_timeout < none) {
    throw std::invalid_argument("http: a timeout of a server that is not positive");
  }
  if (o.connection_limit == 0 || o.header_limit == 0) {
    throw std::invalid_argument("http: a limit of a server that lets nothing through");
  }
}

server::server(server&&) noexcept = default;
server& server::operator=(server&&) noexcept = default;
server::~server() = default;

task<result<void>> server::serve(net::listener listener) {
  struct stay {
    std::shared_ptr<server_state> state;
    server_state::serving s;
    bool is_in = state->enter(s);
    ~stay() {
      static_cast<void>(s.listener.close());
      if (is_in) state->leave(s);
    }
  };
  const auto [ctx, cancel] = with_cancel(this_goroutine::context());
  const stay here{state_, {listener, cancel.trigger()}};
  if (!here.is_in) co_return errc::server_closed;
  const std::error_code error = co_await serve_under(ctx, *here.state, listener);
  co_return here.state->ended() ? std::error_code(errc::server_closed) : error;
}

task<result<void>> server::shutdown(std::chrono::nanoseconds grace) {
  const std::shared_ptr<server_state> state = state_;
  state->stop_accepting();
  const context ctx = this_goroutine::context();
  const int what = co_await select(state->served.wait(), after(grace), ctx.done());
  if (what == 0) co_return {};
  const std::error_code error = what == 1 ? std::error_code(errc::timeout) : ctx.err();
  state->cancel_all();
  co_await state->served.wait();
  co_return error;
}

void server::close() noexcept {
  state_->stop_accepting();
  state_->cancel_all();
}

}  // namespace burrow::http
