// SPDX-License-Identifier: MIT
#include <burrow/readiness.hpp>

#include <poll.h>

namespace burrow {

namespace detail {

readiness_case::~readiness_case() {
  if (is_counted_) group_->waiting.fetch_sub(1, relaxed);
  if (is_user_) end_use(*on_);
}

void readiness_case::prepare() noexcept {
  if (std::exchange(is_prepared_, true) || !on_) return;
  descriptor& d = *on_;
  is_user_ = begin_use(d);
  if (!is_user_) return;
  const auto is_ready_now = [this, &d] {
    pollfd now{d.fd, static_cast<short>(side_ == io_side::read ? POLLIN | POLLRDHUP : POLLOUT), 0};
    return ::poll(&now, 1, 0) > 0;
  };
  // What was counted before is old: what comes after this is counted, or found by the second look.
  seen_ = d.side(side_).events.load(acquire);  // as in perform_when_ready()
  is_ready_ = is_ready_now();
  if (is_ready_) return;
  driver& in = who->home->io();
  group_ = &in.group;
  failed_ = in.watch(d, side_);
  is_ready_ = failed_ != 0 || is_ready_now();
}

bool readiness_case::ready() const noexcept {
  if (!is_user_ || is_ready_ || refusal_of(*on_, side_)) return true;
  // Exact under the lock, where it is asked again.
  return on_->side(side_).events.load(relaxed) != seen_;
}

void readiness_case::enlist() noexcept {
  on_->side(side_).waiters.push_back(*this);
  group_->waiting.fetch_add(1, relaxed);
  is_counted_ = true;
}

void readiness_case::delist() noexcept { on_->side(side_).waiters.remove(*this); }

burrow::result<void> readiness_case::result() const noexcept {
  if (failed_ != 0) return system_error_code(failed_);
  return refusal_of(*on_, side_);
}

}  // namespace detail

std::error_code io::readiness::end_of_context() const noexcept {
  const detail::cancellable_node* const watched = detail::watched_by(*who);
  return watched != nullptr && watched->has_ended() ? detail::error_of(*watched)
                                                    : std::error_code();
}

}  // namespace burrow
