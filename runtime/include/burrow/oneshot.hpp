// SPDX-License-Identifier: MIT
// oneshot: one value, from whoever has it to whoever waits for it.
#pragma once

#include <burrow/chan.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace burrow {

/// A channel for one value, which is sent at most once: the answer to a request, the end of some
/// work. A handle, copied like a pointer; default-constructed it is nil. All functions but recv()
/// work on any thread; none waits but recv(). Go: make(chan T, 1) and the discipline to send once.
template <class T>
class oneshot {
 public:
  oneshot() noexcept = default;

  /// Gives the value. False: one was given, or it was closed, before.
  bool send(T value) const {
    if (!begin()) return false;
    values_.try_send(std::move(value));
    values_.close();
    return true;
  }

  /// Says that no value will come. False: one has come, or it was closed before.
  bool close() const {
    if (!begin()) return false;
    values_.close();
    return true;
  }

  /// Waits for the value; nullopt: none will come. One of those who wait gets it, the others find
  /// it gone. A case of select. Go: <-c.
  auto recv() const noexcept { return values_.recv(); }
  /// The same into `v`; false: none will come.
  auto recv(std::optional<T>& v) const noexcept { return values_.recv(v); }

  explicit operator bool() const noexcept { return sent_ != nullptr; }

 private:
  template <class U>
  friend oneshot<U> make_oneshot();

  bool begin() const { return sent_ != nullptr && !sent_->exchange(true); }

  chan<T> values_;
  std::shared_ptr<std::atomic<bool>> sent_;
};

/// Throws std::bad_alloc.
template <class T>
oneshot<T> make_oneshot() {
  oneshot<T> o;
  o.values_ = make_chan<T>(1);
  o.sent_ = std::make_shared<std::atomic<bool>>(false);
  return o;
}

}  // namespace burrow
