// SPDX-License-Identifier: MIT
// group: the children of a scope.
#pragma once

#include <burrow/deferred.hpp>
#include <burrow/detail/group_core.hpp>

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
  template <class F, class... Args>
  auto async(F&& f, Args&&... args) {
    using result = std::remove_cvref_t<
        std::invoke_result_t<std::decay_t<F>&, std::unwrap_ref_decay_t<Args>&&...>>;
    static_assert(detail::is_task<result>, "async takes a callable that returns a burrow::task");
    using value = typename result::value_type;
    auto state = detail::deferred_state<value>::make();
    using arguments = std::tuple<std::unwrap_ref_decay_t<Args>...>;
    go(&detail::run_deferred<value, std::decay_t<F>, arguments>, detail::deferred_end<value>(state),
       std::forward<F>(f), arguments(std::forward<Args>(args)...));
    return deferred<value>(std::move(state));
  }

  /// At most `n` children run at the same time; 0: none may start; negative: no limit. Throws
  /// std::logic_error while children are active. Go: SetLimit.
  void limit(long n) { core_.set_limit(n); }

  /// Waits until one more child may run (Go's back-pressure: `co_await g.slot(); g.go(f);`). A case
  /// of select.
  auto slot() noexcept { return detail::group_slot_operation(core_); }

  /// Waits until no child is left. A join: abandonment does not end it. A case of select.
  auto wait() noexcept { return detail::group_wait_operation(core_); }

  /// Ends with the first error (then that is its cause) and with the scope.
  burrow::context context() const { return core_.ctx(); }

 private:
  detail::group_core& core_;
};

}  // namespace burrow
