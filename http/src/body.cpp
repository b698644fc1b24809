// SPDX-License-Identifier: MIT
#include <burrow/http/body.hpp>

#include <algorithm>

namespace burrow::http {

task<result<std::size_t>> body::read(bytes into) {
  if (source_ == nullptr || into.empty()) co_return std::size_t{0};
  co_return co_await source_->read(into);
}

task<result<std::size_t>> body::read(context, bytes into) { co_return co_await read(into); }

task<result<std::string>> body::read_all(std::size_t limit) {
  constexpr std::size_t most_at_once = 64UL * 1024;
  if (length_ && *length_ > limit) co_return errc::body_too_large;
  std::string all;
  for (;;) {
    // One byte beyond the limit tells whether there is more.
    const std::size_t filled = all.size();
    const std::size_t wanted = length_ ? static_cast<std::size_t>(*length_) : 2 * filled;
    const std::size_t grow =
        std::clamp<std::size_t>(wanted - std::min(wanted, filled), 512, most_at_once);
    all.resize(filled + std::min(grow, limit - filled + 1));
    const result<std::size_t> n = co_await read(bytes(all.data() + filled, all.size() - filled));
    if (!n) co_return n.error();
    all.resize(filled + *n);
    if (*n == 0) co_return all;
    if (all.size() > limit) co_return errc::body_too_large;
  }
}

task<result<std::string>> body::read_all(context, std::size_t limit) {
  co_return co_await read_all(limit);
}

}  // namespace burrow::http
