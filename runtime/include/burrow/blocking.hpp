// SPDX-License-Identifier: MIT
// blocking: runs a call that blocks on a thread where that is allowed.
#pragma once

#include <burrow/detail/blocking_job.hpp>
#include <burrow/detail/operation.hpp>
#include <burrow/task.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace burrow {

namespace detail {

/// Hands the job to the pool of the goroutine's runtime. Throws std::system_error.
void submit_blocking(goroutine& g, blocking_job& job);

template <class F>
class blocking_awaiter : private blocking_job {
 public:
  using result_type = std::invoke_result_t<F&>;

  blocking_awaiter(goroutine& g, F& f) noexcept : g_(g), f_(f) {}
  blocking_awaiter(const blocking_awaiter&) = delete;
  blocking_awaiter& operator=(const blocking_awaiter&) = delete;

  bool await_ready() noexcept {
    refused_ = g_.exiting && !g_.shielded;
    return refused_;
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    worker& w = *g_.home;
    g_.leaf = h;
    g_.in_blocking = true;
    g_.begin_firm_wait(wait_reason::blocking_call);
    run = [](blocking_job& job) noexcept { static_cast<blocking_awaiter&>(job).call(); };
    try {
      submit_blocking(g_, *this);
    } catch (...) {
      result_.fail(std::current_exception());
      g_.word.claim(0);
      return transfer_to(w, h);
    }
    return w.switch_away();
  }
  result_type await_resume() {
    g_.in_blocking = false;
    if (refused_) throw goroutine_exit{};
    if constexpr (std::is_void_v<result_type>) {
      result_.take();
    } else if constexpr (std::is_reference_v<result_type>) {
      return static_cast<result_type>(*result_.take());
    } else {
      return result_.take();
    }
  }

 private:
  void call() noexcept {
    try {
      if constexpr (std::is_void_v<result_type>) {
        f_();
        result_.emplace();
      } else if constexpr (std::is_reference_v<result_type>) {
        auto&& value = f_();
        result_.emplace(std::addressof(value));
      } else {
        result_.emplace(f_());
      }
    } catch (...) {
      result_.fail(std::current_exception());
    }
    goroutine& g = g_;
    if (g.word.claim(0)) wake(&g);
  }

  goroutine& g_;
  F& f_;
  bool refused_ = false;
  result_slot<value_or_unit<result_type>> result_;
};

template <class F>
class [[nodiscard("co_await blocking(f)")]] blocking_statement {
 public:
  explicit blocking_statement(F&& f) : f_(std::move(f)) {}
  explicit blocking_statement(const F& f) : f_(f) {}
  blocking_awaiter<F> bind(goroutine& g) && noexcept { return {g, f_}; }

 private:
  F f_;
};

}  // namespace detail

/// Calls `f` on a thread of the pool and waits for it, always: neither a Context nor abandonment
/// ends the wait. Gives what `f` returns, or throws what it throws; std::system_error if no thread
/// can be had. At most 512 calls run at the same time, further ones wait for their turn.
template <class F>
auto blocking(F&& f) {
  static_assert(!detail::is_task<std::remove_cvref_t<std::invoke_result_t<std::decay_t<F>&>>>,
                "blocking takes a plain function: a task is awaited where it is");
  return detail::blocking_statement<std::decay_t<F>>(std::forward<F>(f));
}

}  // namespace burrow
