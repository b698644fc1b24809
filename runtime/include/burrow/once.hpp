// SPDX-License-Identifier: MIT
// once: runs a function once, however many goroutines ask for it.
#pragma once

#include <burrow/detail/operation.hpp>
#include <burrow/task.hpp>

#include <coroutine>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace burrow {

namespace detail {

class once_core : public wait_source {
 public:
  /// acquire: sees what the function did; pairs with the release in finish().
  bool is_done() const noexcept { return state_.load(acquire) == done; }
  /// True: the caller has to run the function, and then to call finish(). Any thread.
  bool begin() noexcept {
    int expected = idle;
    return state_.load(relaxed) == idle &&
           state_.compare_exchange_strong(expected, running, relaxed);
  }
  void finish() noexcept;

  wait_list waiters;  // under the lock

 private:
  enum : int { idle, running, done };
  atomic<int> state_{idle};  // `done` is set under the lock
};

/// For those who come while the function runs.
class once_wait : public operation<once_wait> {
 public:
  static constexpr wait_reason reason = wait_reason::once_call;

  explicit once_wait(once_core& core) noexcept : core_(&core) {}

  wait_source* source() const noexcept { return core_; }
  bool ready() const noexcept { return core_->is_done(); }
  bool attempt(goroutine*&) noexcept { return core_->is_done(); }
  void enlist() noexcept { core_->waiters.push_back(*this); }
  void delist() noexcept { core_->waiters.remove(*this); }
  void result() const noexcept {}

 private:
  once_core* core_;
};

/// Runs the function or waits for whoever runs it.
template <class F>
task<> call_once(once_core& core, F& f) {
  struct ending {
    once_core& core;
    ~ending() { core.finish(); }
  };
  if (!core.begin()) {
    co_await once_wait(core);
    co_return;
  }
  const ending end{core};
  if constexpr (is_task<std::remove_cvref_t<std::invoke_result_t<F&>>>) {
    co_await std::invoke(f);
  } else {
    std::invoke(f);
  }
}

template <class F>
class [[nodiscard("call() does nothing until it is awaited")]] once_call {
 public:
  class awaiter {
   public:
    awaiter(goroutine& g, once_core& core, F& f) noexcept : g_(g), core_(core), f_(f) {}
    bool await_ready() noexcept {
      if (!core_.is_done()) return false;
      if (g_.budget <= 1) {
        refused_ = g_.exiting && !g_.shielded;
        return refused_;
      }
      --g_.budget;
      return true;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
      if (core_.is_done()) return yield_to_others(g_, h);
      inner_.emplace(call_once(core_, f_), g_);
      return inner_->await_suspend(h);
    }
    void await_resume() {
      if (refused_) throw goroutine_exit{};
      if (inner_) inner_->await_resume();
    }

   private:
    goroutine& g_;
    once_core& core_;
    F& f_;
    std::optional<task_awaiter<void>> inner_;
    bool refused_ = false;
  };

  once_call(once_core& core, F&& f) : core_(core), f_(std::forward<F>(f)) {}
  awaiter bind(goroutine& g) && noexcept { return awaiter(g, core_, f_); }

 private:
  once_core& core_;
  F f_;  // a reference, if an lvalue was given
};

}  // namespace detail

/// Runs a function once. Any number of goroutines may call, also at the same time. The only
/// allocation is in the calls that find it not done yet. Go: sync.Once.
class once {
 public:
  once() noexcept = default;
  once(const once&) = delete;
  once& operator=(const once&) = delete;

  /// Awaited: the first call runs `f()`, a plain callable or one that returns a task; calls that
  /// come meanwhile wait until it has ended, later ones do nothing. What `f` did is seen after each
  /// of them. If `f` throws, or its goroutine is unwound in it, it counts as done: the first caller
  /// sees the exception, the others nothing. Not a case of select. A call from within `f` waits for
  /// itself. Throws std::bad_alloc; goroutine_exit in a goroutine that was abandoned. Go:
  /// once.Do(f).
  template <class F>
    requires std::is_invocable_v<std::remove_reference_t<F>&>
  detail::once_call<F> call(F&& f BURROW_LIFETIMEBOUND) BURROW_LIFETIMEBOUND {
    return detail::once_call<F>(core_, std::forward<F>(f));
  }

 private:
  detail::once_core core_;
};

}  // namespace burrow
