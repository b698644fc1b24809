// SPDX-License-Identifier: MIT
// Channels: typed handles over detail::chan_core.
#pragma once

#include <burrow/detail/chan_operations.hpp>
#include <burrow/detail/context_first.hpp>
#include <burrow/unit.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace burrow {

template <class T = unit>
class send_chan;
template <class T = unit>
class recv_chan;
template <class T = unit>
class chan;

/// Makes a channel that holds up to `capacity` elements; 0: sender and receiver meet.
/// Any thread. Throws std::length_error "makechan: size out of range", std::bad_alloc.
/// Go: make(chan T, capacity).
template <class T = unit>
chan<T> make_chan(std::size_t capacity = 0);

namespace detail {

/// A reference to a channel; what the three handles share. Copied like a pointer.
class chan_handle {
 public:
  chan_handle() noexcept = default;
  explicit chan_handle(chan_core* core) noexcept : core_(core) {}
  chan_handle(const chan_handle& other) noexcept : core_(other.core_) {
    if (core_ != nullptr) core_->retain();
  }
  chan_handle(chan_handle&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  chan_handle& operator=(chan_handle other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~chan_handle() {
    if (core_ != nullptr) core_->release_handle();
  }

  /// The elements in the buffer; 0 for an unbuffered or nil channel. A snapshot, on any thread,
  /// that orders nothing. Go: len(c).
  std::size_t size() const noexcept { return core_ != nullptr ? core_->size() : 0; }
  /// Go: cap(c).
  std::size_t capacity() const noexcept { return core_ != nullptr ? core_->capacity() : 0; }
  /// False: the channel is nil. Operations on a nil channel wait forever.
  explicit operator bool() const noexcept { return core_ != nullptr; }

  chan_core* core() const noexcept { return core_; }

 protected:
  chan_core* core_ = nullptr;
};

/// Same channel? Handles of different directions compare as well.
inline bool operator==(const chan_handle& a, const chan_handle& b) noexcept {
  return a.core() == b.core();
}

template <class T>
concept channel_element = requires {
  requires std::is_object_v<T> && !std::is_const_v<T> && std::is_move_constructible_v<T> &&
               std::is_nothrow_destructible_v<T>;
};

// What can be done without a goroutine; each runs on any thread.
// `type` is the kind of operation that `w` is.
bool try_send_now(chan_core* core, chan_waiter& w, const operation_type& type) noexcept;
bool try_receive_now(chan_core* core, chan_waiter& w, const operation_type& type) noexcept;
void send_or_park(chan_core* core, chan_waiter& w, const operation_type& type);
void receive_or_park(chan_core* core, chan_waiter& w, const operation_type& type);
void close_channel(chan_core* core);

}  // namespace detail

/// What try_recv() found.
enum class recv_status { received, empty, closed };

namespace detail {

/// What can be done with a channel that one may send to.
template <class T, class Handle>
class sending {
 public:
  /// Sends `x`: waits while the buffer is full or, unbuffered, until a receiver takes it. An lvalue
  /// is copied now; an rvalue is referred to, and moved from only if it is sent, also where it is
  /// of another type that converts to T. Throws
  /// closed_channel "send on closed channel", also in a select. A nil channel waits forever. A case
  /// of select. O(1), no allocation. Go: c <- x.
  template <class U = T>
    requires std::is_convertible_v<U&&, T>
  auto send(U&& x) const {
    if constexpr (sends_by_reference<T, U>) {
      return send_operation<T, U&&>(core(), std::forward<U>(x));
    } else {
      return send_operation<T, T>(core(), std::forward<U>(x));
    }
  }
  auto send() const
    requires std::is_same_v<T, unit>
  {
    return send_operation<T, T>(core(), unit{});
  }

  /// As send(x), but ends with an error when `ctx` does: errc::canceled, errc::deadline_exceeded;
  /// on a closed channel errc::closed. Tests `ctx` first. Not a case of select.
  template <class Context, class U>
    requires(std::is_same_v<std::remove_cvref_t<Context>, context> &&
             std::is_convertible_v<U &&, T>)
  auto send(Context&& ctx, U&& x) const {
    return context_first(ctx, send(std::forward<U>(x)));
  }

  /// Sends if that is possible at once. Any thread. Throws closed_channel.
  /// Go: select { case c <- x: ... default: ... }.
  template <class U = T>
    requires std::is_convertible_v<U&&, T>
  bool try_send(U&& x) const {
    auto op = send(std::forward<U>(x));
    op.prepare();
    const bool sent = try_send_now(core(), op, type_of<decltype(op)>);
    if (sent) op.result();
    return sent;
  }
  bool try_send() const
    requires std::is_same_v<T, unit>
  {
    return try_send(unit{});
  }

  /// Sends from a plain thread, which it blocks. Throws closed_channel; std::logic_error in a
  /// goroutine.
  template <class U = T>
    requires std::is_convertible_v<U&&, T>
  void send_blocking(U&& x) const {
    auto op = send(std::forward<U>(x));
    op.prepare();
    send_or_park(core(), op, type_of<decltype(op)>);
    op.result();
  }
  void send_blocking() const
    requires std::is_same_v<T, unit>
  {
    send_blocking(unit{});
  }

  /// Closes the channel: receivers get what is buffered, then "closed"; senders that wait throw.
  /// Any thread. Throws closed_channel "close of closed channel", nil_channel "close of nil
  /// channel".
  void close() const { detail::close_channel(core()); }

 private:
  chan_core* core() const noexcept { return static_cast<const Handle*>(this)->core(); }
};

/// What can be done with a channel that one may receive from.
template <class T, class Handle>
class receiving {
 public:
  /// Receives into `v`; false: closed and drained, then v = T{}. Waits while there is nothing to
  /// receive; a nil channel waits forever. A case of select. O(1), no allocation. Go: v, ok := <-c.
  auto recv(T& v) const noexcept { return receive_operation<T, into_variable<T>>(core(), v); }
  /// As recv(v); `ok` tells what recv(v) returns. Go: case v, ok := <-c.
  auto recv(T& v, bool& ok) const noexcept {
    return receive_operation<T, into_variable<T>>(core(), v, &ok);
  }
  /// As recv(v), for a T without a default.
  auto recv(std::optional<T>& v) const noexcept {
    return receive_operation<T, into_optional<T>>(core(), v);
  }
  /// Receives; nullopt: closed and drained. As a case of select it discards the value. Go: <-c.
  auto recv() const noexcept { return receive_operation<T, into_result<T>>(core()); }

  /// As recv(v), but ends with an error when `ctx` does; on a closed and drained channel with
  /// errc::closed. Tests `ctx` first. Not a case of select.
  template <class Context, class V>
    requires(std::is_same_v<std::remove_cvref_t<Context>, context> &&
             (std::is_same_v<V, T> || std::is_same_v<V, std::optional<T>>))
  auto recv(Context&& ctx, V& v) const {
    return context_first(ctx, recv(v));
  }
  /// As recv(), and nullopt as well when `ctx` ends. Not a case of select.
  template <class Context>
    requires(std::is_same_v<std::remove_cvref_t<Context>, context> && !std::is_same_v<T, context>)
  auto recv(Context&& ctx) const {
    return context_first(ctx, recv());
  }

  /// Receives if that is possible at once. Any thread.
  /// Go: select { case v, ok = <-c: ... default: ... }.
  recv_status try_recv(T& v) const {
    auto op = recv(v);
    op.prepare();
    if (!try_receive_now(core(), op, type_of<decltype(op)>)) return recv_status::empty;
    op.settle();
    return op.result() ? recv_status::received : recv_status::closed;
  }
  recv_status try_recv(std::optional<T>& v) const {
    auto op = recv(v);
    op.prepare();
    if (!try_receive_now(core(), op, type_of<decltype(op)>)) return recv_status::empty;
    op.settle();
    return op.result() ? recv_status::received : recv_status::closed;
  }

  /// Receives on a plain thread, which it blocks. Throws std::logic_error in a goroutine.
  bool recv_blocking(T& v) const {
    auto op = recv(v);
    op.prepare();
    receive_or_park(core(), op, type_of<decltype(op)>);
    op.settle();
    return op.result();
  }
  std::optional<T> recv_blocking() const {
    auto op = recv();
    op.prepare();
    receive_or_park(core(), op, type_of<decltype(op)>);
    op.settle();
    return op.result();
  }

 private:
  chan_core* core() const noexcept { return static_cast<const Handle*>(this)->core(); }
};

}  // namespace detail

/// The view of a channel through which values are sent. Go: chan<- T.
template <class T>
class send_chan : public detail::chan_handle, public detail::sending<T, send_chan<T>> {
 public:
  using value_type = T;
  using chan_handle::core;
  send_chan() noexcept = default;
  send_chan(const chan<T>& c) noexcept : chan_handle(c) {}
};

/// The view of a channel through which values are received. Go: <-chan T.
template <class T>
class recv_chan : public detail::chan_handle, public detail::receiving<T, recv_chan<T>> {
 public:
  using value_type = T;
  using chan_handle::core;
  recv_chan() noexcept = default;
  recv_chan(const chan<T>& c) noexcept : chan_handle(c) {}
};

/// A channel of T: a handle, copied like a pointer; default-constructed it is nil. Handles are
/// equal if they denote the same channel. Values travel by move construction. The handle itself is
/// as thread-safe as a pointer; all operations may be used from everywhere at once. Go: chan T.
template <class T>
class chan : public detail::chan_handle,
             public detail::sending<T, chan<T>>,
             public detail::receiving<T, chan<T>> {
 public:
  using value_type = T;
  using chan_handle::core;
  chan() noexcept = default;

 private:
  template <class U>
  friend chan<U> make_chan(std::size_t capacity);
  explicit chan(detail::chan_core* core) noexcept : chan_handle(core) {}
};

template <class T>
chan<T> make_chan(std::size_t capacity) {
  static_assert(detail::channel_element<T>,
                "a channel's element is an object type that can be moved and destroyed");
  static_assert(alignof(T) <= 16,
                "a channel's element must not be aligned beyond 16 bytes: hold it by pointer");
  return chan<T>(detail::chan_core::make(detail::element_type_of<T>, capacity));
}

}  // namespace burrow

template <class T>
struct std::hash<burrow::chan<T>> {
  std::size_t operator()(const burrow::chan<T>& c) const noexcept {
    return std::hash<const void*>()(c.core());
  }
};
template <class T>
struct std::hash<burrow::send_chan<T>> {
  std::size_t operator()(const burrow::send_chan<T>& c) const noexcept {
    return std::hash<const void*>()(c.core());
  }
};
template <class T>
struct std::hash<burrow::recv_chan<T>> {
  std::size_t operator()(const burrow::recv_chan<T>& c) const noexcept {
    return std::hash<const void*>()(c.core());
  }
};
