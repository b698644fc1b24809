// SPDX-License-Identifier: MIT
// all, any, race: several tasks at the same time, each as a goroutine of its own. What is not
// wanted any more is abandoned; all have ended when the await returns.
#pragma once

#include <burrow/detail/task_child.hpp>

#include <functional>
#include <iterator>
#include <source_location>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace burrow {

namespace detail {

/// Who wins, judged under the group's lock.
class all_watcher {
 public:
  explicit all_watcher(group_core& group) noexcept : group_(group) {}
  void task_ended(std::size_t, std::exception_ptr error) noexcept {
    if (is_goroutine_exit(error)) {
      exited_.store(true, relaxed);
      return;
    }
    if (error) group_.fail(std::move(error));
  }
  /// After the join.
  void check() {
    if (std::exception_ptr error = group_.first_error()) std::rethrow_exception(std::move(error));
    if (exited_.load(relaxed)) exit_goroutine();
  }

 private:
  group_core& group_;
  atomic<bool> exited_{false};
};

class first_watcher {
 public:
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

  first_watcher(group_core& group, bool errors_count) noexcept
      : group_(group), errors_count_(errors_count) {}
  void task_ended(std::size_t index, std::exception_ptr error) noexcept;
  /// After the join: the winner's index; rethrows the first error if there is none.
  std::size_t winner();

 private:
  group_core& group_;
  const bool errors_count_;
  std::size_t winner_ = nobody;  // under the group's lock, as below
  std::exception_ptr first_error_;
  bool exited_ = false;
};

template <class T, class Watcher>
void start_child(group_core& group, task<T>& t, result_slot<value_or_unit<T>>& slot,
                 Watcher& watcher, std::size_t index, std::source_location where) {
  using child = task_child<T, Watcher>;
  goroutine* g = child::make(group, t, slot, watcher, index, false, where);
  group.add(g, child::of(*g).member);
}

/// Starts each; an exception of the start (no memory) fails the group like one of a child.
template <class Watcher, class Slots, class... Ts>
void start_children(group_core& group, Watcher& watcher, Slots& slots, std::source_location where,
                    task<Ts>&... tasks) noexcept {
  try {
    std::size_t index = 0;
    std::apply(
        [&](auto&... slot) { (start_child(group, tasks, slot, watcher, index++, where), ...); },
        slots);
  } catch (...) {
    group.fail(std::current_exception());
  }
}

template <class T>
struct result_of {
  using type = T;
};
template <>
struct result_of<void> {
  using type = unit;
};

/// A result as an element of a vector or an alternative of a variant.
template <class T>
using element_of =
    std::conditional_t<std::is_reference_v<T>, std::reference_wrapper<std::remove_reference_t<T>>,
                       typename result_of<T>::type>;

template <class T>
typename result_of<T>::type take_from(result_slot<value_or_unit<T>>& slot) {
  if constexpr (std::is_reference_v<T>) {
    return *slot.take();
  } else {
    return slot.take();
  }
}

template <class... Ts>
task<std::tuple<typename result_of<Ts>::type...>> run_all(std::source_location where,
                                                          task<Ts>... tasks) {
  group_core group;
  all_watcher watcher(group);
  std::tuple<result_slot<value_or_unit<Ts>>...> slots;
  start_children(group, watcher, slots, where, tasks...);
  for (;;) {
    const bool joined = co_await group_join(group);
    if (joined) break;
  }
  group.cancel_context();
  watcher.check();
  co_return std::apply(
      [](auto&... slot) {
        return std::tuple<typename result_of<Ts>::type...>(take_from<Ts>(slot)...);
      },
      slots);
}

template <class T>
task<std::vector<element_of<T>>> run_all_of(std::source_location where,
                                            std::vector<task<T>> tasks) {
  group_core group;
  all_watcher watcher(group);
  std::vector<result_slot<value_or_unit<T>>> slots(tasks.size());
  try {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      start_child(group, tasks[i], slots[i], watcher, i, where);
    }
  } catch (...) {
    group.fail(std::current_exception());
  }
  for (;;) {
    const bool joined = co_await group_join(group);
    if (joined) break;
  }
  group.cancel_context();
  watcher.check();
  std::vector<element_of<T>> results;
  results.reserve(slots.size());
  for (auto& slot : slots) results.push_back(take_from<T>(slot));
  co_return results;
}

template <class... Ts>
inline constexpr bool all_same = false;
template <class T, class... Ts>
inline constexpr bool all_same<T, Ts...> = (std::is_same_v<T, Ts> && ...);

/// T where all are T, else std::variant.
template <class... Ts>
struct one_of_results {
  using type = std::variant<element_of<Ts>...>;
};
template <class T, class... Ts>
  requires all_same<T, Ts...>
struct one_of_results<T, Ts...> {
  using type = typename result_of<T>::type;
};
template <class... Ts>
using one_of = typename one_of_results<Ts...>::type;

/// `winner` is I or greater.
template <std::size_t I, class... Ts>
one_of<Ts...> take_winner(std::tuple<result_slot<value_or_unit<Ts>>...>& slots,
                          std::size_t winner) {
  using T = std::tuple_element_t<I, std::tuple<Ts...>>;
  if constexpr (I + 1 < sizeof...(Ts)) {
    if (winner != I) return take_winner<I + 1, Ts...>(slots, winner);
  }
  if constexpr (all_same<Ts...>) {
    return take_from<T>(std::get<I>(slots));
  } else {
    return one_of<Ts...>(std::in_place_index<I>, take_from<T>(std::get<I>(slots)));
  }
}

template <class... Ts>
task<one_of<Ts...>> run_first(std::source_location where, bool errors_count, task<Ts>... tasks) {
  group_core group;
  first_watcher watcher(group, errors_count);
  std::tuple<result_slot<value_or_unit<Ts>>...> slots;
  start_children(group, watcher, slots, where, tasks...);
  for (;;) {
    const bool joined = co_await group_join(group);
    if (joined) break;
  }
  group.cancel_context();
  co_return take_winner<0, Ts...>(slots, watcher.winner());
}

template <class T>
task<typename result_of<T>::type> run_first_of(std::source_location where, bool errors_count,
                                               std::vector<task<T>> tasks) {
  group_core group;
  first_watcher watcher(group, errors_count);
  std::vector<result_slot<value_or_unit<T>>> slots(tasks.size());
  try {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      start_child(group, tasks[i], slots[i], watcher, i, where);
    }
  } catch (...) {
    group.fail(std::current_exception());
  }
  for (;;) {
    const bool joined = co_await group_join(group);
    if (joined) break;
  }
  group.cancel_context();
  co_return take_from<T>(slots[watcher.winner()]);
}

void refuse_no_tasks(bool none);

/// A pack must come last to be deduced, and what remembers the caller's line must come last as
/// well: so there is an overload for each number of tasks, up to four, that does. Reports say no
/// line of more.
template <class... Ts>
inline constexpr bool is_unplaced = sizeof...(Ts) == 0 || sizeof...(Ts) > 4;

template <class R>
using task_in = std::remove_cvref_t<decltype(*std::begin(std::declval<R&>()))>;
template <class R>
concept range_of_tasks = is_task<task_in<R>>;
template <range_of_tasks R>
using result_of_tasks = typename task_in<R>::value_type;

/// Takes the tasks out of their range, in which those that were moved from stay.
template <range_of_tasks R>
std::vector<task_in<R>> taken_out(R& tasks) {
  std::vector<task_in<R>> all;
  for (auto&& t : tasks) all.push_back(std::move(t));
  return all;
}

}  // namespace detail

/// Runs all tasks at the same time; gives their results as a tuple, `unit` for void. The first
/// exception ends the others and is rethrown. Each task is a goroutine. Throws std::bad_alloc. A
/// reference is a std::reference_wrapper where it would be an element of a vector or an alternative
/// of a variant.
template <class A>
auto all(task<A> a, std::source_location where = std::source_location::current()) {
  return detail::run_all<A>(where, std::move(a));
}
template <class A, class B>
auto all(task<A> a, task<B> b, std::source_location where = std::source_location::current()) {
  return detail::run_all<A, B>(where, std::move(a), std::move(b));
}
template <class A, class B, class C>
auto all(task<A> a, task<B> b, task<C> c,
         std::source_location where = std::source_location::current()) {
  return detail::run_all<A, B, C>(where, std::move(a), std::move(b), std::move(c));
}
template <class A, class B, class C, class D>
auto all(task<A> a, task<B> b, task<C> c, task<D> d,
         std::source_location where = std::source_location::current()) {
  return detail::run_all<A, B, C, D>(where, std::move(a), std::move(b), std::move(c), std::move(d));
}
template <class... Ts>
  requires detail::is_unplaced<Ts...>
auto all(task<Ts>... tasks) {
  return detail::run_all<Ts...>(std::source_location(), std::move(tasks)...);
}
/// As all(tasks...), for a range of tasks, which are moved out of it; gives a vector, in their
/// order.
template <detail::range_of_tasks R>
auto all(R&& tasks, std::source_location where = std::source_location::current()) {
  return detail::run_all_of<detail::result_of_tasks<R>>(where, detail::taken_out(tasks));
}

/// Gives the first result; the others are ended. If all fail, the first exception is rethrown. T
/// where all tasks give a T, else a std::variant. Throws std::invalid_argument for no tasks.
template <class A>
auto any(task<A> a, std::source_location where = std::source_location::current()) {
  return detail::run_first<A>(where, false, std::move(a));
}
template <class A, class B>
auto any(task<A> a, task<B> b, std::source_location where = std::source_location::current()) {
  return detail::run_first<A, B>(where, false, std::move(a), std::move(b));
}
template <class A, class B, class C>
auto any(task<A> a, task<B> b, task<C> c,
         std::source_location where = std::source_location::current()) {
  return detail::run_first<A, B, C>(where, false, std::move(a), std::move(b), std::move(c));
}
template <class A, class B, class C, class D>
auto any(task<A> a, task<B> b, task<C> c, task<D> d,
         std::source_location where = std::source_location::current()) {
  return detail::run_first<A, B, C, D>(where, false, std::move(a), std::move(b), std::move(c),
                                       std::move(d));
}
template <class... Ts>
  requires detail::is_unplaced<Ts...>
auto any(task<Ts>... tasks) {
  static_assert(sizeof...(Ts) > 0, "any needs a task");
  return detail::run_first<Ts...>(std::source_location(), false, std::move(tasks)...);
}
template <detail::range_of_tasks R>
auto any(R&& tasks, std::source_location where = std::source_location::current()) {
  auto all = detail::taken_out(tasks);
  detail::refuse_no_tasks(all.empty());
  return detail::run_first_of<detail::result_of_tasks<R>>(where, false, std::move(all));
}

/// Gives the result, or rethrows the exception, of the task that ends first; the others are ended.
template <class A>
auto race(task<A> a, std::source_location where = std::source_location::current()) {
  return detail::run_first<A>(where, true, std::move(a));
}
template <class A, class B>
auto race(task<A> a, task<B> b, std::source_location where = std::source_location::current()) {
  return detail::run_first<A, B>(where, true, std::move(a), std::move(b));
}
template <class A, class B, class C>
auto race(task<A> a, task<B> b, task<C> c,
          std::source_location where = std::source_location::current()) {
  return detail::run_first<A, B, C>(where, true, std::move(a), std::move(b), std::move(c));
}
template <class A, class B, class C, class D>
auto race(task<A> a, task<B> b, task<C> c, task<D> d,
          std::source_location where = std::source_location::current()) {
  return detail::run_first<A, B, C, D>(where, true, std::move(a), std::move(b), std::move(c),
                                       std::move(d));
}
template <class... Ts>
  requires detail::is_unplaced<Ts...>
auto race(task<Ts>... tasks) {
  static_assert(sizeof...(Ts) > 0, "race needs a task");
  return detail::run_first<Ts...>(std::source_location(), true, std::move(tasks)...);
}
template <detail::range_of_tasks R>
auto race(R&& tasks, std::source_location where = std::source_location::current()) {
  auto all = detail::taken_out(tasks);
  detail::refuse_no_tasks(all.empty());
  return detail::run_first_of<detail::result_of_tasks<R>>(where, true, std::move(all));
}

}  // namespace burrow
