// SPDX-License-Identifier: MIT
// select: waits for the first of several operations.
#pragma once

#include <burrow/detail/select_cases.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace burrow {

/// The type of `otherwise`.
struct otherwise_t {
  explicit otherwise_t() = default;
};

/// The last case of a select: chosen when no other is ready. Go: default.
inline constexpr otherwise_t otherwise{};

class select_case;

namespace detail {

template <class Op>
inline constexpr bool is_operation = std::is_base_of_v<operation_tag, std::remove_cvref_t<Op>>;

template <class Op>
constexpr void check_case() {
  static_assert(
      is_operation<Op>,
      "a case of select is an operation: a channel's send or recv, ctx.done(), after(d), a "
      "timer's recv, lock, rlock, acquire, wait. Tasks, blocking, cond.wait, guard, all, any, "
      "race, scope and the forms that take a Context are none: start a goroutine that sends "
      "their result");
  static_assert(!std::is_lvalue_reference_v<Op>,
                "select takes operations as rvalues, made in the same expression");
}

template <bool HasOtherwise, class... Ops>
class select_awaiter {
 public:
  select_awaiter(goroutine& g, Ops&... ops) noexcept : cases_(g, ops...) {}

  bool await_ready() noexcept { return cases_.try_at_once(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    return cases_.wait(h);
  }
  int await_resume() {
    const std::uint32_t chosen = cases_.finish();
    cases_.result(chosen);
    return static_cast<int>(chosen);
  }

 private:
  select_cases<HasOtherwise, Ops...> cases_;
};

/// What select(...) returns: the cases, which live until the end of the expression.
template <bool HasOtherwise, class... Ops>
class [[nodiscard("a select does nothing until it is awaited")]] select_statement {
 public:
  explicit select_statement(Ops&... ops) noexcept : ops_(std::addressof(ops)...) {}

  auto bind(goroutine& g) && noexcept {
    return std::apply([&](Ops*... ops) { return select_awaiter<HasOtherwise, Ops...>(g, *ops...); },
                      ops_);
  }

 private:
  std::tuple<Ops*...> ops_;
};

inline constexpr std::size_t most_cases = 65536;  // as Go's reflect.Select

class dynamic_select_awaiter : public select_core<dynamic_select_awaiter> {
 public:
  dynamic_select_awaiter(goroutine& g, std::span<select_case> cases, bool has_otherwise);

  bool await_ready() noexcept {
    if (runner().budget <= 1) return refuse_if_exiting();
    --runner().budget;
    return false;
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    return wait(h, sources_.data());
  }
  int await_resume();

 private:
  friend select_core;

  std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(cases_.size()); }
  bool has_otherwise() const noexcept { return has_otherwise_; }
  static constexpr wait_reason reason() noexcept { return wait_reason::select; }
  void list_sources(source_locks& locks) noexcept;
  std::uint32_t pick_ready() const noexcept;
  bool attempt(std::uint32_t i, goroutine*& woken) noexcept {
    return cases_[i].type->attempt(*cases_[i].node, woken);
  }
  void settle(std::uint32_t i) noexcept {
    if (i < cases_.size()) cases_[i].type->settle(*cases_[i].node);
  }
  void enlist_all(detail::worker& w, bool in_random_order) noexcept;
  void leave_all_but(std::uint32_t chosen) noexcept;

  std::vector<case_ref> cases_;
  std::vector<wait_source*> sources_;
  std::vector<std::uint32_t> order_;  // in which they are enlisted
  bool has_otherwise_;
};

class [[nodiscard("a select does nothing until it is awaited")]] dynamic_select_statement {
 public:
  dynamic_select_statement(std::span<select_case> cases, bool has_otherwise)
      : cases_(cases), has_otherwise_(has_otherwise) {}
  dynamic_select_awaiter bind(goroutine& g) && {
    return dynamic_select_awaiter(g, cases_, has_otherwise_);
  }

 private:
  std::span<select_case> cases_;
  bool has_otherwise_;
};

}  // namespace detail

/// A case that is known at run time only: owns the operation moved into it. Default-constructed, it
/// never fires. Each is used for one select. Allocates. Go: reflect.SelectCase.
class select_case {
 public:
  select_case() noexcept = default;

  template <class Op>
    requires(!std::is_same_v<std::remove_cvref_t<Op>, select_case>)
  select_case(Op&& op) {
    detail::check_case<Op&&>();
    using stored = std::remove_cvref_t<Op>;
    if constexpr (requires { stored::refers_to_rvalue; }) {
      static_assert(!stored::refers_to_rvalue,
                    "select_case cannot hold a send of an rvalue: the value would be gone when the "
                    "select runs; send a named variable, which is copied");
    }
    void* memory = detail::allocate_block(sizeof(stored));
    try {
      node_ = ::new (memory) stored(std::forward<Op>(op));
    } catch (...) {
      detail::free_block_memory(memory, sizeof(stored));
      throw;
    }
    type_ = &detail::type_of<stored>;
    destroy_ = [](detail::waiter* w) noexcept {
      auto* self = static_cast<stored*>(w);
      std::destroy_at(self);
      detail::free_block_memory(self, sizeof(stored));
    };
  }
  select_case(select_case&& other) noexcept
      : node_(std::exchange(other.node_, nullptr)), type_(other.type_), destroy_(other.destroy_) {}
  select_case& operator=(select_case&& other) noexcept {
    select_case moved(std::move(other));
    std::swap(node_, moved.node_);
    std::swap(type_, moved.type_);
    std::swap(destroy_, moved.destroy_);
    return *this;
  }
  ~select_case() {
    if (node_ != nullptr) destroy_(node_);
  }

 private:
  friend class detail::dynamic_select_awaiter;
  detail::waiter* node_ = nullptr;
  const detail::operation_type* type_ = nullptr;
  void (*destroy_)(detail::waiter*) noexcept = nullptr;
};

namespace detail {

template <class... Args>
inline constexpr bool has_otherwise =
    (std::is_same_v<std::remove_cvref_t<Args>, otherwise_t> || ...);

/// Whether select is called with cases known at run time.
template <class... Args>
inline constexpr bool is_case_list = false;
template <class First, class... Rest>
inline constexpr bool is_case_list<First, Rest...> =
    std::is_convertible_v<First, std::span<select_case>>;

}  // namespace detail

/// Waits until one of the operations can happen, and lets exactly that one happen; returns its
/// index. If several are ready, one is chosen at random, each as likely. With `otherwise` as the
/// last argument it does not wait: if none is ready, that index is returned. A select without cases
/// waits forever. Allocates nothing.
///
///     switch (co_await select(c.recv(v), out.send(x), ctx.done(), after(50ms))) { ... }
///
/// Throws what the chosen operation throws (closed_channel). Go: select.
template <class... Ops>
  requires(!detail::has_otherwise<Ops...> && !detail::is_case_list<Ops...>)
auto select(Ops&&... ops BURROW_LIFETIMEBOUND) {
  (detail::check_case<Ops&&>(), ...);
  return detail::select_statement<false, std::remove_cvref_t<Ops>...>(ops...);
}

namespace detail {

template <class... Ops, std::size_t... I>
auto select_with_otherwise([[maybe_unused]] std::tuple<Ops...> all, std::index_sequence<I...>) {
  (check_case<std::tuple_element_t<I, std::tuple<Ops...>>>(), ...);
  return select_statement<true,
                          std::remove_cvref_t<std::tuple_element_t<I, std::tuple<Ops...>>>...>(
      std::get<I>(all)...);
}

}  // namespace detail

template <class... Ops>
  requires(detail::has_otherwise<Ops...> && !detail::is_case_list<Ops...>)
auto select(Ops&&... ops BURROW_LIFETIMEBOUND) {
  using last = std::tuple_element_t<sizeof...(Ops) - 1, std::tuple<Ops...>>;
  static_assert(std::is_same_v<std::remove_cvref_t<last>, otherwise_t>,
                "`otherwise` is the last argument of select");
  return detail::select_with_otherwise(std::tuple<Ops&&...>(static_cast<Ops&&>(ops)...),
                                       std::make_index_sequence<sizeof...(Ops) - 1>());
}

/// As select(ops...), for cases known at run time. Throws std::length_error for more than 65 536.
/// Go: reflect.Select.
inline auto select(std::span<select_case> cases) {
  return detail::dynamic_select_statement(cases, false);
}
/// As select(cases); if none is ready, returns cases.size().
inline auto select(std::span<select_case> cases, otherwise_t) {
  return detail::dynamic_select_statement(cases, true);
}

}  // namespace burrow
