// SPDX-License-Identifier: MIT
#include <burrow/after.hpp>
#include <burrow/detail/prepared.hpp>
#include <burrow/detail/runtime_state.hpp>
#include <burrow/detail/socket.hpp>
#include <burrow/go.hpp>
#include <burrow/net/listener.hpp>
#include <burrow/select.hpp>
#include <burrow/this_goroutine.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <netinet/in.h>
#include <new>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace burrow::net {

using namespace std::chrono_literals;
namespace d = burrow::detail;

// --- state ---------------------------------------------------------------------------------------

/// What the copies of a listener share.
struct detail::listener_state {
  d::descriptor_ref socket;
  std::string path;       // of a Unix socket, to be removed
  struct stat at_path{};  // what is there
  std::mutex mutex;
  chan<result<stream>> accepted;  // under the mutex; nil until accept() is a case of select
  chan<> closing = make_chan();   // closed with the listener

  ~listener_state() { close(); }

  void forget_accepted() noexcept {
    std::lock_guard hold(mutex);
    if (socket->closing.load(std::memory_order_acquire)) return;  // it tells all that come
    accepted = {};
  }

  bool close() noexcept {
    if (!socket || !d::close_descriptor(*socket)) return false;
    if (is_at_path()) ::unlink(path.c_str());
    closing.close();
    return true;
  }

  /// Another's socket may have taken the place of this one.
  bool is_at_path() const noexcept {
    struct stat about{};
    return !path.empty() && ::lstat(path.c_str(), &about) == 0 && about.st_dev == at_path.st_dev &&
           about.st_ino == at_path.st_ino;
  }
};

namespace {

/// The connection is gone before anybody has accepted it: not the listener's trouble.
bool concerns_one_connection(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM: return true;
    default: return false;
  }
}

/// Descriptors or memory have run out, which others may give back.
bool may_pass(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/// Until `closing`, or the end of the carried Context, is an error.
task<std::error_code> wait_for_room(chan<> closing, std::chrono::milliseconds pause) {
  const context ctx = this_goroutine::context();
  const int what = co_await select(closing.recv(), ctx.done(), after(pause));
  if (what == 0) co_return errc::not_open;
  co_return what == 1 ? ctx.err() : std::error_code();
}

task<result<stream>> accept_from(d::descriptor_ref socket, chan<> closing) {
  auto pause = 5ms;
  for (;;) {
    d::accept_request r;
    // Not by a request, with which a busy worker takes one connection at each hand-over: so all
    // that wait are taken, and who gives up has nothing to call off.
    const d::io_outcome got = co_await d::perform(socket, r, d::io_course::when_ready);
    if (!got.error) co_return stream::adopt(got.value);
    if (got.error.category() != std::generic_category()) co_return got.error;
    if (concerns_one_connection(got.error.value())) continue;
    if (!may_pass(got.error.value())) co_return got.error;
    if (const std::error_code ended = co_await wait_for_room(closing, pause)) co_return ended;
    pause = std::min(2 * pause, std::chrono::milliseconds(1s));
  }
}

/// Accepts for select, whose cases cannot be calls that the kernel holds.
task<> accept_for_select(std::weak_ptr<detail::listener_state> state, d::descriptor_ref socket,
                         chan<result<stream>> accepted, chan<> closing) {
  const context ended = this_goroutine::context();
  // A listener may outlive the runtime; in the next one another goroutine accepts.
  const auto forget = [&state](void*) {
    if (const auto s = state.lock()) s->forget_accepted();
  };
  const std::unique_ptr<void, decltype(forget)> at_end(&state, forget);
  for (;;) {
    result<stream> next = std::make_error_code(std::errc::not_enough_memory);
    try {
      next = co_await accept_from(socket, closing);
    } catch (const std::bad_alloc&) {  // whoever waits is told
    }
    if (next.error() == errc::not_open) break;
    if (ended.err()) co_return;
    const int what = co_await select(closing.recv(), ended.done(), accepted.send(std::move(next)));
    if (what == 0) break;
    if (what == 1) co_return;
  }
  accepted.close();
}

}  // namespace

// --- the listener --------------------------------------------------------------------------------

listener::listener(std::shared_ptr<detail::listener_state> state) noexcept
    : state_(std::move(state)) {}

recv_chan<result<stream>> listener::accepted() {
  if (state_ == nullptr) return {};
  std::lock_guard hold(state_->mutex);
  if (!state_->accepted) {
    auto accepted = make_chan<result<stream>>();
    // Under the root Context: the runtime does not wait for it when main has returned.
    const auto& runtime = *static_cast<d::runtime_state*>(d::current_worker()->owner().user);
    go(runtime.root,
       d::prepared(accept_for_select(state_, state_->socket, accepted, state_->closing)));
    state_->accepted = std::move(accepted);
  }
  return state_->accepted;
}

/// What select's goroutine may have taken already, once there is one.
recv_chan<result<stream>> listener::accepted_before() const {
  std::lock_guard hold(state_->mutex);
  return state_->accepted;
}

task<result<stream>> listener::accept() {
  if (state_ == nullptr) co_return errc::not_open;
  const auto accepted = accepted_before();
  if (!accepted) co_return co_await accept_from(state_->socket, state_->closing);
  const context ctx = this_goroutine::context();
  if (const std::error_code ended = ctx.err()) co_return ended;
  result<stream> next;
  const int what = co_await select(d::receive_result(accepted, next), ctx.done());
  if (what == 1) co_return ctx.err();
  co_return next;
}

task<result<stream>> listener::accept(context) { co_return co_await accept(); }

result<void> listener::close() noexcept {
  if (state_ == nullptr || !state_->close()) return errc::not_open;
  return {};
}

address listener::local_address() const noexcept {
  return state_ != nullptr ? stream(state_->socket).local_address() : address();
}

int listener::native_handle() const noexcept {
  return state_ != nullptr ? stream(state_->socket).native_handle() : -1;
}

// --- listening -----------------------------------------------------------------------------------

namespace {

std::error_code bind_and_listen(int fd, const address& at, std::string_view network) {
  const int on = 1;
  const int six_only = network == "tcp6" ? 1 : 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (at.family() == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &six_only, sizeof(six_only));
  }
  if (at.is_ip()) d::set_up_connection(fd);  // inherited by what is accepted
  if (::bind(fd, at.data(), static_cast<socklen_t>(at.size())) != 0 ||
      ::listen(fd, SOMAXCONN) != 0) {
    return d::system_error_code(errno);
  }
  return {};
}

}  // namespace

task<result<listener>> listen(std::string_view network, std::string_view where) {
  if (network != "unix" && network != "tcp" && network != "tcp4" && network != "tcp6") {
    co_return std::make_error_code(std::errc::protocol_not_supported);
  }
  const result<address> at = d::address_to_bind(network, where);
  if (!at) co_return at.error();
  auto state = std::make_shared<detail::listener_state>();
  result<d::descriptor_ref> socket = d::open_socket(at->family(), SOCK_STREAM);
  if (!socket) co_return socket.error();
  // Before there is anything at that path, which would stay there if memory were lacking.
  if (at->is_path() && !at->host().starts_with('@')) state->path = at->host();
  if (const std::error_code error = bind_and_listen((*socket)->fd, *at, network)) co_return error;
  state->socket = std::move(*socket);
  if (!state->path.empty()) ::lstat(state->path.c_str(), &state->at_path);
  co_return listener(std::move(state));
}

task<result<listener>> listen(context ctx, std::string_view network, std::string_view where) {
  if (const std::error_code ended = ctx.err()) co_return ended;
  co_return co_await listen(network, where);
}

}  // namespace burrow::net
