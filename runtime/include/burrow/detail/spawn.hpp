// SPDX-License-Identifier: MIT
// How every goroutine starts and ends.
//
// The callable and its arguments are moved or copied into the goroutine's slot (or into a block,
// when they are larger than its storage) by the spawner. The worker that runs the goroutine first
// calls the callable there; the task that it returns is the goroutine's first frame. When that has
// ended, frame, callable and arguments are destroyed, the carried Context is given back, and a
// *joiner* is told: nobody but the runtime (go), a group, a wait group.
//
// A joiner has: `static constexpr bool accepts_plain` (whether callables that return no task are
// taken), `static constexpr bool borrows_context` (whether somebody else keeps the Context alive),
// `static constexpr bool is_group` (whether it waits, and abandons its children),
// `void leave(goroutine&) noexcept`, called while callable and arguments still exist, and
// `void ended(goroutine&, std::exception_ptr) noexcept`, called after that, on a moved joiner.
#pragma once

#include <burrow/detail/fatal.hpp>
#include <burrow/detail/scheduler_access.hpp>
#include <burrow/detail/stored_arguments.hpp>
#include <burrow/task.hpp>

#include <functional>
#include <memory>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

namespace burrow::detail {

/// The end of a goroutine that go() started: ends the program if an exception has left it.
void report_unhandled(goroutine& g, std::exception_ptr error) noexcept;

/// By the running goroutine: throws goroutine_exit, and marks it as abandoned, so that whoever
/// swallows that gets it again.
[[noreturn]] void exit_goroutine();

/// Whether `error` is a goroutine_exit, which is an end like any other.
bool is_goroutine_exit(const std::exception_ptr& error) noexcept;

/// Whether a callable is a null pointer or an empty std::function.
template <class F>
constexpr bool is_nil([[maybe_unused]] const F& callable) noexcept {
  if constexpr (!std::is_function_v<F> && requires { static_cast<bool>(callable == nullptr); }) {
    return static_cast<bool>(callable == nullptr);
  } else {
    return false;
  }
}

/// Ends the program, as Go does: `where` is the place of the go().
[[noreturn]] void refuse_nil_function(std::source_location where) noexcept;

struct detached_joiner {
  static constexpr bool accepts_plain = false;
  static constexpr bool borrows_context = false;
  static constexpr bool is_group = false;
  void leave(goroutine&) noexcept {}
  void ended(goroutine& g, std::exception_ptr error) noexcept {
    if (error && !is_goroutine_exit(error)) report_unhandled(g, std::move(error));
  }
};

template <class Joiner, class F, class... Args>
struct closure_parts {
  [[no_unique_address]] Joiner joiner;
  [[no_unique_address]] F callable;
  [[no_unique_address]] std::tuple<Args...> arguments;
};

template <class Joiner, class F, class... Args>
struct closure : closure_parts<Joiner, F, Args...> {
  using parts = closure_parts<Joiner, F, Args...>;
  using result = std::invoke_result_t<F&, Args&&...>;
  static constexpr bool returns_task = is_task<std::remove_cvref_t<result>>;
  static constexpr bool fits = sizeof(parts) <= goroutine::inline_storage && alignof(parts) <= 8;

  static closure& of(goroutine& g) noexcept {
    if constexpr (fits) {
      return *std::launder(reinterpret_cast<closure*>(g.storage));
    } else {
      return **std::launder(reinterpret_cast<closure**>(g.storage));
    }
  }

  static void destroy(goroutine& g) noexcept {
    closure& self = of(g);
    std::destroy_at(&self);
    if constexpr (!fits) free_block_memory(&self, sizeof(closure));
  }

  static std::coroutine_handle<> start(goroutine& g) noexcept {
    closure& self = of(g);
    // Abandoned before it began: it does not begin.
    if (g.word.is_abandoned() && !g.shielded) {
      failed_to_start(g, nullptr);
      return nullptr;
    }
    try {
      auto call = [&](Args&... args) -> decltype(auto) {
        return std::invoke(self.callable, static_cast<Args&&>(args)...);
      };
      if constexpr (returns_task) {
        auto frame = task_access::release(std::apply(call, self.arguments));
        if (!frame) fatal("go: the callable returned a task that was moved from");
        frame.promise().enter(g, nullptr);
        return frame;
      } else {
        std::apply(call, self.arguments);
      }
    } catch (...) {
      failed_to_start(g, std::current_exception());
      return nullptr;
    }
    return nullptr;
  }

  /// The callable threw, or there was no memory for its frame.
  static void failed_to_start(goroutine& g, std::exception_ptr error) noexcept {
    static constexpr goroutine_type over = {nullptr, [](goroutine&) noexcept {}};
    end(g, std::move(error));
    g.type = &over;
  }

  static void finish(goroutine& g) noexcept {
    std::exception_ptr error;
    if constexpr (returns_task) {
      using promise = task_promise<typename std::remove_cvref_t<result>::value_type>;
      auto frame = std::coroutine_handle<promise>::from_address(g.leaf.address());
      error = frame.promise().error();
      frame.destroy();
    }
    end(g, std::move(error));
  }

  static void end(goroutine& g, std::exception_ptr error) noexcept {
    of(g).joiner.leave(g);
    Joiner joiner = std::move(of(g).joiner);
    destroy(g);
    if constexpr (!Joiner::borrows_context) give_back_context(g);
    joiner.ended(g, std::move(error));
  }

  static constexpr goroutine_type type = {&start, &finish};
};

template <class Joiner, class F, class Arguments>
struct closure_with;
template <class Joiner, class F, class... Stored>
struct closure_with<Joiner, F, std::tuple<Stored...>> {
  using type = closure<Joiner, F, Stored...>;
};

/// A callable on its way into a goroutine: remembers where in the program that happens. A function
/// that starts goroutines takes it as `spawnable<Joiner, std::type_identity_t<Args>...>`.
template <class Joiner, class... Args>
class spawnable {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, context> &&
             !std::is_same_v<std::remove_cvref_t<F>, spawnable>)
  spawnable(F&& callable, std::source_location where = std::source_location::current()) noexcept
      : callable_((void*)std::addressof(callable)),  // NOLINT: functions and const objects alike
        joiner_of_(&joiner_in<F>),
        build_(&build<F>),
        where_(where) {}

  /// Makes a goroutine that is not runnable yet. Throws std::bad_alloc, and what the moves throw.
  goroutine* make(Joiner&& joiner, context_node* ctx, Args... args) {
    return fill(new_goroutine(), std::move(joiner), ctx, static_cast<Args>(args)...);
  }

  /// As make(), in a slot that the caller has taken; gives it back if that fails.
  goroutine* fill(goroutine* g, Joiner&& joiner, context_node* ctx, Args... args) {
    g->where = where_;
    try {
      build_(*g, callable_, joiner, args...);
    } catch (...) {
      discard_goroutine(g);
      throw;
    }
    if constexpr (!Joiner::borrows_context) {
      if (ctx == nullptr) ctx = root_context(*g);  // a plain thread carries none
      take_context(*g, ctx);
    }
    carry_first(*g, ctx, Joiner::is_group);
    return g;
  }

  /// The joiner inside a goroutine that this has just made.
  Joiner& joiner_of(goroutine& g) const noexcept { return joiner_of_(g); }

 private:
  template <class F>
  static std::remove_reference_t<F>& reach(void* callable) noexcept {
    return *reinterpret_cast<std::remove_reference_t<F>*>(callable);
  }

  template <class F>
  static void build(goroutine& g, void* callable, Joiner& joiner,
                    std::remove_reference_t<Args>&... args) {
    using C = std::decay_t<F>;
    if (is_nil(reach<F>(callable))) {
      discard_goroutine(&g);  // a report does not list it
      refuse_nil_function(g.where);
    }
    static_assert(
        !is_task<C>,
        "go takes a callable and its arguments, not a task: write go(f, x), not go(f(x)), "
        "so that f and x live as long as the goroutine");
    static_assert(std::is_invocable_v<C&, std::unwrap_ref_decay_t<Args>&&...>,
                  "the callable cannot be called with these arguments: they are moved or copied "
                  "into the goroutine, so a reference parameter needs std::ref");
    using result =
        std::remove_cvref_t<std::invoke_result_t<C&, std::unwrap_ref_decay_t<Args>&&...>>;
    static_assert(is_task<result> || Joiner::accepts_plain,
                  "go takes a callable that returns a burrow::task; for a plain function write a "
                  "lambda: go([] -> task<> { f(); co_return; })");
    using arguments = stored_arguments<C, Args...>;
    using stored = typename closure_with<Joiner, C, arguments>::type;
    void* place = g.storage;
    if constexpr (!stored::fits) {
      static_assert(alignof(stored) <= 16, "an argument of a goroutine is aligned beyond 16 bytes");
      place = allocate_block(sizeof(stored));
    }
    try {
      ::new (place) stored{{std::move(joiner), static_cast<F&&>(reach<F>(callable)),
                            arguments(static_cast<Args&&>(args)...)}};
    } catch (...) {
      if constexpr (!stored::fits) free_block_memory(place, sizeof(stored));
      throw;
    }
    if constexpr (!stored::fits) {
      ::new (g.storage) stored*(static_cast<stored*>(place));
    }
    g.type = &stored::type;
  }

  template <class F>
  static Joiner& joiner_in(goroutine& g) noexcept {
    using C = std::decay_t<F>;
    return closure_with<Joiner, C, stored_arguments<C, Args...>>::type::of(g).joiner;
  }

  void* callable_;
  Joiner& (*joiner_of_)(goroutine&) noexcept;
  void (*build_)(goroutine&, void*, Joiner&, std::remove_reference_t<Args>&...);
  std::source_location where_;
};

}  // namespace burrow::detail
