// SPDX-License-Identifier: MIT
// deferred<T>: the result of a child, once it is there.
#pragma once

#include <burrow/detail/operation.hpp>
#include <burrow/task.hpp>

#include <memory>
#include <tuple>

namespace burrow {

namespace detail {

class deferred_base : public wait_source {
 public:
  bool is_done() const noexcept { return done_.load(acquire); }
  void enlist(waiter& w) noexcept { waiters_.push_back(w); }
  void delist(waiter& w) noexcept { waiters_.remove(w); }
  /// Publishes the result, and wakes who waits for it.
  void finish() noexcept;
  /// Throws std::logic_error if the result was taken before.
  void take_once();

 private:
  atomic<bool> done_{false};
  bool taken_ = false;
  wait_list waiters_;
};

template <class T>
struct deferred_state : deferred_base {
  result_slot<value_or_unit<T>> result;
  static std::shared_ptr<deferred_state> make() { return std::make_shared<deferred_state>(); }
};

template <class T>
class [[nodiscard("co_await the deferred result")]] deferred_operation
    : public operation<deferred_operation<T>> {
 public:
  static constexpr wait_reason reason = wait_reason::join;
  deferred_operation(deferred_state<T>& state, goroutine& g) noexcept : state_(&state) {
    this->who = &g;
  }
  wait_source* source() const noexcept { return state_; }
  bool ready() const noexcept { return state_->is_done(); }
  bool attempt(goroutine*&) noexcept { return state_->is_done(); }
  void enlist() noexcept { state_->enlist(*this); }
  void delist() noexcept { state_->delist(*this); }
  T result() {
    state_->take_once();
    if constexpr (std::is_void_v<T>) {
      state_->result.take();
    } else if constexpr (std::is_reference_v<T>) {
      return *state_->result.take();
    } else {
      return state_->result.take();
    }
  }

 private:
  deferred_state<T>* state_;
};

/// The child's end of a deferred. A child that never begins, since its scope has failed, leaves
/// goroutine_exit there.
template <class T>
class deferred_end {
 public:
  explicit deferred_end(std::shared_ptr<deferred_state<T>> state) noexcept
      : state_(std::move(state)) {}
  deferred_end(deferred_end&&) noexcept = default;
  deferred_end& operator=(deferred_end&&) = delete;
  ~deferred_end() {
    if (state_) fail(std::make_exception_ptr(goroutine_exit{}));
  }

  template <class... Args>
  void give(Args&&... args) {
    state_->result.emplace(std::forward<Args>(args)...);
    std::exchange(state_, nullptr)->finish();
  }
  void fail(std::exception_ptr error) noexcept {
    state_->result.fail(std::move(error));
    std::exchange(state_, nullptr)->finish();
  }

 private:
  std::shared_ptr<deferred_state<T>> state_;
};

/// The body of a child that group.async() starts.
template <class T, class F, class Arguments>
task<> run_deferred(deferred_end<T> end, F f, Arguments arguments) {
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::apply(f, std::move(arguments));
      end.give();
    } else if constexpr (std::is_reference_v<T>) {
      T result = co_await std::apply(f, std::move(arguments));
      end.give(std::addressof(result));
    } else {
      end.give(co_await std::apply(f, std::move(arguments)));
    }
  } catch (...) {
    error = std::current_exception();
    end.fail(error);
  }
  if (error) std::rethrow_exception(std::move(error));
}

}  // namespace detail

/// The result of a child that group.async() has started: `T x = co_await d;`, once. Rethrows what
/// left the child. Movable; it may be dropped. Not to be awaited by two goroutines.
template <class T>
class deferred {
 public:
  explicit deferred(std::shared_ptr<detail::deferred_state<T>> state) noexcept
      : state_(std::move(state)) {}

  detail::deferred_operation<T> bind(detail::goroutine& g) const noexcept { return {*state_, g}; }
  /// Whether the result is there.
  bool ready() const noexcept { return state_->is_done(); }

 private:
  std::shared_ptr<detail::deferred_state<T>> state_;
};

}  // namespace burrow
