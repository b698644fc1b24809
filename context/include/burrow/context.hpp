// SPDX-License-Identifier: MIT
// The Context: how long some work is wanted, and the values that go with it. Go: package context.
//
// A `context` is a handle to a node of a tree. What is derived from a Context ends, at the latest,
// when that one does. All functions here may be called from any thread, with or without a runtime;
// only a deadline in the future needs one, for its timer.
//
//   auto [ctx, cancel] = with_timeout(parent, 50ms);   // Go: defer cancel() is cancel's destructor
//   switch (co_await select(ctx.done(), in.recv(v))) {
//     case 0: co_return ctx.err();
//
// Rules of use, as in Go: pass a Context as the first parameter, keep none in an object that
// outlives the work, and put into its values only what travels with a request.
#pragma once

#include <burrow/context_key.hpp>
#include <burrow/detail/after_func.hpp>
#include <burrow/detail/cause.hpp>
#include <burrow/detail/context_node.hpp>
#include <burrow/detail/done.hpp>
#include <burrow/detail/saturated.hpp>
#include <burrow/detail/value_node.hpp>
#include <burrow/errc.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace burrow {

class context;
template <class Cancel>
class derived_context;

namespace detail {

struct maker;

context_node* node_of(const context& ctx) noexcept;
/// Adds a reference.
context from_node(context_node* n) noexcept;
/// Takes over the caller's reference.
context adopt_node(context_node* n) noexcept;
/// The node of a parent. Throws std::invalid_argument for a nil Context, in Go's words.
context_node& parent_node(const context& parent);

[[noreturn]] void throw_nil_context_used();

}  // namespace detail

// --- the handle ----------------------------------------------------------------------------------

/// A Context. Copied like a pointer; default-constructed it is nil, and everything but copying,
/// comparing and testing throws std::invalid_argument. Any number of threads may use copies of a
/// handle, and one handle as long as none of them assigns to it. Two handles are equal if they
/// stand for the same Context. Go: context.Context.
class context {
 public:
  constexpr context() noexcept = default;
  constexpr context(std::nullptr_t) noexcept {}
  context(const context& other) noexcept : node_(other.node_) { detail::retain(node_); }
  context(context&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  context& operator=(const context& other) noexcept {
    context copy(other);
    std::swap(node_, copy.node_);
    return *this;
  }
  context& operator=(context&& other) noexcept {
    context taken(std::move(other));
    std::swap(node_, taken.node_);
    return *this;
  }
  ~context() { detail::drop(node_); }

  /// Waits until this Context has ended: `co_await ctx.done()`, or a case of select. It never ends
  /// if nothing above it can. Like every operation of a channel it watches nothing else. Go:
  /// <-ctx.Done()
  [[nodiscard]] detail::done_operation done() const& {
    return detail::done_operation(node().source);
  }
  [[nodiscard]] detail::done_operation done() && {
    return detail::done_operation(node().source, true);
  }

  /// Zero while it lives; then, for ever, errc::canceled, errc::deadline_exceeded, or what a custom
  /// Context has said. One atomic load. Whoever sees an error finds done() ready. Go: ctx.Err()
  std::error_code err() const {
    const detail::cancellable_node* source = node().source;
    if (source == nullptr || !source->has_ended()) return {};
    return detail::error_of(*source);
  }

  /// When it will end by itself, the earliest time on the way up; nullopt: never. Go:
  /// ctx.Deadline()
  std::optional<std::chrono::steady_clock::time_point> deadline() const;

  /// The value that is bound to `key` here or above, the nearest one; null: there is none. The
  /// value lives as long as a handle to this Context does. O(depth). Go: ctx.Value(key)
  template <class T>
  const T* value(const context_key<T>& key) const {
    return static_cast<const T*>(detail::find_value(node(), &key));
  }

  /// Why it ended: what was given to a `cancel` of the _cause forms or to with_timeout_cause(),
  /// else a std::system_error with err(). Null exactly while err() is zero. Go: context.Cause(ctx)
  std::exception_ptr cause() const {
    const detail::cancellable_node* source = node().source;
    return source != nullptr ? detail::cause_of(*source) : nullptr;
  }

  /// False: nil.
  explicit operator bool() const noexcept { return node_ != nullptr; }
  friend bool operator==(const context&, const context&) noexcept = default;

 private:
  friend detail::context_node* detail::node_of(const context&) noexcept;
  friend context detail::from_node(detail::context_node*) noexcept;
  friend context detail::adopt_node(detail::context_node*) noexcept;
  template <class Cancel>
  friend class derived_context;

  explicit context(detail::context_node* n) noexcept : node_(n) {}

  const detail::context_node& node() const {
    if (node_ == nullptr) [[unlikely]]
      detail::throw_nil_context_used();
    return *node_;
  }

  detail::context_node* node_ = nullptr;
};

namespace detail {

inline context_node* node_of(const context& ctx) noexcept { return ctx.node_; }
inline context from_node(context_node* n) noexcept {
  retain(n);
  return context(n);
}
inline context adopt_node(context_node* n) noexcept { return context(n); }

}  // namespace detail

/// The root of all Contexts: never ends, has no values. Go: context.Background()
inline context background() noexcept { return detail::from_node(&detail::background_node); }
/// The same, where it is not clear yet which Context to use. Go: context.TODO()
inline context todo() noexcept { return detail::from_node(&detail::todo_node); }

/// How it was made, from the root on: "context.Background.WithCancel.WithValue(user, main.user)". A
/// deadline is shown as the time of day in UTC that it amounts to now, and what remains until then.
/// Of values only texts are shown, and what has a to_string() of its own; of all others the type.
/// nil: "<nil>". Throws std::bad_alloc. Go: fmt.Sprint(ctx)
std::string to_string(const context& ctx);

// --- cancel --------------------------------------------------------------------------------------

/// Ends a Context and owns nothing: copied freely, and nothing happens when it is destroyed.
class cancel_trigger {
 public:
  cancel_trigger() noexcept = default;

  /// As the cancel object that this came from.
  void operator()() const noexcept;

 private:
  friend class cancel_function;
  explicit cancel_trigger(context ctx) noexcept : ctx_(std::move(ctx)) {}
  context ctx_;
};

/// As cancel_trigger; takes a cause as cancel_cause_function does.
class cancel_cause_trigger {
 public:
  cancel_cause_trigger() noexcept = default;

  void operator()() const noexcept { end({}); }
  template <detail::cause_argument Cause>
  void operator()(Cause&& cause) const {
    end(detail::to_cause(std::forward<Cause>(cause)));
  }

 private:
  friend class cancel_cause_function;
  explicit cancel_cause_trigger(context ctx) noexcept : ctx_(std::move(ctx)) {}
  void end(std::exception_ptr cause) const noexcept;
  context ctx_;
};

namespace detail {

/// What cancel objects share: one of the two references that a new node has, see context_node.hpp.
class cancel_object {
 public:
  cancel_object() noexcept = default;
  cancel_object(cancel_object&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  cancel_object& operator=(cancel_object&& other) noexcept {
    if (this != &other) {
      reset();
      node_ = std::exchange(other.node_, nullptr);
    }
    return *this;
  }
  ~cancel_object() { reset(); }

 protected:
  explicit cancel_object(cancellable_node* n) noexcept : node_(n) {}

  void end(std::exception_ptr* cause) const noexcept {
    if (node_ != nullptr) detail::end(*node_, {ended_by::canceled, cause});
  }
  context handle() const noexcept { return from_node(node_); }

 private:
  template <class Cancel>
  friend class burrow::derived_context;

  void reset() noexcept {
    if (node_ != nullptr) end_and_drop(*std::exchange(node_, nullptr), 1);
  }

  cancellable_node* node_ = nullptr;
};

}  // namespace detail

/// Ends a Context and all that is derived from it, at the latest when it is destroyed.
/// Move-only; moved-from or default-constructed it does nothing.
class cancel_function : public detail::cancel_object {
 public:
  cancel_function() noexcept = default;

  /// Returns when the Context and everything derived from it is done, also if somebody else is just
  /// ending it. Runs no user code; who was woken has not run yet. Any number of times, any thread.
  /// Go: a context.CancelFunc
  void operator()() const noexcept { end(nullptr); }

  /// Something to capture that cancels, and owns nothing.
  cancel_trigger trigger() const noexcept { return cancel_trigger(handle()); }

 private:
  friend struct detail::maker;
  explicit cancel_function(detail::cancellable_node* n) noexcept : cancel_object(n) {}
};

/// As cancel_function, and tells why. Go: a context.CancelCauseFunc
class cancel_cause_function : public detail::cancel_object {
 public:
  cancel_cause_function() noexcept = default;

  void operator()() const noexcept { end(nullptr); }
  /// `cause`: a std::exception_ptr, a std::error_code, an error enum, or any exception object. A
  /// null pointer or a zero code is no cause; then the error is the cause. Only the first ending of
  /// a Context sets its cause.
  template <detail::cause_argument Cause>
  void operator()(Cause&& cause) const {
    std::exception_ptr e = detail::to_cause(std::forward<Cause>(cause));
    end(&e);
  }

  cancel_cause_trigger trigger() const noexcept { return cancel_cause_trigger(handle()); }

 private:
  friend struct detail::maker;
  explicit cancel_cause_function(detail::cancellable_node* n) noexcept : cancel_object(n) {}
};

/// What with_cancel() and its kin return; it can only be taken apart:
/// `auto [ctx, cancel] = with_cancel(parent);`
template <class Cancel>
class [[nodiscard("a Context that nobody holds is cancelled at once")]] derived_context {
 public:
  derived_context(context ctx, Cancel cancel) noexcept
      : ctx_(std::move(ctx)), cancel_(std::move(cancel)) {}
  derived_context(const derived_context&) = delete;
  derived_context& operator=(const derived_context&) = delete;
  ~derived_context() {
    if constexpr (std::is_base_of_v<detail::cancel_object, Cancel>) drop_both();
  }

  template <std::size_t I>
  auto&& get() && noexcept {
    if constexpr (I == 0) {
      return std::move(ctx_);
    } else {
      return std::move(cancel_);
    }
  }
  template <std::size_t I>
  auto&& get() const&& noexcept {
    if constexpr (I == 0) {
      return std::move(ctx_);
    } else {
      return std::move(cancel_);
    }
  }

 private:
  /// If neither was moved away, their two references go in one step.
  void drop_both() noexcept {
    detail::cancel_object& cancel = cancel_;
    if (cancel.node_ == nullptr || cancel.node_ != ctx_.node_) return;
    ctx_.node_ = nullptr;
    detail::end_and_drop(*std::exchange(cancel.node_, nullptr), 2);
  }

  context ctx_;
  Cancel cancel_;
};

// --- deriving ------------------------------------------------------------------------------------
//
// Each throws std::invalid_argument ("cannot create context from nil parent") for a nil parent, and
// std::bad_alloc. Deriving from a Context that has ended gives one that has ended likewise. O(1).

namespace detail {

/// Makes what users cannot make.
struct maker {
  template <class Cancel>
  static derived_context<Cancel> make(cancellable_node* n) noexcept {
    return derived_context<Cancel>(adopt_node(n), Cancel(n));
  }
  template <class Stop>
  static Stop make_stop(after_func_node* n) noexcept {
    return Stop(n);
  }
};

template <class Cancel>
derived_context<Cancel> make_timeout(const context& parent, nanoseconds_t d,
                                     std::exception_ptr cause) {
  context_node& up = parent_node(parent);
  const nanoseconds_t now = steady_now();
  return maker::make<Cancel>(new_deadline(up, now, later(now, d), std::move(cause)));
}

template <class Cancel>
derived_context<Cancel> make_deadline(const context& parent, nanoseconds_t due,
                                      std::exception_ptr cause) {
  context_node& up = parent_node(parent);
  return maker::make<Cancel>(new_deadline(up, steady_now(), due, std::move(cause)));
}

}  // namespace detail

/// A Context that ends when `cancel` is called or destroyed, or when `parent` ends.
/// Go: ctx, cancel := context.WithCancel(parent); defer cancel()
inline derived_context<cancel_function> with_cancel(const context& parent) {
  return detail::maker::make<cancel_function>(detail::new_cancel(detail::parent_node(parent)));
}

/// As with_cancel(); `cancel` takes the cause. Go: context.WithCancelCause
inline derived_context<cancel_cause_function> with_cancel_cause(const context& parent) {
  return detail::maker::make<cancel_cause_function>(
      detail::new_cancel_cause(detail::parent_node(parent)));
}

/// As with_cancel(), and ends with errc::deadline_exceeded at the time `t`; if the parent's
/// deadline is earlier, that one counts. `cancel` before that time gives errc::canceled. Throws
/// std::logic_error for a time in the future where no runtime runs. The deadline ends with the
/// runtime in which it was made: a Context that outlives that can only be cancelled.
/// Go: context.WithDeadline
template <class Duration>
derived_context<cancel_function> with_deadline(
    const context& parent, std::chrono::time_point<std::chrono::steady_clock, Duration> t) {
  return detail::make_deadline<cancel_function>(parent, detail::saturated_ns(t.time_since_epoch()),
                                                nullptr);
}

/// As with_deadline(); `cause` is the cause if the deadline passes (not if it is cancelled, and not
/// if the parent's deadline is earlier). Go: context.WithDeadlineCause
template <class Duration, detail::cause_argument Cause>
derived_context<cancel_function> with_deadline_cause(
    const context& parent, std::chrono::time_point<std::chrono::steady_clock, Duration> t,
    Cause&& cause) {
  return detail::make_deadline<cancel_function>(parent, detail::saturated_ns(t.time_since_epoch()),
                                                detail::to_cause(std::forward<Cause>(cause)));
}

/// with_deadline() at now + d. Go: context.WithTimeout
template <class Rep, class Period>
derived_context<cancel_function> with_timeout(const context& parent,
                                              std::chrono::duration<Rep, Period> d) {
  return detail::make_timeout<cancel_function>(parent, detail::saturated_ns(d), nullptr);
}

/// with_deadline_cause() at now + d. Go: context.WithTimeoutCause
template <class Rep, class Period, detail::cause_argument Cause>
derived_context<cancel_function> with_timeout_cause(const context& parent,
                                                    std::chrono::duration<Rep, Period> d,
                                                    Cause&& cause) {
  return detail::make_timeout<cancel_function>(parent, detail::saturated_ns(d),
                                               detail::to_cause(std::forward<Cause>(cause)));
}

/// A Context with the values of `parent` that never ends, and has no deadline. What is derived from
/// it is not ended by what ends `parent` either. Go: context.WithoutCancel
[[nodiscard]] inline context without_cancel(const context& parent) {
  return detail::adopt_node(detail::new_without_cancel(detail::parent_node(parent)));
}

/// A Context in which `key` is bound to `v`; it ends with `parent`. Go: context.WithValue
template <class T>
[[nodiscard]] context with_value(const context& parent, const context_key<T>& key,
                                 std::type_identity_t<T> v) {
  static_assert(
      std::is_object_v<T> && !std::is_const_v<T>,
      "the type of a context_key is the plain type of the value: not a reference, not const");
  detail::context_node& up = detail::parent_node(parent);
  auto* n = detail::new_node<detail::value_node_of<T>>(up, detail::deadline_of(up), &key,
                                                       key.name(), std::move(v));
  detail::retain(&up);
  return detail::adopt_node(n);
}

// --- after_func ----------------------------------------------------------------------------------

/// What after_func() returns: calls it off. Copied freely; when the last copy is destroyed it
/// detaches, and the callable still runs. Go: the stop of context.AfterFunc
class stop_function {
 public:
  stop_function() noexcept = default;
  stop_function(const stop_function& other) noexcept : node_(other.node_) { detail::retain(node_); }
  stop_function(stop_function&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  stop_function& operator=(stop_function other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~stop_function() { detail::drop(node_); }

  /// True: this call has prevented the run. False: it was started, or stopped before. Never waits.
  bool operator()() const noexcept { return node_ != nullptr && detail::stop_waiting(*node_); }

 private:
  friend struct detail::maker;
  explicit stop_function(detail::after_func_node* n) noexcept : node_(n) {}

  detail::after_func_node* node_ = nullptr;
};

/// Runs `f` once, in a goroutine of its own, after `ctx` has ended; at once if it has. Never inside
/// the call that ends `ctx`. Where no runtime runs when `ctx` ends, `f` runs on a detached thread,
/// and must not need a goroutine. Throws std::bad_alloc; std::invalid_argument for a nil Context.
/// Go: context.AfterFunc
template <class F>
  requires(std::invocable<std::decay_t<F>&> &&
           !detail::has_to_be_awaited<std::invoke_result_t<std::decay_t<F>&>>)
stop_function after_func(const context& ctx, F&& f,
                         std::source_location where = std::source_location::current()) {
  detail::context_node& up = detail::parent_node(ctx);
  using callable = std::decay_t<F>;
  auto* n = detail::new_node<detail::after_func_node_of<callable>>(up, callable(std::forward<F>(f)),
                                                                   where);
  stop_function stop = detail::maker::make_stop<stop_function>(n);
  detail::wait_for_end(*n);
  return stop;
}

}  // namespace burrow

template <class Cancel>
struct std::tuple_size<burrow::derived_context<Cancel>> : std::integral_constant<std::size_t, 2> {};
template <class Cancel>
struct std::tuple_element<0, burrow::derived_context<Cancel>> {
  using type = burrow::context;
};
template <class Cancel>
struct std::tuple_element<1, burrow::derived_context<Cancel>> {
  using type = Cancel;
};

template <>
struct std::hash<burrow::context> {
  std::size_t operator()(const burrow::context& ctx) const noexcept {
    return std::hash<const void*>()(burrow::detail::node_of(ctx));
  }
};

#include <burrow/custom_context.hpp>
