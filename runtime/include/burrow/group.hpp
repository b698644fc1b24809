// SPDX-License-Identifier: MIT
// group: the children of a scope.
#pragma once

#include <burrow/deferred.hpp>
#include <burrow/detail/group_core.hpp>

#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

namespace burrow {

/// The goroutines that a scope joins; made by scope() alone. Its functions may be called by the
/// scope's body and by its children, on any worker. Go: errgroup.Group, without its traps.
class group {
 public:
  explicit group(detail::group_core& core) noexcept : core_(core) {}
  group(const group&) = delete;
  group& operator=(const group&) = delete;

  /// Starts `f(args...)` as a child, under the group's Context. Never waits: beyond the limit the
  /// callable is kept, and starts when another child ends. Throws std::bad_alloc. See burrow::go.
  template <class... Args>
  void go(detail::spawnable<detail::group_joiner, std::type_identity_t<Args&&>...> f,
          Args&&... args) {
    detail::goroutine* g =
        f.make(detail::group_joiner(core_), core_.node(), std::forward<Args>(args)...);
    core_.add(g, f.joiner_of(*g).member);
  }

  /// As go(), if the limit allows it now; false: it was not started.
  template <class... Args>
  bool try_go(detail::spawnable<detail::group_joiner, std::type_identity_t<Args&&>...> f,
              Args&&... args) {
    if (!core_.reserve()) return false;
    detail::goroutine* g = nullptr;
    try {
      g = f.make(detail::group_joiner(core_), core_.node(), std::forward<Args>(args)...);
    } catch (...) {
      core_.cancel_reservation();
      throw;
    }
    core_.add_reserved(g, f.joiner_of(*g).member);
    return true;
  }

  /// Starts a child and gives a handle to its result: `T x = co_await d`, once. An exception fails
  /// the scope, as with go(), and is rethrown by the await as well.
  ///
  /// The result's type has to be deduced from `f`, which leaves only a last parameter to remember
  /// the caller's line: one overload for each number of arguments. Reports say no line of a child
  /// with more than four.
  template <class F>
  auto async(F&& f, std::source_location where = std::source_location::current()) {
    return start_async<F>(where, std::forward<F>(f));
  }
  template <class F, class A>
  auto async(F&& f, A&& a, std::source_location where = std::source_location::current()) {
    return start_async<F, A>(where, std::forward<F>(f), std::forward<A>(a));
  }
  template <class F, class A, class B>
  auto async(F&& f, A&& a, B&& b, std::source_location where = std::source_location::current()) {
    return start_async<F, A, B>(where, std::forward<F>(f), std::forward<A>(a), std::forward<B>(b));
  }
  template <class F, class A, class B, class C>
  auto async(F&& f, A&& a, B&& b, C&& c,
             std::source_location where = std::source_location::current()) {
    return start_async<F, A, B, C>(where, std::forward<F>(f), std::forward<A>(a),
                                   std::forward<B>(b), std::forward<C>(c));
  }
  template <class F, class A, class B, class C, class D>
  auto async(F&& f, A&& a, B&& b, C&& c, D&& d,
             std::source_location where = std::source_location::current()) {
    return start_async<F, A, B, C, D>(where, std::forward<F>(f), std::forward<A>(a),
                                      std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
  }
  template <class F, class... Args>
    requires(sizeof...(Args) > 4)
  auto async(F&& f, Args&&... args) {
    return start_async<F, Args...>(std::source_location(), std::forward<F>(f),
                                   std::forward<Args>(args)...);
  }

  /// At most `n` children run at the same time; 0: none may start; negative: no limit. Throws
  /// std::logic_error while children are active. Go: SetLimit.
  void limit(long n) { core_.set_limit(n); }

  /// Waits until one more child may run (Go's back-pressure: `co_await g.slot(); g.go(f);`). A case
  /// of select.
  auto slot() noexcept { return detail::group_slot_operation(core_); }

  /// Waits until no child is left. A join: abandonment does not end it, so it comes back also where
  /// a child has failed, and the body with it was abandoned; context().err() tells. A case of
  /// select.
  auto wait() noexcept { return detail::group_wait_operation(core_); }

  /// Ends with the first error (then that is its cause) and with the scope.
  burrow::context context() const { return core_.ctx(); }

 private:
  template <class F, class... Args>
  auto start_async(std::source_location where, F&& f, Args&&... args) {
    using callable = std::decay_t<F>;
    static_assert(!detail::is_task<callable>,
                  "async takes a callable and its arguments, not a task: write g.async(f, x), not "
                  "g.async(f(x))");
    static_assert(std::is_invocable_v<callable&, std::unwrap_ref_decay_t<Args>&&...>,
                  "async: the callable cannot be called with these arguments: they are moved or "
                  "copied into the goroutine, so a reference parameter needs std::ref");
    using result =
        std::remove_cvref_t<std::invoke_result_t<callable&, std::unwrap_ref_decay_t<Args>&&...>>;
    static_assert(detail::is_task<result>, "async takes a callable that returns a burrow::task");
    if (detail::is_nil(f)) detail::refuse_nil_function(where);
    using value = typename result::value_type;
    using arguments = detail::stored_arguments<callable, Args...>;
    auto state = detail::deferred_state<value>::make();
    const auto body = &detail::run_deferred<value, callable, arguments>;
    detail::spawnable<detail::group_joiner, detail::deferred_end<value>&&, F&&, arguments&&> child(
        body, where);
    detail::goroutine* g =
        child.make(detail::group_joiner(core_), core_.node(), detail::deferred_end<value>(state),
                   std::forward<F>(f), arguments(std::forward<Args>(args)...));
    core_.add(g, child.joiner_of(*g).member);
    return deferred<value>(std::move(state));
  }

  detail::group_core& core_;
};

}  // namespace burrow
