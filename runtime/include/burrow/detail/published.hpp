// SPDX-License-Identifier: MIT
// A source that counts what was published: who has not seen the latest goes on at once, the others
// wait for the next. What is published is shared and constant, so that under the lock only pointers
// are copied.
#pragma once

#include <burrow/detail/operation.hpp>

#include <cstdint>

namespace burrow::detail {

class published : public wait_source {
 public:
  /// Of the latest; anyone. acquire: pairs with the release in add().
  std::uint64_t version() const noexcept { return version_.load(acquire); }
  bool is_closed() const noexcept { return closed_.load(acquire); }

  /// Under the lock: there is one more. Whoever waits is claimed.
  void add(wake_list& wakes) noexcept {
    version_.store(version_.load(relaxed) + 1, release);
    waiters_.claim_all(wakes);
  }
  /// Under the lock: there will be no more.
  void close(wake_list& wakes) noexcept {
    closed_.store(true, release);
    waiters_.claim_all(wakes);
  }
  void enlist(waiter& w) noexcept {
    if (w.who->bubble != bubble_) [[unlikely]]
      wait_outside(*w.who, bubble_);
    waiters_.push_back(w);
  }
  void delist(waiter& w) noexcept { waiters_.remove(w); }

 private:
  atomic<std::uint64_t> version_{0};
  atomic<bool> closed_{false};
  wait_list waiters_;
  const std::uint16_t bubble_ = bubble_here();
};

/// Waits until `Receiver`, a handle that outlives this, has something to take: has_next() tells,
/// without the lock, and take(v) does.
template <class Receiver, class V>
class [[nodiscard("a receive does nothing until it is awaited or given to select")]] take_published
    : public operation<take_published<Receiver, V>> {
 public:
  static constexpr wait_reason reason = wait_reason::chan_receive;

  take_published(Receiver& from, V& into) noexcept : from_(&from), into_(&into) {}

  wait_source* source() const noexcept { return from_->source(); }
  bool ready() const noexcept { return from_->has_next(); }
  bool attempt(goroutine*&) const noexcept { return ready(); }
  void enlist() noexcept { from_->source()->enlist(*this); }
  void delist() noexcept { from_->source()->delist(*this); }
  bool result() const { return from_->take(*into_); }

 private:
  Receiver* from_;
  V* into_;
};

}  // namespace burrow::detail
