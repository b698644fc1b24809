// SPDX-License-Identifier: MIT
// wait_group: waits until as many things are done as were announced.
#pragma once

#include <burrow/detail/context_first.hpp>
#include <burrow/detail/spawn.hpp>
#include <burrow/detail/wait_group_core.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

namespace burrow {

namespace detail {

/// The joiner of what wait_group::go() starts. An exception is reported before the count goes down,
/// so that wait() does not return while the program is about to end.
struct wait_group_joiner {
  static constexpr bool accepts_plain = true;
  static constexpr bool borrows_context = false;
  static constexpr bool is_group = false;
  wait_group_core* group;

  void leave(goroutine&) noexcept {}

  void ended(goroutine& g, std::exception_ptr error) noexcept;
};

}  // namespace detail

/// Counts what is under way, and waits until nothing is. All functions work on any thread; wait()
/// is awaited by a goroutine. No allocation but in go(). What was done before a done() is seen
/// after the wait() that it ends. May be used again once all have returned that waited, and
/// destroyed as soon as one has. In new code a scope is often the better choice. Go:
/// sync.WaitGroup.
class wait_group {
 public:
  wait_group() noexcept = default;
  wait_group(const wait_group&) = delete;
  wait_group& operator=(const wait_group&) = delete;

  /// Announces `n` more; a negative `n` takes some back. An add() that finds a count of zero has to
  /// be made before the wait() that is to cover it. Throws std::logic_error "sync: negative
  /// WaitGroup counter", and then nothing has changed. Go: wg.Add(n).
  void add(std::int64_t n) { core_.add(n); }

  /// One of them is done. Throws as add(). Go: wg.Done().
  void done() { core_.subtract(1); }

  /// Awaited: waits until the count is zero. Any number of goroutines may wait. A case of select.
  /// Throws goroutine_exit in a goroutine that was abandoned. Go: wg.Wait().
  detail::wait_group_wait wait() noexcept BURROW_LIFETIMEBOUND {
    return detail::wait_group_wait(core_);
  }

  /// As wait(), but ends with an error when `ctx` does: errc::canceled, errc::deadline_exceeded.
  /// Tests `ctx` first. Not a case of select.
  auto wait(const std::same_as<context> auto& ctx) BURROW_LIFETIMEBOUND {
    return detail::context_first(ctx, wait());
  }

  /// Adds one, starts a goroutine that runs `f(args...)`, a plain callable or one that returns a
  /// task, and counts it as done when it has ended, by this_goroutine::exit(), too. An exception
  /// that leaves it ends the program as with go(). Callable and arguments are moved or copied into
  /// the goroutine. Throws std::bad_alloc; std::logic_error where no runtime runs. Go: wg.Go(f).
  template <class... Args>
  void go(detail::spawnable<detail::wait_group_joiner, std::type_identity_t<Args&&>...> f,
          Args&&... args) {
    core_.add(1);
    try {
      detail::start_goroutine(
          f.make({&core_}, detail::current_context(), std::forward<Args>(args)...));
    } catch (...) {
      core_.subtract(1);
      throw;
    }
  }

 private:
  detail::wait_group_core core_;
};

}  // namespace burrow
