// SPDX-License-Identifier: MIT
// task<T>: a lazy coroutine, the unit that goroutines are made of.
//
// A task starts when it is awaited, runs as part of the goroutine that awaits it, and gives its
// result or its exception to that await. Frames come from the worker's pool. Going into a task and
// out of it is a transfer, not a call, so that neither a long loop of tasks nor a deep chain of
// them uses the thread's stack.
#pragma once

#include <burrow/context.hpp>
#include <burrow/detail/carried.hpp>
#include <burrow/detail/memory.hpp>
#include <burrow/detail/operation.hpp>
#include <burrow/unit.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace burrow {

template <class T = void>
class task;

namespace detail {

template <class T>
struct task_promise;

struct task_access;

template <class T>
class task_awaiter;

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

template <class T>
inline constexpr bool always_false = false;

template <class A>
concept awaitable_by_bind = requires(A&& a, goroutine& g) { std::forward<A>(a).bind(g); };

/// The parts of a task's promise that do not depend on its result.
struct task_promise_base : promise_base {
  // The Context that it runs under, owned; null: that of whoever awaits it. While it runs: the
  // Context to go back to. Owned, since the parameter that named it may be moved from or assigned
  // to.
  context_node* own_context = nullptr;

  task_promise_base() noexcept = default;
  task_promise_base(const task_promise_base&) = delete;
  task_promise_base& operator=(const task_promise_base&) = delete;
  ~task_promise_base() {
    if (own_context != nullptr) drop(own_context);  // it has not begun, or it has ended
  }

  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    free_block_memory(frame, size);
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  /// Before the first resume, on the goroutine that runs the task.
  void enter(goroutine& runner, std::coroutine_handle<> awaiting) noexcept {
    g = &runner;
    continuation = awaiting;
    if (own_context != nullptr) swap_context();
  }

  void swap_context() noexcept {
    context_node* other = carried(*g);
    carry(*g, own_context);
    own_context = other;
  }

  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) const noexcept {
      task_promise_base& p = h.promise();
      goroutine& g = *p.g;
      if (p.own_context != nullptr) p.swap_context();
      if (p.continuation) return transfer_to(*g.home, p.continuation);
      g.leaf = h;
      g.home->ended(&g);
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  final_awaiter final_suspend() const noexcept { return {}; }

  // --- what may be awaited -----------------------------------------------------------------------

  template <class U>
  task_awaiter<U> await_transform(task<U>&& t) const noexcept;

  template <class U>
  void await_transform(task<U>&) const noexcept {
    static_assert(always_false<U>,
                  "a task is awaited once, as an rvalue: co_await f(), or co_await std::move(t)");
  }

  template <class Op>
    requires std::is_base_of_v<operation_tag, std::remove_cvref_t<Op>>
  Op&& await_transform(Op&& op) const noexcept {
    static_assert(!std::is_lvalue_reference_v<Op>,
                  "an operation is awaited, or given to select, in the expression that makes it");
    op.who = g;
    op.prepare();
    return static_cast<Op&&>(op);
  }

  template <class A>
    requires(awaitable_by_bind<A> && !std::is_base_of_v<operation_tag, std::remove_cvref_t<A>> &&
             !is_task<std::remove_cvref_t<A>>)
  decltype(auto) await_transform(A&& a) const {
    return std::forward<A>(a).bind(*g);
  }

  template <class A>
    requires(!awaitable_by_bind<A> && !std::is_base_of_v<operation_tag, std::remove_cvref_t<A>> &&
             !is_task<std::remove_cvref_t<A>>)
  void await_transform(A&&) const noexcept {
    static_assert(!std::is_invocable_v<A>, "a function is called to be awaited: co_await f()");
    static_assert(always_false<A>,
                  "a burrow task can await tasks and burrow's operations only: another library's "
                  "awaitable knows no Context and no cancellation");
  }
};

/// The result: nothing yet, a value, or an exception.
template <class T>
class result_slot {
 public:
  result_slot() noexcept {}
  result_slot(const result_slot&) = delete;
  result_slot& operator=(const result_slot&) = delete;
  ~result_slot() {
    if (state_ == state::value) std::destroy_at(std::addressof(value_));
    if (state_ == state::error) std::destroy_at(std::addressof(error_));
  }

  template <class... Args>
  void emplace(Args&&... args) {
    std::construct_at(std::addressof(value_), std::forward<Args>(args)...);
    state_ = state::value;
  }
  void fail(std::exception_ptr error) noexcept {
    std::construct_at(std::addressof(error_), std::move(error));
    state_ = state::error;
  }
  T take() {
    if (state_ == state::error) std::rethrow_exception(std::move(error_));
    return std::move(value_);
  }
  std::exception_ptr error() const noexcept {
    return state_ == state::error ? error_ : std::exception_ptr();
  }

 private:
  enum class state : unsigned char { empty, value, error };
  union {
    T value_;
    std::exception_ptr error_;
  };
  state state_ = state::empty;
};

/// What a result is kept as, where it is kept longer than a frame.
template <class T>
using value_or_unit = std::conditional_t<
    std::is_void_v<T>, unit,
    std::conditional_t<std::is_reference_v<T>, std::add_pointer_t<std::remove_reference_t<T>>, T>>;

template <class T>
struct task_promise : task_promise_base {
  result_slot<T> result;

  task<T> get_return_object() noexcept;
  void unhandled_exception() noexcept { result.fail(std::current_exception()); }
  template <class U = T>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    result.emplace(std::forward<U>(value));
  }
  T take() { return result.take(); }
  std::exception_ptr error() const noexcept { return result.error(); }
};

template <class T>
struct task_promise<T&> : task_promise_base {
  result_slot<T*> result;

  task<T&> get_return_object() noexcept;
  void unhandled_exception() noexcept { result.fail(std::current_exception()); }
  void return_value(T& value) noexcept { result.emplace(std::addressof(value)); }
  T& take() { return *result.take(); }
  std::exception_ptr error() const noexcept { return result.error(); }
};

template <>
struct task_promise<void> : task_promise_base {
  std::exception_ptr failure;

  task<void> get_return_object() noexcept;
  void unhandled_exception() noexcept { failure = std::current_exception(); }
  void return_void() const noexcept {}
  void take() {
    if (failure) std::rethrow_exception(std::move(failure));
  }
  std::exception_ptr error() const noexcept { return failure; }
};

/// For a coroutine whose first parameter is a context, or whose second one is, behind an object: it
/// runs under that Context. It adds no member, so a handle to the base serves for both.
/// For a lambda, GCC gives the promise the closure and the parameters, Clang the parameters alone.
template <class T, bool BehindObject>
struct context_task_promise : task_promise<T> {
  template <class... Rest>
  explicit context_task_promise(const context& ctx, Rest&&...) noexcept {
    own(ctx);
  }
  template <class Object, class... Rest>
    requires(BehindObject && !std::is_same_v<std::remove_cvref_t<Object>, context>)
  explicit context_task_promise(Object&&, const context& ctx, Rest&&...) noexcept {
    own(ctx);
  }

 private:
  void own(const context& ctx) noexcept {
    this->own_context = node_of(ctx);
    retain(this->own_context);
  }
};

template <class... Args>
inline constexpr int context_position = -1;
template <class First, class... Rest>
inline constexpr int context_position<First, Rest...> =
    std::is_same_v<std::remove_cvref_t<First>, context> ? 0 : -1;
template <class First, class Second, class... Rest>
inline constexpr int context_position<First, Second, Rest...> =
    std::is_same_v<std::remove_cvref_t<First>, context> ? 0
    : std::is_reference_v<First> && std::is_class_v<std::remove_cvref_t<First>> &&
            std::is_same_v<std::remove_cvref_t<Second>, context>
        ? 1
        : -1;

template <class T, class... Args>
using promise_for = std::conditional_t<context_position<Args...> == -1, task_promise<T>,
                                       context_task_promise<T, context_position<Args...> == 1>>;

}  // namespace detail

/// A lazy coroutine that gives a T (a value, a reference or void) or throws.
/// Movable; awaited once, as an rvalue: `co_await f()`. A task that is destroyed without having
/// been awaited has not run. Not thread-safe. Go: an ordinary function that may block.
template <class T>
class [[nodiscard(
    "a task does nothing until it is awaited: co_await it, or pass the function to "
    "go()")]] task {
 public:
  using value_type = T;

  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  task(const task&) = delete;
  task& operator=(const task&) = delete;
  ~task() {
    if (frame_) frame_.destroy();
  }

 private:
  friend struct detail::task_promise<T>;
  friend struct detail::task_promise_base;
  friend struct detail::task_access;
  using frame = std::coroutine_handle<detail::task_promise<T>>;

  explicit task(frame f) noexcept : frame_(f) {}

  frame frame_;
};

namespace detail {

/// The runtime's way to a task's frame.
struct task_access {
  template <class T>
  static std::coroutine_handle<task_promise<T>> frame_of(const task<T>& t) noexcept {
    return t.frame_;
  }
  template <class T>
  static std::coroutine_handle<task_promise<T>> release(task<T>&& t) noexcept {
    return std::exchange(t.frame_, nullptr);
  }
};

[[noreturn]] void throw_task_awaited_twice();

template <class T>
class task_awaiter {
 public:
  explicit task_awaiter(task<T>&& t, goroutine& g) noexcept
      : frame_(task_access::release(std::move(t))), g_(g) {}
  task_awaiter(const task_awaiter&) = delete;
  task_awaiter& operator=(const task_awaiter&) = delete;
  ~task_awaiter() {
    if (frame_) frame_.destroy();
  }

  bool await_ready() const {
    if (!frame_) throw_task_awaited_twice();
    return false;
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    goroutine& g = g_;
    worker& w = *g.home;
    frame_.promise().enter(g, awaiting);
    if (g.budget > 1) {
      --g.budget;
      return transfer_to(w, frame_);
    }
    if (g.exiting) return transfer_to(w, frame_);
    g.leaf = frame_;
    w.yield(&g);
    return w.switch_away();
  }
  T await_resume() { return frame_.promise().take(); }

 private:
  std::coroutine_handle<task_promise<T>> frame_;
  goroutine& g_;
};

template <class U>
task_awaiter<U> task_promise_base::await_transform(task<U>&& t) const noexcept {
  return task_awaiter<U>(std::move(t), *g);
}

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
template <class T>
task<T&> task_promise<T&>::get_return_object() noexcept {
  return task<T&>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

}  // namespace detail
}  // namespace burrow

template <class T, class... Args>
struct std::coroutine_traits<burrow::task<T>, Args...> {
  using promise_type = burrow::detail::promise_for<T, Args...>;
};
