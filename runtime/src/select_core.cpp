// SPDX-License-Identifier: MIT
#include <burrow/detail/select_core.hpp>

#include <algorithm>
#include <functional>

namespace burrow::detail {

/// One of the ready cases, each as likely; none: nothing seems ready.
std::uint32_t select_core::pick_ready(worker& w) const noexcept {
  std::uint32_t picked = none;
  std::uint32_t ready = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const case_ref& c = cases_[i];
    if (c.source == nullptr || !c.type->ready(*c.node)) continue;
    ++ready;
    if (ready == 1 || w.random() % ready == 0) picked = i;
  }
  return picked;
}

/// Under the lock of its own source, taken here.
bool select_core::attempt(std::uint32_t i, worker& w) noexcept {
  case_ref& c = cases_[i];
  wake_list wakes;
  c.source->lock.lock();
  const bool done = c.type->attempt(*c.node, wakes);
  c.source->lock.unlock();
  if (!wakes.empty()) wake_here(w, wakes);
  if (!done) return false;
  c.type->settle(*c.node);
  chosen_ = i;
  return true;
}

/// Whether at one instant no case was ready, judged from the sources' versions (kept in order_).
bool select_core::none_was_ready() noexcept {
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (cases_[i].source == nullptr) continue;
    order_[i] = cases_[i].source->lock.version();
    if (wait_lock::is_held(order_[i])) return false;
  }
  for (std::uint32_t i = 0; i < count_; ++i) {
    const case_ref& c = cases_[i];
    if (c.source != nullptr && c.type->ready(*c.node)) return false;
  }
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (cases_[i].source != nullptr && cases_[i].source->lock.version() != order_[i]) return false;
  }
  return true;
}

bool select_core::try_at_once(goroutine& g) noexcept {
  if (g.budget <= 1) [[unlikely]] {
    refused_ = g.exiting && !g.shielded;
    return refused_;
  }
  --g.budget;
  worker& w = *g.home;
  if (has_otherwise_ && none_was_ready()) {
    chosen_ = count_;
    return true;
  }
  for (int tries = 0; tries < 3; ++tries) {
    const std::uint32_t i = pick_ready(w);
    if (i == none) {
      if (!has_otherwise_) return false;
      if (none_was_ready()) {
        chosen_ = count_;
        return true;
      }
    } else if (attempt(i, w)) {
      return true;
    }
  }
  return false;
}

/// Puts the cases that can be ready into order_, by the addresses of their sources; returns how
/// many. Those of one source are in random order: enlisted like that, each is as likely to be the
/// one by which a peer finds this select.
std::uint32_t select_core::sort_cases(worker& w) noexcept {
  const auto before = [this](std::uint32_t a, std::uint32_t b) {
    return std::less<>()(cases_[a].source, cases_[b].source);
  };
  std::uint32_t n = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (cases_[i].source != nullptr) order_[n++] = i;
  }
  if (n <= 16) {
    for (std::uint32_t i = 1; i < n; ++i) {
      const std::uint32_t moved = order_[i];
      std::uint32_t j = i;
      for (; j > 0 && before(moved, order_[j - 1]); --j) order_[j] = order_[j - 1];
      order_[j] = moved;
    }
  } else {
    std::sort(order_, order_ + n, before);
  }
  for (std::uint32_t i = 0, end = 0; i < n; i = end) {
    for (end = i + 1; end < n && source_at(end) == source_at(i); ++end) {
      std::swap(order_[end], order_[i + w.random() % (end - i + 1)]);
    }
  }
  return n;
}

void select_core::lock_all(std::uint32_t n) noexcept {
  for (std::uint32_t i = 0; i < n; ++i) {
    if (i == 0 || source_at(i) != source_at(i - 1)) source_at(i)->lock.lock();
  }
}

/// Once the waiters are enlisted, the goroutine may be claimed through any source that is unlocked.
/// It cannot go on before it has left the others, which takes their locks; so this object may be
/// read until the last unlock, and not after it: the next source is read before the present is
/// unlocked.
void select_core::unlock_all(std::uint32_t n) noexcept {
  if (n == 0) return;
  wait_source* present = source_at(0);
  for (std::uint32_t i = 1; i < n; ++i) {
    wait_source* next = source_at(i);
    if (next == present) continue;
    present->lock.unlock();
    present = next;
  }
  present->lock.unlock();
}

BURROW_NOINLINE std::coroutine_handle<> select_core::wait(goroutine& g,
                                                          std::coroutine_handle<> h) noexcept {
  worker& w = *g.home;
  g.leaf = h;
  const std::uint32_t n = sort_cases(w);
  wake_list wakes;
  lock_all(n);
  for (std::uint32_t i = pick_ready(w); i != none; i = pick_ready(w)) {
    if (!cases_[i].type->attempt(*cases_[i].node, wakes)) continue;
    chosen_ = i;
    break;
  }
  if (chosen_ == none && has_otherwise_) chosen_ = count_;
  if (chosen_ != none) {
    unlock_all(n);
    if (!wakes.empty()) wake_here(w, wakes);
    if (chosen_ < count_) cases_[chosen_].type->settle(*cases_[chosen_].node);
    return g.budget > 1 || g.exiting ? transfer_to(w, h) : yield_to_others(g, h);
  }
  if (!g.begin_wait(count_ != 0 ? wait_reason::select : wait_reason::select_no_cases)) {
    refused_ = true;
    unlock_all(n);
    if (!wakes.empty()) wake_here(w, wakes);
    return refuse_to_wait(g, h);
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    const case_ref& c = cases_[order_[i]];
    c.type->enlist(*c.node);
  }
  unlock_all(n);  // from here on the frame belongs to whoever claims the goroutine
  if (!wakes.empty()) wake_here(w, wakes);
  return w.switch_away();
}

std::uint32_t select_core::finish(goroutine& g) {
  if (refused_) throw goroutine_exit{};
  if (chosen_ != none) return chosen_;
  chosen_ = g.word.claimed_case();
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (i != chosen_ && cases_[i].source != nullptr) cases_[i].type->leave(*cases_[i].node);
  }
  if (chosen_ == select_word::abandoned_case) throw goroutine_exit{};
  return chosen_;
}

}  // namespace burrow::detail
