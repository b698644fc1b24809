// SPDX-License-Identifier: MIT
#include <burrow/detail/socket.hpp>
#include <burrow/net/stream.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace burrow::net {

namespace d = burrow::detail;

namespace {

constexpr std::size_t most_buffers = 64;  // in one call

/// Runs `call(fd)` while the number cannot be closed. -1: errno says why not.
template <class F>
result<void> with_fd(const d::descriptor_ref& ref, F call) noexcept {
  if (!ref || !d::begin_use(*ref)) return errc::not_open;
  const int failed = call(ref->fd) != 0 ? errno : 0;
  d::end_use(*ref);
  return failed != 0 ? d::system_error_code(failed) : std::error_code();
}

template <class F>
address address_by(const d::descriptor_ref& ref, F call) noexcept {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  const result<void> got =
      with_fd(ref, [&](int fd) { return call(fd, reinterpret_cast<sockaddr*>(&storage), &size); });
  return got ? address(reinterpret_cast<const sockaddr*>(&storage), size) : address();
}

result<std::size_t> count_of(const d::io_outcome& outcome) {
  if (outcome.error) return outcome.error;
  return static_cast<std::size_t>(outcome.value);
}

}  // namespace

stream stream::adopt(int fd) { return stream(d::own_descriptor(fd)); }

// --- reading -------------------------------------------------------------------------------------

task<result<std::size_t>> stream::read(bytes into) {
  if (into.empty()) co_return std::size_t{0};  // the kernel would wait
  d::receive_request r(into.data(), into.size());
  co_return count_of(co_await d::perform(d_, r));
}

task<result<std::size_t>> stream::read(context, bytes into) { co_return co_await read(into); }

namespace {

/// Where the driver provides no buffer, or none is free.
task<result<io_buffer>> receive_when_ready(d::descriptor_ref from, std::size_t most) {
  for (;;) {
    const result<void> ready = co_await d::wait_until_ready(from, d::io_side::read);
    if (!ready) co_return ready.error();
    io_buffer buffer(most);
    ssize_t n = 0;
    const result<void> got = with_fd(from, [&](int fd) {
      n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      return n < 0 ? -1 : 0;
    });
    if (got) {
      buffer.cut(static_cast<std::size_t>(n));
      co_return buffer;
    }
    const std::error_code error = got.error();
    const bool is_gone = error == std::errc::operation_would_block ||  // another one was faster
                         error == std::errc::interrupted;
    if (!is_gone) co_return error;
  }
}

}  // namespace

task<result<io_buffer>> stream::receive(std::size_t most) {
  const d::goroutine& g = co_await d::io_entry();
  if (!g.home->io().takes_requests() || most < d::provided_buffer_size) {
    co_return co_await receive_when_ready(d_, most);
  }
  d::provided_receive_request r;
  const d::io_outcome got = co_await d::perform(d_, r);
  const bool has_none = got.error == std::errc::no_buffer_space ||  // all are in use
                        got.error == std::errc::invalid_argument;   // Linux before 5.19
  if (has_none) co_return co_await receive_when_ready(d_, most);
  if (got.error) co_return got.error;
  io_buffer buffer(static_cast<std::size_t>(got.value));
  if (got.value != 0) std::memcpy(buffer.data(), r.in->provided_buffer(r), buffer.size());
  co_return buffer;
}

task<result<io_buffer>> stream::receive(context, std::size_t most) {
  co_return co_await receive(most);
}

task<result<std::size_t>> stream::read(std::span<const bytes> into) {
  std::array<iovec, most_buffers> parts;
  std::size_t count = 0;
  for (const bytes& part : into) {
    if (part.empty()) continue;
    parts[count++] = {part.data(), part.size()};
    if (count == parts.size()) break;
  }
  if (count == 0) co_return std::size_t{0};  // as above
  d::message_request r(d::io_side::read);
  r.header.msg_iov = parts.data();
  r.header.msg_iovlen = count;
  co_return count_of(co_await d::perform(d_, r));
}

task<result<std::size_t>> stream::read(context, std::span<const bytes> into) {
  co_return co_await read(into);
}

task<result<std::string>> stream::read_all() {
  constexpr std::size_t at_least = 4096;
  const d::descriptor_ref kept = d_;
  std::string all;
  for (std::size_t size = 0;;) {
    if (size == all.size()) all.resize(std::max(at_least, 2 * size));
    d::receive_request r(all.data() + size, all.size() - size);
    const d::io_outcome got = co_await d::perform(kept, r);
    if (got.error) co_return got.error;
    size += static_cast<std::size_t>(got.value);
    if (got.value != 0) continue;
    all.resize(size);
    co_return all;
  }
}

task<result<std::string>> stream::read_all(context) { co_return co_await read_all(); }

task<result<void>> stream::read_full(bytes into) {
  const d::descriptor_ref kept = d_;
  while (!into.empty()) {
    d::receive_request r(into.data(), into.size());
    const d::io_outcome got = co_await d::perform(kept, r);
    if (got.error) co_return got.error;
    if (got.value == 0) co_return errc::unexpected_eof;
    into = into.from(static_cast<std::size_t>(got.value));
  }
  co_return {};
}

task<result<void>> stream::read_full(context, bytes into) { co_return co_await read_full(into); }

// --- writing -------------------------------------------------------------------------------------

task<result<std::size_t>> stream::write(const_bytes from) {
  d::send_request r(from.data(), from.size());
  co_return count_of(co_await d::perform(d_, r, d::io_course::try_first));
}

task<result<std::size_t>> stream::write(context, const_bytes from) {
  co_return co_await write(from);
}

result<std::size_t> stream::try_write(const_bytes from) noexcept {
  std::size_t taken = 0;
  const result<void> sent = with_fd(d_, [&](int fd) {
    const ssize_t n = ::send(fd, from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    const bool would_wait = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    taken = n > 0 ? static_cast<std::size_t>(n) : 0;
    return n >= 0 || would_wait ? 0 : -1;
  });
  if (!sent) return sent.error();
  return taken;
}

task<result<void>> stream::write_all(const_bytes from) {
  const d::descriptor_ref kept = d_;
  do {  // of nothing, too: a connection that is closed refuses it
    d::send_request r(from.data(), from.size());
    const d::io_outcome sent = co_await d::perform(kept, r, d::io_course::try_first);
    if (sent.error) co_return sent.error;
    from = from.from(static_cast<std::size_t>(sent.value));
  } while (!from.empty());
  co_return {};
}

task<result<void>> stream::write_all(context, const_bytes from) {
  co_return co_await write_all(from);
}

task<result<void>> stream::write_all(std::span<const const_bytes> from) {
  const d::descriptor_ref kept = d_;
  std::array<iovec, most_buffers> parts;
  std::size_t done = 0;  // of the first buffer
  do {                   // as above
    const std::size_t count = std::min(from.size(), parts.size());
    for (std::size_t i = 0; i < count; ++i) {
      const const_bytes rest = i == 0 ? from[i].from(done) : from[i];
      parts[i] = {const_cast<std::byte*>(rest.data()), rest.size()};
    }
    d::message_request r(d::io_side::write);
    r.header.msg_iov = parts.data();
    r.header.msg_iovlen = count;
    const d::io_outcome sent = co_await d::perform(kept, r, d::io_course::try_first);
    if (sent.error) co_return sent.error;
    done += static_cast<std::size_t>(sent.value);
    while (!from.empty() && done >= from.front().size()) {
      done -= from.front().size();
      from = from.subspan(1);
    }
  } while (!from.empty());
  co_return {};
}

task<result<void>> stream::write_all(context, std::span<const const_bytes> from) {
  co_return co_await write_all(from);
}

// --- ending --------------------------------------------------------------------------------------

result<void> stream::shutdown(direction which) noexcept {
  const int how = which == direction::reading   ? SHUT_RD
                  : which == direction::writing ? SHUT_WR
                                                : SHUT_RDWR;
  return with_fd(d_, [how](int fd) { return ::shutdown(fd, how); });
}

result<void> stream::close() noexcept {
  if (!d_ || !d::close_descriptor(*d_)) return errc::not_open;
  return {};
}

result<void> stream::set_read_deadline(std::chrono::steady_clock::time_point at) {
  if (!d_) return errc::not_open;
  return d::set_deadline(*d_, d::io_side::read, at.time_since_epoch());
}

result<void> stream::set_write_deadline(std::chrono::steady_clock::time_point at) {
  if (!d_) return errc::not_open;
  return d::set_deadline(*d_, d::io_side::write, at.time_since_epoch());
}

// --- what it is ----------------------------------------------------------------------------------

result<void> stream::set_option(int level, int name, int value) noexcept {
  return with_fd(d_, [&](int fd) { return ::setsockopt(fd, level, name, &value, sizeof(value)); });
}

result<void> stream::set_no_delay(bool on) noexcept {
  return set_option(IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

result<void> stream::set_keep_alive(bool on) noexcept {
  return set_option(SOL_SOCKET, SO_KEEPALIVE, on ? 1 : 0);
}

result<void> stream::set_keep_alive_period(std::chrono::steady_clock::duration period) noexcept {
  constexpr std::chrono::seconds longest(32767);  // what the kernel takes
  const auto rounded = std::chrono::ceil<std::chrono::seconds>(
      std::min<std::chrono::steady_clock::duration>(period, longest));
  const int seconds = static_cast<int>(rounded.count());
  const result<void> idle = set_option(IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  return idle ? set_option(IPPROTO_TCP, TCP_KEEPINTVL, seconds) : idle;
}

address stream::local_address() const noexcept { return address_by(d_, &::getsockname); }
address stream::peer_address() const noexcept { return address_by(d_, &::getpeername); }

int stream::native_handle() const noexcept {
  int number = -1;
  const result<void> got = with_fd(d_, [&number](int fd) {
    number = fd;
    return 0;
  });
  return got ? number : -1;
}

}  // namespace burrow::net
