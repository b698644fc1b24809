// SPDX-License-Identifier: MIT
#include <burrow/http/detail/byte_stream.hpp>

#include <poll.h>
#include <sys/socket.h>

namespace burrow::http::detail {

task<result<io_buffer>> byte_stream::receive() {
  io_buffer buffer(4096);
  const result<std::size_t> n = co_await read(bytes(buffer.data(), buffer.size()));
  if (!n) co_return n.error();
  buffer.cut(*n);
  co_return buffer;
}

task<result<void>> net_byte_stream::end_writing() {
  co_return stream_.shutdown(net::direction::writing);
}

// A connection that is gone already ends nothing twice.
void net_byte_stream::close() noexcept { static_cast<void>(stream_.close()); }

/// The kernel resets a connection that is closed so.
void net_byte_stream::abort() noexcept {
  const linger at_once{1, 0};
  ::setsockopt(stream_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close();
}

bool net_byte_stream::is_quiet() const noexcept {
  pollfd now{stream_.native_handle(), POLLIN, 0};
  return now.fd >= 0 && ::poll(&now, 1, 0) == 0;
}

}  // namespace burrow::http::detail
