// SPDX-License-Identifier: MIT
// The nodes of the Context tree, who owns them, and how one ends.
//
// Every Context is a node that owns a reference to its parent. A *cancellable* node can end: it has
// a lock, the list of goroutines that wait for its end, and the list of its children, the
// cancellable nodes next below it (values between them are skipped). A node is linked into the list
// of its *anchor*, the nearest cancellable node above it; where there is none, it is not linked at
// all. `source` of a node is the cancellable node whose end is its own: itself, or its anchor.
//
// Invariants:
//  1. `ended` goes from none to an error once, under the node's lock. Children are added and
//     waiters enlisted only under that lock while it is none; so none is ever missed.
//  2. Once it has ended, `children` and the links of those in it belong to whoever ended it.
//  3. `origin` is the node at which the ending began, itself or one above, and is written before
//     `ended`. It holds the cause, and `settled` once all below it has ended. It needs no
//     reference: whoever ended with it owns references up to it.
//  4. The locks of two nodes are never held together, and no user code runs under one.
//
// References. Handles, cancel objects and children own one each. The tree owns none: a node that is
// linked has a cancel object, which ends and unlinks it before it gives its reference back. Only if
// somebody who ends a node above has taken the whole list meanwhile, and will still visit the node,
// does the cancel object leave its reference to the tree (`tie::tree`), and the visitor gives it
// back. So making and ending a Context counts no reference for the link. Two kinds differ: nothing
// but the tree need own an after_func() that waits for its Context, so it is `tie::tree` from the
// start; and a custom Context does what a cancel object does when its last handle goes.
//
// Goroutines that wait here own no reference either: a node whose last reference goes while there
// are some in its list, or some that were taken off it in vain and have yet to leave, is freed by
// the last of them (`unowned`). So parking counts nothing but what the wait list counts under its
// lock anyway.
//
// Rejected: one lock for the whole tree (every worker would contend for it); an owning link (two
// more read-modify-writes for each Context); a copy of the cause in each node (one more for each
// node that a cancel reaches); marking each node as settled (a second walk over a tree that no
// cache holds).
#pragma once

#include <burrow/detail/bubble.hpp>
#include <burrow/detail/compiler.hpp>
#include <burrow/detail/memory.hpp>
#include <burrow/detail/timers.hpp>
#include <burrow/detail/wait.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

namespace burrow {
class custom_context;
}

namespace burrow::detail {

enum class context_kind : std::uint8_t {
  background,
  todo,
  cancel,
  cancel_cause,
  deadline,
  value,
  without_cancel,
  after_func,
  custom,
};

/// The error of a Context, in a byte.
enum class ended_by : std::uint8_t {
  none,               // it lives
  canceled,           // errc::canceled
  deadline_exceeded,  // errc::deadline_exceeded
  other,              // what the custom Context says that is its origin
};

/// What the tree has to do with a cancellable node.
enum class tie : std::uint8_t {
  none,    // it is in no list
  shared,  // it is in its anchor's list, or in the hands of who ends that; something else owns it
  tree,    // the same, and who takes it out gives its reference back
};

struct cancellable_node;

inline constexpr std::uint8_t most_detachments = 127;

/// What every Context has.
struct context_node : wait_source {
  cancellable_node* const source;  // null: it never ends
  context_node* const parent;      // null: a root. Owns a reference
  const nanoseconds_t deadline;    // of the steady clock, the earliest on the path; never: none
  atomic<std::uint32_t> references;
  const context_kind kind;
  const std::uint8_t
      detachments;  // so many without_cancel() lead to it, at most `most_detachments`

  constexpr context_node(context_kind k, context_node* up, cancellable_node* end, nanoseconds_t due,
                         std::uint8_t detached, std::uint32_t count) noexcept
      : source(end), parent(up), deadline(due), references(count), kind(k), detachments(detached) {}
  context_node(const context_node&) = delete;
  context_node& operator=(const context_node&) = delete;

  /// background() and todo(): constants, which nobody counts.
  bool is_constant() const noexcept { return kind <= context_kind::todo; }

 protected:
  ~context_node() = default;
};

/// A Context that can end.
struct cancellable_node : context_node {
  atomic<ended_by> ended{ended_by::none};  // written under the lock, read by anyone
  atomic<bool> settled{false};             // of an origin: all below it has ended
  atomic<tie> link{tie::none};             // see tie; at each time one party may write it
  atomic<bool> was_awaited{false};         // some goroutine has waited here; written under the lock
  bool unowned = false;                    // the last reference has gone; under the lock
  const std::uint16_t bubble = bubble_here();
  std::uint32_t lost = 0;            // waiters taken off in vain that have yet to leave; likewise
  cancellable_node* next = nullptr;  // in the list of the anchor, under its lock
  cancellable_node* previous = nullptr;
  cancellable_node* origin = nullptr;
  cancellable_node* children = nullptr;  // the first
  wait_list waiters;

  cancellable_node(context_kind k, context_node* up, nanoseconds_t due,
                   std::uint32_t count) noexcept
      : context_node(k, up, this, due, up != nullptr ? up->detachments : std::uint8_t{0}, count) {}

  cancellable_node* anchor() const noexcept { return parent != nullptr ? parent->source : nullptr; }

  /// Under the lock: whether no goroutine that waits here, or was taken off in vain, is still to
  /// leave.
  bool is_deserted() const noexcept { return waiters.front() == nullptr && lost == 0; }

  /// acquire: sees `origin` and what belongs to it; pairs with the release in try_end().
  bool has_ended() const noexcept { return ended.load(acquire) != ended_by::none; }

 protected:
  ~cancellable_node() = default;
};

/// background() and todo().
struct constant_node final : context_node {
  constexpr explicit constant_node(context_kind k) noexcept
      : context_node(k, nullptr, nullptr, never, 0, 0) {}
};
extern constant_node background_node;
extern constant_node todo_node;

/// What without_cancel() makes.
struct without_cancel_node final : context_node {
  explicit without_cancel_node(context_node& up) noexcept
      : context_node(context_kind::without_cancel, &up, nullptr, never,
                     static_cast<std::uint8_t>(std::min(up.detachments + 1, +most_detachments)),
                     1) {}
};

/// What with_cancel() makes.
struct cancel_node final : cancellable_node {
  explicit cancel_node(context_node& up, nanoseconds_t due) noexcept
      : cancellable_node(context_kind::cancel, &up, due, 2) {}  // the handle and the cancel object
};

/// What with_cancel_cause() makes.
struct cancel_cause_node final : cancellable_node {
  std::exception_ptr cause;  // null: the error. Written under the lock, before `ended`

  cancel_cause_node(context_node& up, nanoseconds_t due) noexcept
      : cancellable_node(context_kind::cancel_cause, &up, due, 2) {}
};

/// What with_deadline() makes. The timer is in `timer.set` from before the node is linked; it is
/// armed only while the node has not ended, so an armed timer has a node.
struct deadline_node final : cancellable_node {
  timer_node timer;
  const std::exception_ptr timeout_cause;  // the cause if the deadline passes; null: the error

  deadline_node(context_node& up, nanoseconds_t due, std::exception_ptr&& cause) noexcept
      : cancellable_node(context_kind::deadline, &up, due, 2), timeout_cause(std::move(cause)) {}

  static deadline_node& of(timer_node& t) noexcept;
};

/// The node inside a custom_context.
struct custom_node final : cancellable_node {
  custom_context* const self;
  std::error_code error;        // if ended_by::other. Both written under the lock, before `ended`
  std::exception_ptr cause;     // null: the error
  bool given_up = false;        // the last handle is gone
  bool parent_is_kept = false;  // who destroys it gives the parent's reference back

  custom_node(custom_context& c, context_node* up) noexcept
      : cancellable_node(context_kind::custom, up, never, 1), self(&c) {}
};

static_assert(sizeof(void*) != 8 || sizeof(cancel_node) <= 104, "cancel() streams through these");

// --- references --------------------------------------------------------------------------------

/// Adds `count` references. Null and constants: nothing.
inline void retain(context_node* n, std::uint32_t count = 1) noexcept {
  if (n == nullptr || n->is_constant()) return;
  n->references.fetch_add(count, relaxed);  // relaxed: the caller has one already
}

/// The caller had the last reference. Runs the destructors of values and causes.
void destroy(context_node* n) noexcept;
void destroy_custom(custom_context* c) noexcept;

/// Gives `count` references back; true: they were the last, and the caller has to destroy().
inline bool was_last(context_node* n, std::uint32_t count = 1) noexcept {
  if (n == nullptr || n->is_constant()) return false;
  // acquire: sees what other owners did before they gave theirs back (the acq_rel below). Who has
  // all the references needs no read-modify-write: nobody is left to change the count.
  return n->references.load(acquire) == count || n->references.fetch_sub(count, acq_rel) == count;
}

/// Gives `count` references back. Not under a lock: it may run the destructors of values.
inline void drop(context_node* n, std::uint32_t count = 1) noexcept {
  if (was_last(n, count)) destroy(n);
}

/// By a goroutine that has waited: takes its waiter off the list, or says that it knows it is off.
void leave(cancellable_node& n, waiter& w) noexcept;

// --- life --------------------------------------------------------------------------------------

/// Nodes with two references, the handle's and the cancel object's. `now` and `due` are times of
/// the steady clock. They throw std::bad_alloc, and new_deadline() std::logic_error where no
/// runtime runs.
cancellable_node* new_cancel(context_node& parent);
cancellable_node* new_cancel_cause(context_node& parent);
cancellable_node* new_deadline(context_node& parent, nanoseconds_t now, nanoseconds_t due,
                               std::exception_ptr cause);
/// Nodes with one reference, the handle's.
context_node* new_without_cancel(context_node& parent);

/// Links a new node below its anchor; if that has ended, it ends the node with its error and cause.
/// False: the node has ended.
bool link(cancellable_node& n, tie how) noexcept;

/// Why a node ends; `cause` and `error` only for the kinds that keep them.
struct ending_reason {
  ended_by why;
  std::exception_ptr* cause = nullptr;     // moved from if this is what ends the node
  const std::error_code* error = nullptr;  // for ended_by::other
};
inline constexpr ending_reason cancelled = {ended_by::canceled};

/// Ends `n` and all below it, and wakes who waits for it. False: it had ended before; then others
/// may not be through with what is below.
bool try_end(cancellable_node& n, const ending_reason& reason) noexcept;

/// As try_end(), and in any case returns only when all below has ended.
void end(cancellable_node& n, const ending_reason& reason) noexcept;

/// After end(), by the owner of a node that was linked: if somebody who ends a node above will
/// still visit it, the owner's reference is his now. False: nobody will.
bool leave_to_tree(cancellable_node& n) noexcept;

/// What the destruction of a cancel object does: ends `n` and gives `count` references back.
void end_and_drop(cancellable_node& n, std::uint32_t count) noexcept;

/// The deadline as the Context tells it now: a custom Context is asked.
nanoseconds_t deadline_of(const context_node& n);

/// The error and the cause of a node that has ended.
std::error_code error_of(const cancellable_node& n) noexcept;
std::exception_ptr cause_of(const cancellable_node& n);

/// Waits a little, the longer the more often it was called; `tries` starts at zero.
void back_off(unsigned& tries) noexcept;

/// Makes a node of one of the kinds that a type erases: values and after_func().
template <class Node, class... Args>
Node* new_node(Args&&... args) {
  static_assert(alignof(Node) <= 16, "what a Context holds cannot be aligned beyond 16 bytes");
  void* memory = allocate_block(sizeof(Node));
  try {
    return ::new (memory) Node(std::forward<Args>(args)...);
  } catch (...) {
    free_block_memory(memory, sizeof(Node));
    throw;
  }
}

template <class Node>
void delete_node(Node* n) noexcept {
  n->~Node();
  free_block_memory(n, sizeof(Node));
}

}  // namespace burrow::detail
