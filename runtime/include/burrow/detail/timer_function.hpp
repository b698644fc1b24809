// SPDX-License-Identifier: MIT
// A timer that calls something: see after_func(d, f).
//
// While it is armed it owns a reference to itself. When it fires, that reference passes to the
// goroutine that it starts, which gives it back when it has ended; so the callable, which stays in
// the timer, for the next reset(), outlives each of its calls.
#pragma once

#include <burrow/detail/spawn.hpp>
#include <burrow/detail/timer_core.hpp>

#include <exception>
#include <new>
#include <source_location>
#include <utility>

namespace burrow::detail {

struct timer_joiner {
  static constexpr bool accepts_plain = true;
  static constexpr bool borrows_context = false;
  static constexpr bool is_group = false;
  timer_core* core;

  void leave(goroutine&) noexcept {}
  void ended(goroutine& g, std::exception_ptr error) noexcept {
    detached_joiner().ended(g, std::move(error));
    core->release();
  }
};

template <class F>
class timer_function final : public timer_core {
 public:
  /// Throws std::bad_alloc; std::logic_error where no runtime runs.
  static timer_core* make(nanoseconds_t duration, F&& f, std::source_location where) {
    static_assert(alignof(F) <= 16, "the callable of a timer is aligned beyond 16 bytes");
    timer_set& home = set_here();
    void* memory = allocate_block(sizeof(timer_function));
    timer_function* self = nullptr;
    try {
      self = ::new (memory) timer_function(home, std::move(f), where);
    } catch (...) {
      free_block_memory(memory, sizeof(timer_function));
      throw;
    }
    self->reset(duration, 0);
    return self;
  }

 private:
  /// What the goroutine calls.
  struct call {
    F* callable;
    decltype(auto) operator()() const { return (*callable)(); }
  };

  timer_function(timer_set& home, F&& f, std::source_location where)
      : timer_core(home, &function_type, 0), callable_(std::move(f)), where_(where) {}
  ~timer_function() = default;

  void destroy() noexcept override {
    this->~timer_function();
    free_block_memory(this, sizeof(timer_function));
  }

  static void run(timer_node& t) noexcept {
    auto& self = static_cast<timer_function&>(t);
    if (is_nil(self.callable_)) refuse_nil_function(self.where_);
    try {
      call body{&self.callable_};
      spawnable<timer_joiner> callable(body, self.where_);
      goroutine* g = new_goroutine();
      start_goroutine(callable.fill(g, timer_joiner{&self}, root_context(*g)));
    } catch (...) {
      self.try_again();
    }
  }
  static void retired(timer_node& t) noexcept { static_cast<timer_function&>(t).release(); }

  static constexpr timer_type function_type = {&expire_function, &run, &retired};

  F callable_;
  std::source_location where_;
};

}  // namespace burrow::detail
