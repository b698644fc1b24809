// SPDX-License-Identifier: MIT
// The cases of a select that are known when it is compiled: each step is inlined for each of them.
#pragma once

#include <burrow/detail/select_core.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <type_traits>
#include <utility>

namespace burrow::detail {

/// Locks the operation's source and attempts it; true: it has happened.
template <class Op>
BURROW_NOINLINE bool attempt_alone(Op& op, worker& w) noexcept {
  wait_source* const source = op.source();
  goroutine* woken = nullptr;
  source->lock.lock();
  const bool done = op.attempt(woken);
  source->lock.unlock();
  if (!done) return false;
  if (woken != nullptr) wake_here(w, woken);
  op.settle();
  return true;
}

template <bool HasOtherwise, class... Ops>
class select_cases : public select_core<select_cases<HasOtherwise, Ops...>> {
  using core = select_core<select_cases>;

 public:
  /// The operations outlive this.
  select_cases(goroutine& g, Ops&... ops) noexcept : core(g), ops_(&ops...) {
    each([&g](auto i, auto& op) {
      op.who = &g;
      op.case_index = i;
      op.prepare();
    });
  }

  /// await_ready: pass 1.
  bool try_at_once() noexcept {
    goroutine& g = this->runner();
    if (g.budget <= 1) [[unlikely]]
      return this->refuse_if_exiting();
    --g.budget;
    if constexpr (!fits_in_mask) return false;
    for (int tries = 0; tries < 3; ++tries) {
      bool at_one_instant = false;
      const std::uint64_t ready = look(at_one_instant);
      if (ready == 0) {
        if (!HasOtherwise) return false;
        if (!at_one_instant) continue;
        this->choose(count());
        return true;
      }
      const std::uint32_t i = pick(ready);
      if (attempt_alone(i)) {
        this->choose(i);
        return true;
      }
    }
    return false;
  }

  std::coroutine_handle<> wait(std::coroutine_handle<> h) noexcept {
    return core::wait(h, sources_.data());
  }

  void result(std::uint32_t chosen) {
    at(chosen, [](auto& op) { static_cast<void>(op.result()); });
  }

 private:
  friend core;

  static constexpr std::uint32_t count() noexcept { return sizeof...(Ops); }
  static constexpr bool has_otherwise() noexcept { return HasOtherwise; }
  /// A wait for the kernel is no case of a user's: it is what it is in reports and in bubbles.
  static constexpr wait_reason reason() noexcept {
    constexpr bool is_io = ((Ops::reason == wait_reason::io_wait) || ...);
    return is_io ? wait_reason::io_wait : wait_reason::select;
  }
  static constexpr bool fits_in_mask = sizeof...(Ops) <= 64;  // more begin with pass 2

  /// Calls f(index, operation) for each.
  template <class F>
  BURROW_ALWAYS_INLINE void each(F f) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (f(std::integral_constant<std::uint32_t, I>(), *std::get<I>(ops_)), ...);
    }(std::index_sequence_for<Ops...>());
  }
  /// Calls f(operation) for the one with that number, if there is one.
  template <class F>
  BURROW_ALWAYS_INLINE void at(std::uint32_t chosen, F f) const {
    each([&](auto i, auto& op) {
      if (i == chosen) f(op);
    });
  }

  // --- pass 1 ------------------------------------------------------------------------------------

  /// The cases that seem ready, a bit each.
  BURROW_ALWAYS_INLINE std::uint64_t look() const noexcept {
    std::uint64_t ready = 0;
    each([&ready](auto i, auto& op) {
      if (op.source() != nullptr && op.ready()) ready |= std::uint64_t{1} << i % 64;
    });
    return ready;
  }

  /// `at_one_instant`: none is ready, and no source has changed meanwhile, so that there was an
  /// instant at which none was.
  BURROW_ALWAYS_INLINE std::uint64_t look(bool& at_one_instant) const noexcept {
    if constexpr (!HasOtherwise) return look();
    std::array<std::uint32_t, sizeof...(Ops)> versions;
    bool is_held = false;
    each([&](auto i, auto& op) {
      versions[i] = version_of(op);
      is_held = is_held || wait_lock::is_held(versions[i]);
    });
    const std::uint64_t ready = look();
    if (ready != 0 || is_held) return ready;
    at_one_instant = true;
    each([&](auto i, auto& op) {
      if (versions[i] != version_of(op)) at_one_instant = false;
    });
    return 0;
  }

  template <class Op>
  static std::uint32_t version_of(const Op& op) noexcept {
    const wait_source* source = op.source();
    return source != nullptr ? source->lock.version() : 0;
  }

  /// One of the bits, each as likely.
  BURROW_ALWAYS_INLINE std::uint32_t pick(std::uint64_t ready) const noexcept {
    if ((ready & (ready - 1)) != 0) {
      const auto n = static_cast<std::uint64_t>(std::popcount(ready));
      std::uint64_t skip = this->runner().home->random() * n >> 32;
      for (; skip != 0; --skip) ready &= ready - 1;
    }
    return static_cast<std::uint32_t>(std::countr_zero(ready));
  }

  bool attempt_alone(std::uint32_t chosen) noexcept {
    bool done = false;
    at(chosen, [&](auto& op) { done = detail::attempt_alone(op, *this->runner().home); });
    return done;
  }

  // --- what passes 2 and 3 need, see select_core -------------------------------------------------

  void list_sources(source_locks& locks) noexcept {
    each([&locks](auto, auto& op) { locks.add(op.source()); });
  }
  std::uint32_t pick_ready() const noexcept {
    std::uint32_t picked = core::none;
    if constexpr (fits_in_mask) {
      const std::uint64_t ready = look();
      if (ready != 0) picked = pick(ready);
    } else {
      std::uint32_t ready = 0;
      each([&](auto i, auto& op) {
        if (op.source() == nullptr || !op.ready()) return;
        ++ready;
        if (ready == 1 || this->runner().home->random() % ready == 0) picked = i;
      });
    }
    return picked;
  }
  bool attempt(std::uint32_t chosen, goroutine*& woken) noexcept {
    bool done = false;
    at(chosen, [&](auto& op) { done = op.attempt(woken); });
    return done;
  }
  void settle(std::uint32_t chosen) noexcept {
    at(chosen, [](auto& op) { op.settle(); });
  }
  void enlist_all(worker& w, bool in_random_order) noexcept {
    if (in_random_order) [[unlikely]]
      return enlist_in_random_order(w);
    each([](auto, auto& op) {
      if (op.source() != nullptr) op.enlist();
    });
  }
  BURROW_NOINLINE void enlist_in_random_order(worker& w) noexcept {
    std::array<std::uint32_t, sizeof...(Ops)> order;
    std::iota(order.begin(), order.end(), 0);
    for (std::uint32_t left = count(); left != 0; --left) {
      std::swap(order[left - 1], order[w.random() % left]);
      at(order[left - 1], [](auto& op) {
        if (op.source() != nullptr) op.enlist();
      });
    }
  }
  void leave_all_but(std::uint32_t chosen) noexcept {
    each([chosen](auto i, auto& op) {
      if (i != chosen && op.source() != nullptr) op.leave();
    });
  }

  std::tuple<Ops*...> ops_;
  std::array<wait_source*, sizeof...(Ops)> sources_;  // written by wait()
};

}  // namespace burrow::detail
