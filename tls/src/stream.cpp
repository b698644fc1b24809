// SPDX-License-Identifier: MIT
// Between the session, which never waits, and the connection below, which may.
//
// Three locks for goroutines, each held over awaits of its own direction alone: `shaking` over the
// handshake, `reading` by who takes bytes from the connection, `writing` by who gives bytes to it.
// A reader whose session has something to say (the answer to a change of keys, an alert) sends it
// if nobody writes and the kernel takes it at once; else it is left in the output, before all that
// the next writer has: two peers that only wait for each other to read would wait for ever.
// A writer whose session must first see the rest of a message from the peer waits for `reading`, or
// for a reader to bring it.
//
// Order of the locks: shaking before writing, writing before reading, and the session's own last.
#include <burrow/chan.hpp>
#include <burrow/mutex.hpp>
#include <burrow/select.hpp>
#include <burrow/this_goroutine.hpp>
#include <burrow/timer.hpp>
#include <burrow/tls/detail/session.hpp>
#include <burrow/tls/listener.hpp>
#include <burrow/tls/stream.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <poll.h>
#include <utility>

namespace burrow::tls {

using detail::step;
using time_point = std::chrono::steady_clock::time_point;

namespace {

/// Beyond it a peer that wants answers, and is not taking them, is no peer.
constexpr std::size_t output_limit = 256UL * 1024;
/// So much is encrypted before it is given to the kernel.
constexpr std::size_t send_size = 64UL * 1024;
/// So much is taken from the kernel at once: a record, and its frame.
constexpr std::size_t receive_size = detail::session::record_size + 512;

struct unlock_at_end {
  mutex& held;
  ~unlock_at_end() { held.unlock(); }
};

/// Set while the kernel has a request, and for ever if the goroutine is unwound meanwhile: then
/// nobody knows what became of the bytes.
struct in_flight {
  bool& flag;
  explicit in_flight(bool& f) noexcept : flag(f) { flag = true; }
  void landed() noexcept { flag = false; }
};

}  // namespace

struct detail::stream_state {
  net::stream below;
  detail::session session;
  mutex shaking;
  mutex reading;
  mutex writing;
  std::atomic<bool> has_shaken{false};
  std::atomic<bool> is_closed{false};

  // By who holds `shaking`.
  std::error_code handshake_error;

  // By who holds `reading`; by the handshake, before that.
  std::array<std::byte, receive_size> input;
  bool input_has_ended = false;
  bool input_in_flight = false;

  // By who holds `writing`.
  std::vector<std::byte> output;  // encrypted, not yet sent from `sent` on
  std::size_t sent = 0;
  bool output_in_flight = false;
  std::error_code write_error;

  // A writer that waits for input: readers say when some has come.
  std::atomic<bool> writer_wants_input{false};
  chan<> input_has_come = make_chan(1);
  std::atomic<time_point> write_deadline{time_point::max()};

  stream_state(net::stream s, std::shared_ptr<const config_state> c)
      : below(std::move(s)), session(std::move(c)) {}

  static result<stream> make(net::stream s, std::shared_ptr<const config_state> c, side which,
                             std::string_view name);

  task<result<void>> shake_hands();
  task<result<void>> shake_hands_now();
  task<result<std::size_t>> read(bytes into);
  task<result<void>> write(std::span<const const_bytes> from);
  task<std::error_code> encrypt(const_bytes from);
  task<std::error_code> wait_for_input();
  task<std::error_code> pull();
  task<std::error_code> flush();
  task<std::error_code> end_writing();
  result<void> close() noexcept;
  void say_farewell();
  void flush_at_once();
  void tell_writer();
};

result<stream> detail::stream_state::make(net::stream s, std::shared_ptr<const config_state> c,
                                          side which, std::string_view name) {
  auto state = std::make_shared<stream_state>(std::move(s), std::move(c));
  const std::error_code error = state->session.begin(which, name);
  if (error) return error;
  return stream(std::move(state));
}

// --- bytes from and to the connection ------------------------------------------------------------

/// Takes what has come into the session. Its user holds `reading`.
task<std::error_code> detail::stream_state::pull() {
  if (input_has_ended) co_return errc::unexpected_eof;
  if (input_in_flight) co_return errc::canceled;
  in_flight request(input_in_flight);
  const result<std::size_t> n = co_await below.read(input);
  request.landed();
  if (!n) co_return n.error();
  input_has_ended = *n == 0;
  if (input_has_ended) co_return errc::unexpected_eof;
  const bool is_in = session.take_in(const_bytes(input.data(), *n));
  co_return is_in ? std::error_code() : std::make_error_code(std::errc::not_enough_memory);
}

/// Sends the output. Its user holds `writing`. After an error it can be called again.
task<std::error_code> detail::stream_state::flush() {
  for (;;) {
    if (output_in_flight) co_return errc::canceled;
    if (sent == output.size()) {
      output.clear();
      sent = 0;
      session.take_output(output);
      if (output.empty()) co_return std::error_code();
    }
    in_flight request(output_in_flight);
    const result<std::size_t> n = co_await below.write(const_bytes(output).from(sent));
    request.landed();
    if (!n) co_return n.error();
    sent += *n;
  }
}

/// Sends of the output what needs no waiting, if nobody else is about to send.
void detail::stream_state::flush_at_once() {
  if (session.output_size() == 0 || !writing.try_lock()) return;
  const unlock_at_end held{writing};
  if (output_in_flight || write_error) return;
  session.take_output(output);
  const result<std::size_t> n = below.try_write(const_bytes(output).from(sent));
  if (n) sent += *n;
}

// --- the handshake -------------------------------------------------------------------------------

task<result<void>> detail::stream_state::shake_hands() {
  if (has_shaken.load(std::memory_order_acquire)) co_return {};  // with the store below
  const std::error_code ended = co_await shaking.lock(this_goroutine::context());
  if (ended) co_return ended;
  const unlock_at_end held{shaking};
  if (has_shaken.load(std::memory_order_acquire)) co_return {};  // the same
  if (handshake_error) co_return handshake_error;
  co_return co_await shake_hands_now();
}

task<result<void>> detail::stream_state::shake_hands_now() {
  const std::error_code ended = co_await writing.lock(this_goroutine::context());
  if (ended) co_return ended;
  const unlock_at_end held{writing};
  for (;;) {
    const step s = session.shake_hands();
    const std::error_code unsent = co_await flush();
    if (s.what == detail::progress::failed) co_return handshake_error = s.error;
    if (unsent) co_return unsent;
    if (s.what == detail::progress::made) break;
    const std::error_code none = co_await pull();
    if (none) co_return none;
  }
  // All that it has written belongs to whoever reads or writes without `shaking`.
  has_shaken.store(true, std::memory_order_release);
  co_return {};
}

// --- reading -------------------------------------------------------------------------------------

void detail::stream_state::tell_writer() {
  if (writer_wants_input.load()) input_has_come.try_send();
}

task<result<std::size_t>> detail::stream_state::read(bytes into) {
  const result<void> shaken = co_await shake_hands();
  if (!shaken) co_return shaken.error();
  const std::error_code ended = co_await reading.lock(this_goroutine::context());
  if (ended) co_return ended;
  const unlock_at_end held{reading};
  for (;;) {
    if (is_closed.load()) co_return errc::not_open;
    const step s = session.read(into);
    flush_at_once();
    tell_writer();
    switch (s.what) {
      case detail::progress::made: co_return s.size;
      case detail::progress::end: co_return std::size_t{0};
      case detail::progress::failed: co_return s.error;
      case detail::progress::wants_input: break;
    }
    if (session.output_size() > output_limit) {
      co_return std::make_error_code(std::errc::no_buffer_space);
    }
    const std::error_code none = co_await pull();
    if (none) co_return none;
  }
}

// --- writing -------------------------------------------------------------------------------------

/// Until a reader has brought input, or this has. Its user holds `writing`.
task<std::error_code> detail::stream_state::wait_for_input() {
  const context ctx = this_goroutine::context();
  const time_point until = write_deadline.load();
  timer limit;
  if (until != time_point::max()) limit = timer(until - std::chrono::steady_clock::now());
  const int what = co_await select(input_has_come.recv(), reading.lock(), ctx.done(), limit.recv());
  if (what == 2) co_return ctx.err();
  if (what == 3) co_return std::error_code(errc::io_timeout);
  if (what == 0) co_return is_closed.load() ? errc::not_open : std::error_code();
  const unlock_at_end held{reading};
  co_return co_await pull();
}

/// Its user holds `writing`.
task<std::error_code> detail::stream_state::encrypt(const_bytes from) {
  for (;;) {
    if (is_closed.load()) co_return errc::not_open;
    const step s = session.write(from);
    if (s.what == detail::progress::made) co_return std::error_code();
    if (s.what != detail::progress::wants_input) co_return s.error;
    // Said first, looked at again behind that: a reader may just have brought it.
    if (!writer_wants_input.exchange(true)) continue;
    const std::error_code none = co_await wait_for_input();
    if (none) co_return none;
  }
}

/// Encrypts and sends all of it. Its user holds `writing`; an error is the last one.
task<result<void>> detail::stream_state::write(std::span<const const_bytes> from) {
  const result<void> shaken = co_await shake_hands();
  if (!shaken) co_return shaken.error();
  const std::error_code ended = co_await writing.lock(this_goroutine::context());
  if (ended) co_return ended;
  const unlock_at_end held{writing};
  if (is_closed.load()) co_return errc::not_open;
  if (write_error) co_return write_error;
  write_error = errc::canceled;  // stays if this is unwound
  std::error_code error;
  for (const_bytes part : from) {
    while (!part.empty() && !error) {
      const std::size_t size = std::min(part.size(), session::record_size);
      error = co_await encrypt(const_bytes(part.data(), size));
      part = part.from(size);
      if (error || session.output_size() < send_size) continue;
      error = co_await flush();
    }
  }
  if (!error) error = co_await flush();
  writer_wants_input.store(false);
  co_return write_error = error;
}

task<std::error_code> detail::stream_state::end_writing() {
  const result<void> shaken = co_await shake_hands();
  if (!shaken) co_return shaken.error();
  const std::error_code ended = co_await writing.lock(this_goroutine::context());
  if (ended) co_return ended;
  const unlock_at_end held{writing};
  if (is_closed.load()) co_return errc::not_open;
  if (write_error) co_return write_error;
  const step s = session.end_writing();
  if (s.what == detail::progress::failed) co_return write_error = s.error;
  write_error = std::make_error_code(std::errc::broken_pipe);
  co_return co_await flush();
}

// --- the end -------------------------------------------------------------------------------------

/// Says that no more comes, if the kernel takes that at once.
void detail::stream_state::say_farewell() {
  if (!has_shaken.load(std::memory_order_acquire)) return;  // with the store of the handshake
  if (!writing.try_lock()) return;
  const unlock_at_end held{writing};
  if (write_error || output_in_flight) return;
  if (session.end_writing().what != detail::progress::made) return;
  session.take_output(output);
  static_cast<void>(below.try_write(const_bytes(output).from(sent)));
}

result<void> detail::stream_state::close() noexcept {
  if (is_closed.exchange(true)) return errc::not_open;
  try {
    say_farewell();
  } catch (const std::bad_alloc&) {  // then the peer reads an end without it
  }
  const result<void> closed = below.close();
  input_has_come.try_send();
  return closed;
}

// --- the face ------------------------------------------------------------------------------------

stream::stream(std::shared_ptr<detail::stream_state> state) noexcept : state_(std::move(state)) {}

task<result<void>> stream::handshake() {
  const auto s = state_;
  if (s == nullptr) co_return errc::not_open;
  co_return co_await s->shake_hands();
}

task<result<void>> stream::handshake(context) { co_return co_await handshake(); }

task<result<std::size_t>> stream::read(bytes into) {
  const auto s = state_;
  if (s == nullptr) co_return errc::not_open;
  if (into.empty()) co_return std::size_t{0};
  co_return co_await s->read(into);
}

task<result<std::size_t>> stream::read(context, bytes into) { co_return co_await read(into); }

task<result<void>> stream::read_full(bytes into) {
  const auto s = state_;
  if (s == nullptr) co_return errc::not_open;
  while (!into.empty()) {
    const result<std::size_t> n = co_await s->read(into);
    if (!n) co_return n.error();
    if (*n == 0) co_return errc::unexpected_eof;
    into = into.from(*n);
  }
  co_return {};
}

task<result<void>> stream::read_full(context, bytes into) { co_return co_await read_full(into); }

task<result<std::string>> stream::read_all() {
  constexpr std::size_t at_least = 4096;
  const auto s = state_;
  if (s == nullptr) co_return errc::not_open;
  std::string all;
  for (std::size_t size = 0;;) {
    if (size == all.size()) all.resize(std::max(at_least, 2 * size));
    const result<std::size_t> n = co_await s->read(bytes(all).from(size));
    if (!n) co_return n.error();
    size += *n;
    if (*n != 0) continue;
    all.resize(size);
    co_return all;
  }
}

task<result<std::string>> stream::read_all(context) { co_return co_await read_all(); }

task<result<std::size_t>> stream::write(const_bytes from) {
  const const_bytes some(from.data(), std::min(from.size(), detail::session::record_size));
  const result<void> written = co_await write_all(some);
  if (!written) co_return written.error();
  co_return some.size();
}

task<result<std::size_t>> stream::write(context, const_bytes from) {
  co_return co_await write(from);
}

task<result<void>> stream::write_all(const_bytes from) {
  co_return co_await write_all(std::span(&from, 1));
}

task<result<void>> stream::write_all(context, const_bytes from) {
  co_return co_await write_all(from);
}

task<result<void>> stream::write_all(std::span<const const_bytes> from) {
  const auto s = state_;
  if (s == nullptr) co_return errc::not_open;
  co_return co_await s->write(from);
}

task<result<void>> stream::write_all(context, std::span<const const_bytes> from) {
  co_return co_await write_all(from);
}

task<result<void>> stream::end_writing() {
  const auto s = state_;
  if (s == nullptr) co_return errc::not_open;
  co_return co_await s->end_writing();
}

task<result<void>> stream::end_writing(context) { co_return co_await end_writing(); }

result<void> stream::close() noexcept {
  if (state_ == nullptr) return errc::not_open;
  return state_->close();
}

result<void> stream::set_read_deadline(time_point at) {
  if (state_ == nullptr) return errc::not_open;
  return state_->below.set_read_deadline(at);
}

result<void> stream::set_write_deadline(time_point at) {
  if (state_ == nullptr) return errc::not_open;
  state_->write_deadline.store(at);
  state_->input_has_come.try_send();  // who waits there looks at the deadline again
  return state_->below.set_write_deadline(at);
}

net::address stream::local_address() const noexcept { return transport().local_address(); }
net::address stream::peer_address() const noexcept { return transport().peer_address(); }

net::stream stream::transport() const noexcept {
  return state_ != nullptr ? state_->below : net::stream();
}

std::string stream::protocol() const {
  return state_ != nullptr ? state_->session.protocol() : std::string();
}

std::string stream::version_name() const {
  return state_ != nullptr ? state_->session.version_name() : std::string();
}

std::string stream::server_name() const {
  return state_ != nullptr ? state_->session.server_name() : std::string();
}

bool stream::is_quiet() const noexcept {
  if (state_ == nullptr || state_->session.has_input()) return false;
  pollfd now{state_->below.native_handle(), POLLIN, 0};
  return now.fd >= 0 && ::poll(&now, 1, 0) == 0;
}

// --- putting TLS on a connection -----------------------------------------------------------------

result<stream> connect(net::stream s, const config& c, std::string_view server_name) {
  auto state = detail::config_access::state_of(c);
  if (!state) return state.error();
  const std::string name((*state)->server_name.empty() ? server_name : (*state)->server_name);
  return detail::stream_state::make(std::move(s), std::move(*state), detail::side::client, name);
}

result<stream> connect(net::stream s, const options& o) {
  const result<config> c = config::make(o);
  if (!c) return c.error();
  return connect(std::move(s), *c);
}

result<stream> accept(net::stream s, const config& c) {
  auto state = detail::config_access::state_of(c);
  if (!state) return state.error();
  if (!(*state)->has_certificate) return std::make_error_code(std::errc::invalid_argument);
  return detail::stream_state::make(std::move(s), std::move(*state), detail::side::server, {});
}

}  // namespace burrow::tls
