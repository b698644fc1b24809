// SPDX-License-Identifier: MIT
#include <burrow/context.hpp>
#include <burrow/detail/after_func.hpp>
#include <burrow/detail/context_node.hpp>
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/value_node.hpp>

#include <system_error>
#include <thread>

namespace burrow::detail {

// --- the end of a node ---------------------------------------------------------------------------

namespace {

/// The last handle of a custom Context has gone: ends it, as a cancel object does when it goes.
/// False: the tree has the last reference now.
bool give_up(custom_node& n) noexcept {
  n.given_up = true;
  n.references.store(1, relaxed);  // relaxed: nobody else has one
  end(n, cancelled);
  return !leave_to_tree(n);
}

/// Whether no goroutine that has waited here is still to leave. If there are any, the last one
/// frees the node.
bool is_left(cancellable_node& n) noexcept {
  if (!n.was_awaited.load(relaxed)) return true;  // relaxed: nobody waits who has not had a handle
  locked hold(n.lock);
  n.unowned = true;
  return n.is_deserted();
}

bool may_be_freed(context_node& n) noexcept {
  if (n.source != &n) return true;
  auto& node = static_cast<cancellable_node&>(n);
  if (n.kind == context_kind::custom) {
    auto& custom = static_cast<custom_node&>(node);
    if (!custom.given_up && !give_up(custom)) return false;
  }
  return is_left(node);
}

void free_node(context_node* n) noexcept {
  switch (n->kind) {
    case context_kind::background:
    case context_kind::todo: break;
    case context_kind::cancel: delete_node(static_cast<cancel_node*>(n)); break;
    case context_kind::cancel_cause: delete_node(static_cast<cancel_cause_node*>(n)); break;
    case context_kind::deadline: delete_node(static_cast<deadline_node*>(n)); break;
    case context_kind::without_cancel: delete_node(static_cast<without_cancel_node*>(n)); break;
    case context_kind::value: {
      auto& value = static_cast<value_node&>(*n);
      value.destroy_this(value);
      break;
    }
    case context_kind::after_func: {
      auto& after = static_cast<after_func_node&>(*n);
      after.destroy_this(after);
      break;
    }
    case context_kind::custom: {
      auto& custom = static_cast<custom_node&>(*n);
      custom.parent_is_kept = true;
      destroy_custom(custom.self);
      break;
    }
  }
}

}  // namespace

/// Goes up without recursion: the last reference to a long chain may go with its last node.
BURROW_NOINLINE void destroy(context_node* n) noexcept {
  do {
    if (!may_be_freed(*n)) return;
    context_node* parent = n->parent;
    free_node(n);
    n = parent;
  } while (was_last(n));
}

void leave(cancellable_node& n, waiter& w) noexcept {
  n.lock.lock();
  if (w.linked) {
    n.waiters.remove(w);
  } else {
    --n.lost;
  }
  const bool last = n.unowned && n.is_deserted();
  n.lock.unlock();
  if (last) destroy(&n);
}

// --- making nodes --------------------------------------------------------------------------------

bool link(cancellable_node& n, tie how) noexcept {
  cancellable_node* up = n.anchor();
  if (up == nullptr) return true;
  if (!up->has_ended()) {
    locked hold(up->lock);
    if (up->ended.load(relaxed) == ended_by::none) {
      n.link.store(how, relaxed);  // relaxed: published by the anchor's lock
      n.next = up->children;
      if (n.next != nullptr) n.next->previous = &n;
      up->children = &n;
      return true;
    }
  }
  n.origin = up->origin;
  n.ended.store(up->ended.load(relaxed), relaxed);  // relaxed: nobody else knows n
  return false;
}

cancellable_node* new_cancel(context_node& parent) {
  auto* n = new_node<cancel_node>(parent, deadline_of(parent));
  retain(&parent);
  link(*n, tie::shared);
  return n;
}

cancellable_node* new_cancel_cause(context_node& parent) {
  auto* n = new_node<cancel_cause_node>(parent, deadline_of(parent));
  retain(&parent);
  link(*n, tie::shared);
  return n;
}

context_node* new_without_cancel(context_node& parent) {
  auto* n = new_node<without_cancel_node>(parent);
  retain(&parent);
  return n;
}

// --- the error and the cause ---------------------------------------------------------------------

BURROW_NOINLINE std::error_code error_of(const cancellable_node& n) noexcept {
  switch (n.ended.load(acquire)) {  // acquire: see has_ended()
    case ended_by::none: break;
    case ended_by::canceled: return errc::canceled;
    case ended_by::deadline_exceeded: return errc::deadline_exceeded;
    case ended_by::other: return static_cast<const custom_node&>(*n.origin).error;
  }
  return {};
}

namespace {

/// The cause that an origin keeps; null: none.
const std::exception_ptr& kept_cause(const cancellable_node& origin) noexcept {
  static const std::exception_ptr none;
  switch (origin.kind) {
    case context_kind::cancel_cause: return static_cast<const cancel_cause_node&>(origin).cause;
    case context_kind::custom: return static_cast<const custom_node&>(origin).cause;
    case context_kind::deadline: break;
    default: return none;
  }
  const bool timed_out = origin.ended.load(relaxed) == ended_by::deadline_exceeded;
  return timed_out ? static_cast<const deadline_node&>(origin).timeout_cause : none;
}

}  // namespace

std::exception_ptr cause_of(const cancellable_node& n) {
  static const std::exception_ptr canceled = to_cause(errc::canceled);
  static const std::exception_ptr deadline_exceeded = to_cause(errc::deadline_exceeded);
  const ended_by why = n.ended.load(acquire);  // acquire: see has_ended()
  if (why == ended_by::none) return nullptr;
  if (const std::exception_ptr& cause = kept_cause(*n.origin)) return cause;
  return why == ended_by::canceled ? canceled : deadline_exceeded;
}

// --- after_func ----------------------------------------------------------------------------------

atomic<goroutine_starter_function> goroutine_starter{nullptr};

void start_call(plain_call& call) noexcept {
  // acquire: sees what the runtime module has set up; pairs with its release store.
  if (auto* start = goroutine_starter.load(acquire); start != nullptr && start(call)) return;
  try {
    std::thread([&call] {
      call.run(call);
      call.release(call);
    }).detach();
  } catch (...) {
    fatal("after_func: neither a goroutine nor a thread can be started");
  }
}

void wait_for_end(after_func_node& n) noexcept {
  context_node* parent = n.parent;
  retain(parent);
  if (parent->source == nullptr) {
    drop(&n);  // it will never run: only stop owns it
  } else if (!link(n, tie::tree)) {
    start_call(n);
  }
}

bool stop_waiting(after_func_node& n) noexcept { return try_end(n, cancelled); }

}  // namespace burrow::detail
