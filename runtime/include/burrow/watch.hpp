// SPDX-License-Identifier: MIT
// watch: the latest value, for whoever wants to know when it changes.
#pragma once

#include <burrow/detail/published.hpp>

#include <memory>
#include <utility>

namespace burrow {

template <class T>
class watch;

namespace detail {

template <class T>
struct watch_core : published {
  std::shared_ptr<const T> value;  // under the lock

  std::shared_ptr<const T> latest(std::uint64_t& seen) {
    locked hold(this->lock);
    seen = this->version();
    return value;
  }
};

/// Follows a watch: `watch<T>::follower`. Knows which value it has seen. Used by one goroutine at
/// a time.
template <class T>
class watch_follower {
 public:
  /// Waits until there is a value that this follower has not seen, and copies the latest into `v`:
  /// those in between are skipped. False, `v` is untouched: the watch is closed, and the latest was
  /// seen. A case of select.
  auto changed(T& v) { return take_published<watch_follower, T>(*this, v); }

  // For the operation.
  published* source() const noexcept { return core_.get(); }
  bool has_next() const noexcept { return core_->version() != seen_ || core_->is_closed(); }
  bool take(T& v) {
    if (core_->version() == seen_) return false;
    v = *core_->latest(seen_);
    return true;
  }

 private:
  template <class U>
  friend class burrow::watch;
  watch_follower(std::shared_ptr<watch_core<T>> core, std::uint64_t seen) noexcept
      : core_(std::move(core)), seen_(seen) {}

  std::shared_ptr<watch_core<T>> core_;
  std::uint64_t seen_;
};

}  // namespace detail

/// A value that changes, such as a configuration: any goroutine or thread may set it, those that
/// watch it are told, and a slow one sees the latest alone. A handle, copied like a pointer. Go has
/// none; a mutex, a value and a channel that is closed at each change.
template <class T>
class watch {
 public:
  using follower = detail::watch_follower<T>;

  /// Throws std::bad_alloc.
  explicit watch(T initial) : core_(std::make_shared<detail::watch_core<T>>()) {
    core_->value = std::make_shared<const T>(std::move(initial));
  }

  /// The value is kept, and nobody waits. Any thread.
  void set(T value) const {
    auto next = std::make_shared<const T>(std::move(value));
    detail::wake_list wakes;
    {
      detail::locked hold(core_->lock);
      core_->value.swap(next);  // the old one is destroyed after the unlock
      core_->add(wakes);
    }
    detail::wake_all(wakes);
  }

  /// The latest. Any thread.
  T get() const {
    std::uint64_t version = 0;
    return *core_->latest(version);
  }

  /// No more changes come. Any thread.
  void close() const {
    detail::wake_list wakes;
    {
      detail::locked hold(core_->lock);
      core_->close(wakes);
    }
    detail::wake_all(wakes);
  }

  /// Follows the changes from now on. Any thread.
  follower subscribe() const { return follower(core_, core_->version()); }

 private:
  std::shared_ptr<detail::watch_core<T>> core_;
};

}  // namespace burrow
