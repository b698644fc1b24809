// SPDX-License-Identifier: MIT
// run: the life of a runtime.
#pragma once

#include <burrow/detail/spawn.hpp>
#include <burrow/options.hpp>

#include <memory>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

namespace burrow {

namespace detail {

class bubble;
struct runtime_state;

struct main_joiner {
  static constexpr bool accepts_plain = false;
  static constexpr bool borrows_context = true;
  static constexpr bool is_group = false;
  void leave(goroutine&) noexcept {}
  void ended(goroutine& g, std::exception_ptr error) noexcept;
};

/// A runtime from its start to its end.
class runtime {
 public:
  /// `b`: the bubble that this is the runtime of. Throws std::invalid_argument, std::system_error;
  /// std::logic_error in a goroutine.
  explicit runtime(const options& opt, bubble* b = nullptr);
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  goroutine* new_goroutine();
  context_node* root() noexcept;
  runtime_state& state() noexcept { return *state_; }
  /// Runs `main` and all that it starts; returns main's result, or throws what left it.
  int run(goroutine* main);

 private:
  std::unique_ptr<runtime_state> state_;
};

void main_returned(runtime_state& state, int status) noexcept;
void main_failed(runtime_state& state, std::exception_ptr error) noexcept;
/// By main's goroutine, when main has ended: ends the others, then the runtime. Throws nothing once
/// its frame is made.
task<> conclude(runtime_state& state);

/// The body of main's goroutine.
template <class F, class Arguments>
task<> main_body(runtime_state* state, F f, Arguments arguments) {
  using result = typename decltype(std::apply(f, std::move(arguments)))::value_type;
  task<> end = conclude(*state);  // now, since there may be no memory for it then
  try {
    if constexpr (std::is_void_v<result>) {
      co_await std::apply(f, std::move(arguments));
      main_returned(*state, 0);
    } else {
      const int status = static_cast<int>(co_await std::apply(f, std::move(arguments)));
      main_returned(*state, status);
    }
  } catch (...) {
    main_failed(*state, std::current_exception());
  }
  co_await std::move(end);
}

template <class F, class... Args>
constexpr void check_main() {
  using callable = std::decay_t<F>;
  static_assert(!is_task<callable>,
                "run takes a callable and its arguments: write run(main), not "
                "run(main())");
  static_assert(std::is_invocable_v<callable&, std::unwrap_ref_decay_t<Args>&&...>,
                "run: main cannot be called with these arguments; a reference needs std::ref");
  static_assert(
      is_task<
          std::remove_cvref_t<std::invoke_result_t<callable&, std::unwrap_ref_decay_t<Args>&&...>>>,
      "run: main is a callable that returns a burrow::task");
}

/// The callable given to run(), on its way into main's goroutine; remembers where that happens, as
/// `spawnable` does.
template <class... Args>
class main_callable {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, options> &&
             !std::is_same_v<std::remove_cvref_t<F>, main_callable>)
  main_callable(F&& callable,
                std::source_location where = std::source_location::current()) noexcept
      : callable_((void*)std::addressof(callable)),  // NOLINT: functions and const objects alike
        make_(&make<F>),
        where_(where) {
    check_main<F, Args...>();
  }

  int run_in(runtime& rt, Args... args) { return rt.run(make_(rt, *this, args...)); }

 private:
  template <class F>
  static goroutine* make(runtime& rt, main_callable& self, std::remove_reference_t<Args>&... args) {
    using callable = std::decay_t<F>;
    using arguments = stored_arguments<callable, Args...>;
    auto& f = *reinterpret_cast<std::remove_reference_t<F>*>(self.callable_);
    if (is_nil(f)) refuse_nil_function(self.where_);
    const auto body = &main_body<callable, arguments>;
    spawnable<main_joiner, runtime_state*&&, callable&&, arguments&&> main(body, self.where_);
    return main.fill(rt.new_goroutine(), {}, rt.root(), &rt.state(), callable(static_cast<F&&>(f)),
                     arguments(static_cast<Args&&>(args)...));
  }

  void* callable_;
  goroutine* (*make_)(runtime&, main_callable&, std::remove_reference_t<Args>&...);
  std::source_location where_;
};

}  // namespace detail

/// Starts a runtime, runs `main(args...)` as its first goroutine on the calling thread, and returns
/// its result (a task<>: 0). When main has returned, the root Context is cancelled, the goroutines
/// that are left have `opt.shutdown_grace` to end, and are then unwound, the newest first. What
/// cannot be unwound within `opt.shutdown_limit` is printed, and the process ends with main's
/// result.
///
/// Rethrows the exception that left main. Throws std::invalid_argument for options that make no
/// sense, std::system_error when threads or descriptors cannot be had, std::logic_error in a
/// goroutine. Several runtimes may run in one process, one after the other or at the same time on
/// threads of their own. Go: func main().
template <class... Args>
int run(const options& opt, detail::main_callable<std::type_identity_t<Args&&>...> main,
        Args&&... args) {
  detail::runtime rt(opt);
  return main.run_in(rt, std::forward<Args>(args)...);
}

template <class... Args>
int run(detail::main_callable<std::type_identity_t<Args&&>...> main, Args&&... args) {
  detail::runtime rt{options()};
  return main.run_in(rt, std::forward<Args>(args)...);
}

}  // namespace burrow
