// SPDX-License-Identifier: MIT
// A goroutine whose first frame is a task that exists already: the children of all, any and race,
// and the body of a scope. No wrapper coroutine: the result goes from the frame straight to its
// slot.
//
// `Watcher` is told of the end: `void task_ended(std::size_t index, std::exception_ptr) noexcept`,
// before the group counts the child as gone.
#pragma once

#include <burrow/detail/group_core.hpp>

#include <new>
#include <source_location>

namespace burrow::detail {

/// Moves a frame's result out of it.
template <class T>
void take_result(task_promise<T>& promise, result_slot<value_or_unit<T>>& slot) noexcept {
  try {
    if constexpr (std::is_void_v<T>) {
      promise.take();
      slot.emplace();
    } else if constexpr (std::is_reference_v<T>) {
      slot.emplace(std::addressof(promise.take()));
    } else {
      slot.emplace(promise.take());
    }
  } catch (...) {
    slot.fail(std::current_exception());
  }
}

template <class T, class Watcher>
struct task_child {
  group_member member;
  std::coroutine_handle<task_promise<T>> frame;
  result_slot<value_or_unit<T>>* slot;
  Watcher* watcher;
  std::size_t index;
  bool is_body;

  static task_child& of(goroutine& g) noexcept {
    return **std::launder(reinterpret_cast<task_child**>(g.storage));
  }

  /// Makes the goroutine; takes the task's frame. Throws std::bad_alloc, and std::logic_error for a
  /// task that was moved from; then the task is untouched.
  static goroutine* make(group_core& group, task<T>& t, result_slot<value_or_unit<T>>& slot,
                         Watcher& watcher, std::size_t index, bool is_body,
                         std::source_location where) {
    if (!task_access::frame_of(t)) throw_task_awaited_twice();
    void* block = allocate_block(sizeof(task_child));
    goroutine* g = nullptr;
    try {
      g = new_goroutine();
    } catch (...) {
      free_block_memory(block, sizeof(task_child));
      throw;
    }
    auto* child = ::new (block)
        task_child{{&group}, task_access::release(std::move(t)), &slot, &watcher, index, is_body};
    ::new (g->storage) task_child*(child);
    g->type = &type;
    g->where = where;
    carry_first(*g, group.node(), true);
    return g;
  }

  static std::coroutine_handle<> start(goroutine& g) noexcept {
    task_child& self = of(g);
    if (g.word.is_abandoned() && !g.shielded) {  // abandoned before it began
      self.slot->fail(std::make_exception_ptr(goroutine_exit{}));
      return nullptr;
    }
    self.frame.promise().enter(g, nullptr);
    return self.frame;
  }

  static void finish(goroutine& g) noexcept {
    task_child& self = of(g);
    group_core& group = *self.member.group;
    if (g.leaf) take_result<T>(self.frame.promise(), *self.slot);
    self.frame.destroy();
    std::exception_ptr error = self.slot->error();
    group.leave(self.member);
    Watcher& watcher = *self.watcher;
    const std::size_t index = self.index;
    const bool is_body = self.is_body;
    free_block_memory(&self, sizeof(task_child));
    watcher.task_ended(index, std::move(error));
    group.child_ended(is_body);
  }

  static constexpr goroutine_type type = {&start, &finish};
};

}  // namespace burrow::detail
