// SPDX-License-Identifier: MIT
#include <burrow/http/detail/byte_stream.hpp>

#include <poll.h>

namespace burrow::http::detail {

task<result<void>> net_byte_stream::end_writing() {
  co_return stream_.shutdown(net::direction::writing);
}

// A connection that is gone already ends nothing twice.
void net_byte_stream::close() noexcept { static_cast<void>(stream_.close()); }

bool net_byte_stream::is_quiet() const noexcept {
  pollfd now{stream_.native_handle(), POLLIN, 0};
  return now.fd >= 0 && ::poll(&now, 1, 0) == 0;
}

}  // namespace burrow::http::detail
