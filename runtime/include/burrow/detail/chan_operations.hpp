// SPDX-License-Identifier: MIT
// The operations of a channel, typed: what c.send(x) and c.recv(v) return.
//
// A receive has room for the element, or points at where it goes; the other side constructs it
// there. Assignment to the user's variable happens in the receiver's own goroutine, in result(). A
// send points at the value: its own copy of an lvalue, or the caller's rvalue.
#pragma once

#include <burrow/detail/chan_core.hpp>
#include <burrow/errc.hpp>
#include <burrow/errors.hpp>

#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace burrow::detail {

template <class T>
inline constexpr bool is_trivial_element =
    std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>;

template <class T>
inline constexpr std::size_t element_size = !is_trivial_element<T> ? not_trivial
                                            : std::is_empty_v<T>   ? 0
                                                                   : sizeof(T);

template <class T>
inline constexpr element_type element_type_of = {
    std::is_empty_v<T> ? 0 : static_cast<std::uint32_t>(sizeof(T)),
    is_trivial_element<T>,
    [](void* to, void* from) { ::new (to) T(std::move(*static_cast<T*>(from))); },
    [](void* at) noexcept { std::destroy_at(static_cast<T*>(at)); },
};

/// Where the exception of a move or of an allocation goes; trivial elements have none.
template <class T, bool = is_trivial_element<T>>
struct element_error {
  void point(chan_waiter&) noexcept {}
  void keep() noexcept {}
  void check() const noexcept {}
};
template <class T>
struct element_error<T, false> {
  std::exception_ptr error;
  void point(chan_waiter& w) noexcept { w.error = &error; }
  void keep() noexcept { error = std::current_exception(); }
  void check() {
    if (error) std::rethrow_exception(std::move(error));
  }
};

/// Room for one T.
template <class T>
class element_slot {
 public:
  element_slot() noexcept {}
  element_slot(element_slot&&) noexcept {}  // an operation is moved only while it has nothing
  element_slot& operator=(element_slot&&) = delete;
  ~element_slot() {
    if (full_) std::destroy_at(std::addressof(value_));
  }
  void* place() noexcept { return std::addressof(value_); }
  void mark_full() noexcept { full_ = true; }
  T& value() noexcept { return value_; }

 private:
  union {
    T value_;
  };
  bool full_ = false;
};

// --- where a received element goes ---------------------------------------------------------------

/// Into the user's variable: directly if T is trivial, else by assignment in the receiver.
template <class T, bool = is_trivial_element<T>>
class into_variable {
 public:
  using outcome = bool;
  explicit into_variable(T& v, bool* ok = nullptr) noexcept : variable_(&v), ok_(ok) {}
  void* place() noexcept { return variable_; }
  bool received() noexcept { return set(true); }
  bool closed() {
    static_assert(std::is_default_constructible_v<T> && std::is_move_assignable_v<T>,
                  "recv(v) sets v to T{} when the channel is closed; for a T without a default "
                  "receive into a std::optional<T>");
    *variable_ = T{};
    return set(false);
  }

 private:
  bool set(bool ok) noexcept {
    if (ok_ != nullptr) *ok_ = ok;
    return ok;
  }
  T* variable_;
  bool* ok_;
};

template <class T>
class into_variable<T, false> {
 public:
  using outcome = bool;
  explicit into_variable(T& v, bool* ok = nullptr) noexcept : variable_(&v), ok_(ok) {}
  void* place() noexcept { return slot_.place(); }
  bool received() {
    slot_.mark_full();
    *variable_ = std::move(slot_.value());
    return set(true);
  }
  bool closed() {
    static_assert(std::is_default_constructible_v<T> && std::is_move_assignable_v<T>,
                  "recv(v) sets v to T{} when the channel is closed; for a T without a default "
                  "receive into a std::optional<T>");
    *variable_ = T{};
    return set(false);
  }

 private:
  bool set(bool ok) noexcept {
    if (ok_ != nullptr) *ok_ = ok;
    return ok;
  }
  T* variable_;
  bool* ok_;
  element_slot<T> slot_;
};

template <class T>
class into_optional {
 public:
  using outcome = bool;
  explicit into_optional(std::optional<T>& v) noexcept : variable_(&v) {}
  void* place() noexcept { return slot_.place(); }
  bool received() {
    slot_.mark_full();
    variable_->emplace(std::move(slot_.value()));
    return true;
  }
  bool closed() noexcept {
    variable_->reset();
    return false;
  }

 private:
  std::optional<T>* variable_;
  element_slot<T> slot_;
};

template <class T>
class into_result {
 public:
  using outcome = std::optional<T>;
  void* place() noexcept { return slot_.place(); }
  std::optional<T> received() {
    slot_.mark_full();
    return std::optional<T>(std::move(slot_.value()));
  }
  std::optional<T> closed() noexcept { return std::nullopt; }

 private:
  element_slot<T> slot_;
};

// --- the operations ------------------------------------------------------------------------------

template <class T, class Destination>
class [[nodiscard(
    "a receive does nothing until it is awaited or given to select")]] receive_operation
    : public operation<receive_operation<T, Destination>, chan_waiter> {
 public:
  static constexpr wait_reason reason = wait_reason::chan_receive;
  static constexpr wait_reason reason_without_source() noexcept {
    return wait_reason::chan_receive_nil;
  }

  template <class... Args>
  explicit receive_operation(chan_core* core, Args&&... args) noexcept
      : core_(core), destination_(std::forward<Args>(args)...) {}
  receive_operation(receive_operation&&) noexcept = default;

  void prepare() noexcept {
    this->value = destination_.place();
    error_.point(*this);
  }
  wait_source* source() const noexcept { return core_; }
  bool ready() const noexcept { return core_->may_receive(); }
  BURROW_ALWAYS_INLINE bool attempt(goroutine*& woken) noexcept {
    return core_->try_receive<element_size<T>>(*this, woken);
  }
  void enlist() noexcept { core_->enlist_receiver(*this); }
  void delist() noexcept {}
  void leave() noexcept { core_->leave_receivers(*this); }
  void settle() noexcept {
    if constexpr (!is_trivial_element<T>) {
      if (!this->has_cell) return;
      chan_cell* cell = this->cell;
      this->has_cell = false;
      try {
        core_->take_cell(cell, this->value);
      } catch (...) {
        error_.keep();
      }
    }
  }
  typename Destination::outcome result() {
    if (!this->delivered) return destination_.closed();
    error_.check();
    return destination_.received();
  }
  /// For the forms with a Context first.
  auto context_first_result() {
    if constexpr (std::is_same_v<typename Destination::outcome, bool>) {
      return result() ? std::error_code() : std::error_code(errc::closed);
    } else {
      return result();
    }
  }

 private:
  chan_core* core_;
  [[no_unique_address]] Destination destination_;
  [[no_unique_address]] element_error<T> error_;
};

/// What a send of an element that is not trivial has: the element (Held is T), or a reference to
/// the caller's rvalue, of T or of a type that converts to it (Held is U&&).
template <class T, class Held>
struct held_element : element_source {
  Held held;

  template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>, held_element>)
  explicit held_element(U&& x)
      : element_source{[](void* to, element_source& from) {
          ::new (to) T(std::move(static_cast<held_element&>(from).held));
        }},
        held(std::forward<U>(x)) {}
  held_element(held_element&&) = default;
  void* place() noexcept { return static_cast<element_source*>(this); }
};

/// Trivial elements are copied in any case.
template <class T>
struct trivial_element {
  T held;
  template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>, trivial_element>)
  explicit trivial_element(U&& x) : held(std::forward<U>(x)) {}
  void* place() noexcept { return std::addressof(held); }
};

/// A send; Held is T (a copy that the operation owns) or U&& (the caller's rvalue).
template <class T, class Held>
class [[nodiscard("a send does nothing until it is awaited or given to select")]] send_operation
    : public operation<send_operation<T, Held>, chan_waiter> {
  using element =
      std::conditional_t<is_trivial_element<T>, trivial_element<T>, held_element<T, Held>>;

 public:
  static constexpr wait_reason reason = wait_reason::chan_send;
  static constexpr wait_reason reason_without_source() noexcept {
    return wait_reason::chan_send_nil;
  }
  static constexpr bool refers_to_rvalue = std::is_rvalue_reference_v<Held>;

  template <class U>
  send_operation(chan_core* core, U&& x) : core_(core), element_(std::forward<U>(x)) {}
  send_operation(send_operation&&) noexcept(std::is_nothrow_move_constructible_v<Held>) = default;

  void prepare() noexcept {
    this->value = element_.place();
    error_.point(*this);
  }
  wait_source* source() const noexcept { return core_; }
  bool ready() const noexcept { return core_->may_send(); }
  BURROW_ALWAYS_INLINE bool attempt(goroutine*& woken) noexcept {
    return core_->try_send<element_size<T>>(*this, woken);
  }
  void enlist() noexcept { core_->enlist_sender(*this); }
  void delist() noexcept {}
  void leave() noexcept { core_->leave_senders(*this); }
  void result() {
    if (this->closed) throw_send_on_closed();
    error_.check();
  }
  std::error_code context_first_result() {
    if (this->closed) return errc::closed;
    error_.check();
    return {};
  }

 private:
  chan_core* core_;
  element element_;
  [[no_unique_address]] element_error<T> error_;
};

/// Whether a send of U&& refers to the caller's object until it happens: an rvalue from which a
/// move takes something away.
template <class T, class U>
inline constexpr bool sends_by_reference =
    std::is_same_v<U, T> || (!std::is_reference_v<U> && !std::is_const_v<U> &&
                             !is_trivial_element<T> && !std::is_trivially_copyable_v<U>);

}  // namespace burrow::detail
