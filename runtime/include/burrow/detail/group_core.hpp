// SPDX-License-Identifier: MIT
// The untyped group: goroutines that are joined together, and ended together.
//
// Who starts a group joins it before the group's memory goes. A child is *active* from its start to
// its end; beyond the limit it is *pending*: made, but not yet runnable. The first error cancels
// the group's Context with that error as the cause and abandons all children; later errors are
// handed to options.on_suppressed. A child that is added to a group that has failed is abandoned
// before it begins, so it does not begin.
//
// The last touch of a group by a child is the unlock in child_ended(); the joiner looks at the
// count under the lock. So the group may be destroyed as soon as the join returns.
//
// A goroutine that is abandoned while it joins is told so once: it then abandons its own children,
// and waits firmly. So abandonment walks down a tree of scopes without recursion, each level by
// itself.
#pragma once

#include <burrow/context.hpp>
#include <burrow/detail/operation.hpp>
#include <burrow/detail/spawn.hpp>

#include <cstddef>
#include <exception>
#include <optional>

namespace burrow::detail {

class group_core;

/// In the closure of a child: its place in the group's list.
struct group_member {
  group_core* group = nullptr;
  group_member* next = nullptr;
  group_member* previous = nullptr;
  goroutine* g = nullptr;
};

struct group_joiner {
  static constexpr bool accepts_plain = false;
  static constexpr bool borrows_context = true;
  static constexpr bool is_group = true;
  group_member member;
  explicit group_joiner(group_core& group) noexcept { member.group = &group; }
  void leave(goroutine&) noexcept;
  void ended(goroutine&, std::exception_ptr error) noexcept;
};

class group_core : public wait_source {
 public:
  static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

  /// Under the Context that the running goroutine carries. Throws std::bad_alloc.
  group_core();
  group_core(const group_core&) = delete;
  group_core& operator=(const group_core&) = delete;
  ~group_core() = default;

  const context& ctx() const noexcept { return ctx_; }
  context_node* node() const noexcept { return node_of(ctx_); }

  /// Throws std::logic_error while children are active.
  void set_limit(long n);
  /// Adds a child and starts it, or keeps it for later.
  void add(goroutine* g, group_member& member) noexcept;
  /// Counts a child in advance, if the limit allows one.
  bool reserve() noexcept;
  void cancel_reservation() noexcept;
  void add_reserved(goroutine* g, group_member& member) noexcept;
  /// Adds the goroutine of a scope's body: no child for wait() and limit().
  void add_body(goroutine* g, group_member& member) noexcept;

  void leave(group_member& member) noexcept;
  void child_ended(bool is_body) noexcept;
  /// Keeps the first error, and ends the others.
  void fail(std::exception_ptr error) noexcept;
  void abandon_children() noexcept;
  void cancel_context() noexcept { cancel_(); }

  std::exception_ptr first_error() noexcept;

  // For the operations below; see operation.hpp.
  bool children_gone() const noexcept { return children_.load(acquire) == 0; }
  bool all_gone() const noexcept { return children_gone() && !body_.load(acquire); }
  bool has_slot() const noexcept {
    return active_.load(acquire) < limit_.load(acquire) || failed_.load(acquire);
  }
  wait_list waiters;       // of wait()
  wait_list slot_waiters;  // of slot()
  wait_list joiners;       // of the join; one at most

 private:
  void link(goroutine* g, group_member& member) noexcept;
  void start_pending(wake_list& wakes) noexcept;
  void wake_waiters(wake_list& wakes) noexcept;

  context ctx_;
  cancel_cause_function cancel_;
  group_member* members_ = nullptr;  // under the lock, as all below
  goroutine* first_pending_ = nullptr;
  goroutine* last_pending_ = nullptr;
  atomic<std::size_t> children_{0};  // active and pending ones
  atomic<std::size_t> active_{0};
  atomic<std::size_t> limit_{no_limit};
  atomic<bool> body_{false};
  atomic<bool> failed_{false};
  std::exception_ptr first_;
};

/// group.wait(): until no child is left. A join, when it is awaited alone.
class [[nodiscard("co_await g.wait()")]] group_wait_operation
    : public operation<group_wait_operation> {
 public:
  static constexpr wait_reason reason = wait_reason::join;
  static constexpr bool is_join = true;
  explicit group_wait_operation(group_core& group) noexcept : group_(&group) {}
  wait_source* source() const noexcept { return group_; }
  bool ready() const noexcept { return group_->children_gone(); }
  bool attempt(goroutine*&) noexcept { return group_->children_gone(); }
  void enlist() noexcept { group_->waiters.push_back(*this); }
  void delist() noexcept { group_->waiters.remove(*this); }
  void result() const noexcept {}

 private:
  group_core* group_;
};

/// group.slot(): until one more child may be active.
class [[nodiscard("co_await g.slot()")]] group_slot_operation
    : public operation<group_slot_operation> {
 public:
  static constexpr wait_reason reason = wait_reason::group_slot;
  explicit group_slot_operation(group_core& group) noexcept : group_(&group) {}
  wait_source* source() const noexcept { return group_; }
  bool ready() const noexcept { return group_->has_slot(); }
  bool attempt(goroutine*&) noexcept { return group_->has_slot(); }
  void enlist() noexcept { group_->slot_waiters.push_back(*this); }
  void delist() noexcept { group_->slot_waiters.remove(*this); }
  void result() const noexcept {}

 private:
  group_core* group_;
};

/// The join of a scope: until children and body are gone. Abandonment of the joining goroutine goes
/// down to them, and does not end the wait.
class group_join {
 public:
  explicit group_join(group_core& group) noexcept : group_(group) {}

  class awaiter : public waiter {
   public:
    awaiter(group_core& group, goroutine& g) noexcept : group_(group) { who = &g; }
    bool await_ready() noexcept;
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept;
    /// False: the goroutine was abandoned; its children know now; wait again.
    bool await_resume() noexcept;

   private:
    group_core& group_;
    bool waited_ = false;
  };
  awaiter bind(goroutine& g) && noexcept { return {group_, g}; }

 private:
  group_core& group_;
};

void suppress(std::exception_ptr error) noexcept;

}  // namespace burrow::detail
