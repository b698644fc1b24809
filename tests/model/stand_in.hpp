// SPDX-License-Identifier: MIT
// A goroutine of a model that is a thread of the model as well: it awaits the operations that ship,
// by the calls that a compiler makes for co_await. Each has a worker of its own, which never runs a
// turn: what an operation makes runnable there, or in the global queue, is resumed by its maker.
// What its thread resumes is its frame, or the hook that an awaiter has put in the place of it.
#pragma once

#include "checker.hpp"
#include "seam.hpp"

#include <burrow/detail/operation.hpp>
#include <burrow/detail/scheduler.hpp>
#include <burrow/goroutine_exit.hpp>

#include <array>
#include <utility>

namespace model {

using namespace burrow::detail;

class stand_ins;

class stand_in : public goroutine {
 public:
  /// co_await of an operation, or of a bound select.
  template <class Operation>
  decltype(auto) await(Operation&& op) {
    if constexpr (requires { op.who; }) {
      op.who = this;
      op.prepare();
    }
    if (!op.await_ready()) suspend(op.await_suspend(frame()));
    deliver();
    return op.await_resume();
  }
  /// The same; false: it was abandoned.
  template <class Operation>
  bool try_await(Operation&& op) {
    try {
      static_cast<void>(await(op));
      return true;
    } catch (const burrow::goroutine_exit&) {
      return false;
    }
  }
  void deliver();

 private:
  friend class stand_ins;
  /// What a compiler makes of a coroutine begins so.
  struct frame_head {
    void (*resume)(frame_head&) = [](frame_head& self) { self.went_on = true; };
    void (*destroy)(frame_head&) = nullptr;
    promise_base promise;
    bool went_on = false;
  };

  std::coroutine_handle<> frame() noexcept {
    return std::coroutine_handle<>::from_address(&frame_);
  }
  void suspend(std::coroutine_handle<> next);
  void resume();

  stand_ins* all_ = nullptr;
  worker* own_ = nullptr;
  frame_head frame_;
  atomic<std::uint32_t> resumed_{0};
};

/// As many as there are workers.
class stand_ins {
 public:
  static constexpr unsigned most = 3;

  explicit stand_ins(int count) : statics_(count, 0), scheduler_(options_for(count)) {
    for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
      list_[i].all_ = this;
      list_[i].own_ = &scheduler_.worker_at(i);
      list_[i].home = list_[i].own_;
      list_[i].budget = goroutine::full_budget;
    }
  }
  stand_in& operator[](unsigned i) noexcept { return list_[i]; }
  scheduler& its_scheduler() noexcept { return scheduler_; }

  /// Resumes what stands in the global queue.
  void deliver() {
    while (goroutine* g = scheduler_.global_.pop(1)) static_cast<stand_in*>(g)->resume();
  }
  /// As the runtime abandons a goroutine.
  void abandon(unsigned i) {
    if (list_[i].word.abandon()) wake(&list_[i]);
    deliver();
  }

 private:
  friend class stand_in;
  static burrow::options options_for(int workers) {
    burrow::options o;
    o.workers = workers;
    return o;
  }
  stand_in* find(const void* address) noexcept {
    for (stand_in& s : list_) {
      if (&s.frame_ == address) return &s;
    }
    return nullptr;
  }

  const fresh_statics statics_;
  scheduler scheduler_;
  std::array<stand_in, most> list_;
};

inline void stand_in::deliver() {
  while (goroutine* g = own_->next_local()) static_cast<stand_in*>(g)->resume();
  all_->deliver();
}

/// `next` is what the worker would resume: this one, another, or nothing.
inline void stand_in::suspend(std::coroutine_handle<> next) {
  if (next.address() == &frame_) return;
  if (stand_in* other = all_->find(next.address())) other->resume();
  while (!std::exchange(frame_.went_on, false)) {
    deliver();
    while (resumed_.exchange(0, acquire) == 0) wait_while(&resumed_, sizeof(resumed_), 0);
    home = own_;
    leaf.resume();  // a hook goes on with the frame, or has parked again
  }
}

inline void stand_in::resume() {
  check(static_cast<bool>(leaf), "whoever resumes it knows where it waits");
  check(resumed_.exchange(1, release) == 0, "it is resumed once");
}

}  // namespace model
