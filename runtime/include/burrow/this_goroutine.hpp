// SPDX-License-Identifier: MIT
// What a goroutine can ask of itself.
#pragma once

#include <burrow/context.hpp>
#include <burrow/detail/operation.hpp>

#include <string_view>

namespace burrow {

namespace detail {

class [[nodiscard("co_await this_goroutine::yield()")]] yield_statement {
 public:
  class awaiter {
   public:
    explicit awaiter(goroutine& g) noexcept : g_(g) {}
    bool await_ready() noexcept {
      refused_ = g_.exiting && !g_.shielded;
      return refused_;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
      return yield_to_others(g_, h);
    }
    void await_resume() const {
      if (refused_) throw goroutine_exit{};
    }

   private:
    goroutine& g_;
    bool refused_ = false;
  };
  awaiter bind(goroutine& g) && noexcept { return awaiter(g); }
};

}  // namespace detail

/// The goroutine that calls. All but yield() throw std::logic_error outside of one.
namespace this_goroutine {

/// Lets the others run first. Go: runtime.Gosched().
inline detail::yield_statement yield() noexcept { return {}; }

/// The Context that this goroutine carries.
context context();

/// Unique within its runtime, and greater than that of every goroutine it descends from; never 0.
unsigned long long id();

/// Shown in reports. At most 63 characters are kept. Throws std::bad_alloc.
void set_name(std::string_view name);

/// Ends this goroutine: unwinds it. In main: the others run on until they end; then the program
/// ends with "no goroutines (main called this_goroutine::exit) - deadlock!". Go: runtime.Goexit().
[[noreturn]] void exit();

}  // namespace this_goroutine
}  // namespace burrow
