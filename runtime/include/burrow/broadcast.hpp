// SPDX-License-Identifier: MIT
// broadcast: every value to every subscriber.
#pragma once

#include <burrow/detail/published.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace burrow {

template <class T>
class broadcast;

namespace detail {

/// The latest values, at the index of their number.
template <class T>
struct broadcast_core : published {
  std::vector<std::shared_ptr<const T>> ring;  // the elements under the lock

  explicit broadcast_core(std::size_t capacity) : ring(capacity) {}

  std::uint64_t oldest() const noexcept {
    const std::uint64_t count = this->version();
    return count > ring.size() ? count - ring.size() : 0;
  }
};

/// Gets what is sent after it was made: `broadcast<T>::subscription`. Used by one goroutine at a
/// time.
template <class T>
class broadcast_subscription {
 public:
  /// The next value, copied into `v`. False, `v` is untouched: the broadcast is closed and all was
  /// received. A case of select. Who is slower than the broadcast's capacity misses the oldest, see
  /// missed().
  auto recv(T& v) { return take_published<broadcast_subscription, T>(*this, v); }

  /// How many values were overwritten before they were received, since the last call.
  std::uint64_t missed() noexcept { return std::exchange(missed_, 0); }

  // For the operation.
  published* source() const noexcept { return core_.get(); }
  bool has_next() const noexcept { return core_->version() != next_ || core_->is_closed(); }
  bool take(T& v) {
    std::shared_ptr<const T> value;
    {
      locked hold(core_->lock);
      if (core_->version() == next_) return false;
      if (const std::uint64_t oldest = core_->oldest(); oldest > next_) {
        missed_ += oldest - next_;
        next_ = oldest;
      }
      value = core_->ring[next_++ % core_->ring.size()];
    }
    v = *value;
    return true;
  }

 private:
  template <class U>
  friend class burrow::broadcast;
  broadcast_subscription(std::shared_ptr<broadcast_core<T>> core, std::uint64_t next) noexcept
      : core_(std::move(core)), next_(next) {}

  std::shared_ptr<broadcast_core<T>> core_;
  std::uint64_t next_;
  std::uint64_t missed_ = 0;
};

}  // namespace detail

/// Sends values to all who have subscribed, and waits for none of them: the latest `capacity`
/// values are kept for the slow ones. A handle, copied like a pointer. Go has none; tokio:
/// sync::broadcast.
template <class T>
class broadcast {
 public:
  using subscription = detail::broadcast_subscription<T>;

  /// Throws std::invalid_argument for a capacity of 0, std::bad_alloc.
  explicit broadcast(std::size_t capacity) {
    if (capacity == 0) throw std::invalid_argument("broadcast: a capacity of 0 keeps nothing");
    core_ = std::make_shared<detail::broadcast_core<T>>(capacity);
  }

  /// To all subscribers. Any thread. False: it is closed.
  bool send(T value) const {
    auto next = std::make_shared<const T>(std::move(value));
    detail::wake_list wakes;
    {
      detail::locked hold(core_->lock);
      if (core_->is_closed()) return false;
      core_->ring[core_->version() % core_->ring.size()].swap(next);
      core_->add(wakes);
    }
    detail::wake_all(wakes);
    return true;
  }

  /// What was sent is still received. Any thread.
  void close() const {
    detail::wake_list wakes;
    {
      detail::locked hold(core_->lock);
      core_->close(wakes);
    }
    detail::wake_all(wakes);
  }

  /// Any thread.
  subscription subscribe() const { return subscription(core_, core_->version()); }

 private:
  std::shared_ptr<detail::broadcast_core<T>> core_;
};

}  // namespace burrow
