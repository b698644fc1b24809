// SPDX-License-Identifier: MIT
// How a Context ends, with all that is below it.
//
// An *ending* begins at a root and goes down without recursion, each node once:
//   1. Under the node's lock: `origin`, `ended`, and its waiters are claimed. From then on its
//      children belong to the ending, which visits them after the unlock.
//   2. A child that has ended already was ended by somebody who began at that child and may not be
//      through yet: it is put aside, and waited for at the end.
//   3. When all is done the root is unlinked from its anchor and `settled` is set; whoever wants to
//      know that all below some node has ended waits for `settled` of the node's origin.
//   4. Only then are goroutines started and references given back, which may run user code.
//
// The root stays linked until 3, so that an ending from above finds it and waits for it.
//
// It cannot deadlock: an ending waits only for endings whose root lies strictly below its own; who
// merely waits for `settled`, because somebody else has ended its node, is waited for by nobody.
// And no user code runs in between, so that nobody waits for itself.
//
// Goroutines that were claimed are handed over in batches, so that the first run while the last are
// still being claimed, and the list of waiters of one node is claimed in portions, so that its lock
// is never held for long: once `ended` is set nobody joins that list.
#include <burrow/detail/after_func.hpp>
#include <burrow/detail/context_node.hpp>
#include <burrow/detail/worker.hpp>

namespace burrow::detail {

namespace {

constexpr std::size_t claims_per_lock = 64;
constexpr std::size_t wakes_per_batch = 1024;

void stop_timer(cancellable_node& n) noexcept {
  timer_node& timer = static_cast<deadline_node&>(n).timer;
  // The set outlives every timer that was ever armed in it, see timer_set::retire(). If the node's
  // timer is still to be armed, who does that sees `ended` under this lock.
  locked hold(timer.set->lock);
  timer.set->disarm(timer);
}

/// Takes a root whose ending is done out of its anchor's list. False: there is nothing to give
/// back.
bool unlink(cancellable_node& n) noexcept {
  const tie how = n.link.load(relaxed);  // relaxed: only the root's own ending writes it by now,
  if (how == tie::none) return false;    // or else the anchor's, and then only once n has settled
  cancellable_node& up = *n.anchor();
  locked hold(up.lock);
  // Who ended the anchor has the list, will come by, and will see that n has ended.
  if (up.ended.load(relaxed) != ended_by::none) return false;
  (n.previous != nullptr ? n.previous->next : up.children) = n.next;
  if (n.next != nullptr) n.next->previous = n.previous;
  n.link.store(tie::none, relaxed);  // relaxed: published by `settled`
  return how == tie::tree;
}

void wait_until_settled(const cancellable_node& origin) noexcept {
  // acquire: sees that all below has ended; pairs with the release in settle().
  for (unsigned tries = 0; !origin.settled.load(acquire);) back_off(tries);
}

/// The last thing that an ending does to its root.
void settle(cancellable_node& root) noexcept {
  const bool owned_by_tree = unlink(root);
  root.settled.store(true, release);  // release: pairs with the acquire in wait_until_settled()
  if (owned_by_tree) drop(&root);     // not the last: whoever ends a root has a reference
}

/// One ending of more than a single node. The lists are linked through `previous`, which an ending
/// may use in all nodes that it visits; not in the root, which is still linked.
class ending {
 public:
  explicit ending(cancellable_node& root) noexcept : root_(root) {}

  /// Under the lock of `n`, which has just ended: claims the first of its waiters. True: there are
  /// more.
  bool claim_some(cancellable_node& n) noexcept {
    for (std::size_t i = 0; i < claims_per_lock; ++i) {
      waiter* w = n.waiters.front();
      if (w == nullptr) return false;
      if (w->next != nullptr) {
        __builtin_prefetch(w->next->who, 1);
        if (w->next->next != nullptr) __builtin_prefetch(w->next->next);
      }
      n.waiters.remove(*w);
      if (w->claim()) {
        wakes_.add(w->who);
        ++claimed_;
      } else {
        ++n.lost;  // its goroutine has still to leave, see detail::leave()
      }
    }
    return true;
  }

  /// After the unlock: all that is left to do for `n` itself.
  void finish(cancellable_node& n, bool more_waiters) noexcept {
    while (more_waiters) {
      if (claimed_ >= wakes_per_batch) hand_over();
      locked hold(n.lock);
      more_waiters = claim_some(n);
    }
    if (n.kind == context_kind::deadline) stop_timer(n);
  }

  /// All that is below the root, and then the end of the ending.
  void run() noexcept {
    visit_list(std::exchange(root_.children, nullptr));
    while (cancellable_node* n = pop(with_children_)) {
      visit_list(std::exchange(n->children, nullptr));
    }
    if (ended_before_ != nullptr) wait_for_others();
    settle(root_);
    hand_over();
    while (cancellable_node* n = pop(calls_)) start_call(*static_cast<after_func_node*>(n));
    while (cancellable_node* n = pop(to_drop_)) drop(n);
  }

 private:
  void hand_over() noexcept {
    if (claimed_ == 1) {
      wake(wakes_.pop());
    } else if (claimed_ != 0) {
      wake_all(wakes_);
    }
    claimed_ = 0;
  }

  static void prefetch(cancellable_node& n) noexcept {
    __builtin_prefetch(&n, 1);
    __builtin_prefetch(&n.waiters, 1);
  }
  static void push(cancellable_node*& list, cancellable_node& n) noexcept {
    n.previous = list;
    list = &n;
  }
  static cancellable_node* pop(cancellable_node*& list) noexcept {
    cancellable_node* n = list;
    if (n != nullptr) list = n->previous;
    return n;
  }

  void visit_list(cancellable_node* n) noexcept {
    const ended_by why = root_.ended.load(relaxed);  // relaxed: this thread has written it
    while (n != nullptr) {
      cancellable_node* const following = n->next;
      if (following != nullptr) {
        __builtin_prefetch(following->waiters.front(), 1);
        if (following->next != nullptr) prefetch(*following->next);
      }
      visit(*n, why);
      if (claimed_ >= wakes_per_batch) hand_over();
      n = following;
    }
  }

  void visit(cancellable_node& n, ended_by why) noexcept {
    n.lock.lock();
    if (n.ended.load(relaxed) != ended_by::none) {
      n.lock.unlock();
      push(ended_before_, n);
      return;
    }
    n.origin = &root_;
    n.ended.store(why, release);       // release: as in try_end()
    n.link.store(tie::none, relaxed);  // relaxed: read by whoever has seen the root settled
    const bool more_waiters = n.waiters.front() != nullptr && claim_some(n);
    n.lock.unlock();
    // Nobody gives the last reference to n back before the root has settled.
    if (n.kind == context_kind::after_func) {
      push(calls_, n);
    } else {
      finish(n, more_waiters);
      if (n.children != nullptr) push(with_children_, n);
    }
  }

  void wait_for_others() noexcept {
    hand_over();
    while (cancellable_node* n = pop(ended_before_)) {
      wait_until_settled(*n);
      // This is the last touch of n, unless its cancel object has left its reference. acq_rel:
      // pairs with leave_to_tree().
      if (n->link.exchange(tie::none, acq_rel) == tie::tree) push(to_drop_, *n);
    }
  }

  cancellable_node& root_;
  wake_list wakes_;
  std::size_t claimed_ = 0;  // how many are in wakes_
  cancellable_node* with_children_ = nullptr;
  cancellable_node* ended_before_ = nullptr;
  cancellable_node* calls_ = nullptr;
  cancellable_node* to_drop_ = nullptr;
};

/// Under the lock: what the kind of node keeps of the reason.
void keep(cancellable_node& n, const ending_reason& reason) noexcept {
  if (n.kind == context_kind::cancel_cause) {
    static_cast<cancel_cause_node&>(n).cause = std::move(*reason.cause);
  } else if (n.kind == context_kind::custom) {
    auto& custom = static_cast<custom_node&>(n);
    custom.cause = std::move(*reason.cause);
    custom.error = *reason.error;
  }
}

BURROW_NOINLINE void end_more_than_one(cancellable_node& n) noexcept {
  ending e(n);
  const bool more_waiters = e.claim_some(n);
  n.lock.unlock();
  e.finish(n, more_waiters);
  e.run();
}

}  // namespace

bool try_end(cancellable_node& n, const ending_reason& reason) noexcept {
  if (n.has_ended()) return false;
  n.lock.lock();
  if (n.ended.load(relaxed) != ended_by::none) {
    n.lock.unlock();
    return false;
  }
  if (reason.cause != nullptr) keep(n, reason);
  n.origin = &n;
  // release: publishes origin and cause; pairs with the acquire in has_ended().
  n.ended.store(reason.why, release);
  if (n.waiters.front() != nullptr || n.children != nullptr) {
    end_more_than_one(n);  // unlocks
    return true;
  }
  n.lock.unlock();
  if (n.kind == context_kind::deadline) stop_timer(n);
  settle(n);
  return true;
}

void end(cancellable_node& n, const ending_reason& reason) noexcept {
  if (!try_end(n, reason)) wait_until_settled(*n.origin);
}

bool leave_to_tree(cancellable_node& n) noexcept {
  // acquire, twice: who takes a node out of the tree does not touch it after that; pairs with the
  // exchange in wait_for_others(), and by `settled` with the plain stores.
  if (n.link.load(acquire) == tie::none) [[likely]]
    return false;
  tie expected = tie::shared;
  return n.link.compare_exchange_strong(expected, tie::tree, acq_rel, acquire);
}

void end_and_drop(cancellable_node& n, std::uint32_t count) noexcept {
  end(n, cancelled);
  if (leave_to_tree(n)) --count;
  if (count != 0) drop(&n, count);
}

}  // namespace burrow::detail
