// SPDX-License-Identifier: MIT
// Select: one of several operations happens, or none of them has begun.
//
// Pass 1, without locks, in select_cases.hpp: look at all cases, choose one of the ready ones at
// random (each as likely, SE4, SE5), lock its source alone and attempt it. A success is that
// operation's plain success. A select whose cases are known at run time only begins with pass 2.
//   With `otherwise` and nothing ready: if no source's version has changed since before the looks,
//   none was ready at one instant in between, and `otherwise` it is.
// Pass 2, under the locks of all sources, taken in the order of their addresses: look and attempt
//   again; then `otherwise`, or enlist in all of them and wait: where several cases have one
//   source, in random order, so that a peer finds each as likely first (SE4).
// Pass 3, after one case was claimed: leave the lists of the others, one lock at a time.
//
// Nobody holds two of these locks but a select in pass 2, so the order of addresses suffices. A
// select never completes its own other case: its waiters are enlisted only when nothing can be
// attempted, and a goroutine that runs cannot be claimed.
//
// Rejected: registering without all locks, with a second look after it (two selects could then
// claim each other; it takes a third state and retries); reading the verdict "nothing is ready"
// from one source after the other (a peer that sends on a and then receives on b would be missed);
// one code for all selects, that calls the cases through a table (a select of eight took a quarter
// longer).
#pragma once

#include <burrow/detail/operation.hpp>

#include <coroutine>
#include <cstdint>
#include <functional>

namespace burrow::detail {

/// The sources of a select, each once, in the order of their addresses.
class source_locks {
 public:
  /// `room`, for as many as will be added, outlives this.
  explicit source_locks(wait_source** room) noexcept : sources_(room) {}

  /// Null: a case that is never ready.
  void add(wait_source* source) noexcept {
    if (source != nullptr) sources_[count_++] = source;
  }
  /// After the last add().
  void sort() noexcept {
    for (std::uint32_t i = 1; i < count_; ++i) {
      if (!std::less<>()(sources_[i - 1], sources_[i])) return sort_unsorted();
    }
  }
  /// Whether several cases have one source.
  bool had_duplicates() const noexcept { return had_duplicates_; }

  void lock() noexcept {
    for (std::uint32_t i = 0; i < count_; ++i) sources_[i]->lock.lock();
  }

  /// Once the waiters are enlisted, the goroutine may be claimed through any source that is
  /// unlocked. It cannot go on before it has left the others, which takes their locks; so the
  /// frame, in which the sources are listed, may be read until the last unlock, and not after it:
  /// the next source is read before the present one is unlocked.
  void unlock() const noexcept {
    if (count_ == 0) return;
    wait_source* const* const end = sources_ + count_;
    wait_source* present = sources_[0];
    for (wait_source* const* at = sources_ + 1; at != end; ++at) {
      wait_source* const next = *at;
      present->lock.unlock();
      present = next;
    }
    present->lock.unlock();
  }

 private:
  void sort_unsorted() noexcept;

  wait_source** sources_;
  std::uint32_t count_ = 0;
  bool had_duplicates_ = false;
};

/// Passes 2 and 3, for `Cases`, which derives from this and has
///   std::uint32_t count(), bool has_otherwise()
///   static wait_reason reason()
///   void list_sources(source_locks&)
///   std::uint32_t pick_ready()                  one of the ready cases, each as likely; none: none
///   bool attempt(i, goroutine*& woken)          under the locks
///   void settle(i)
///   void enlist_all(worker& home, bool in_random_order)   under the locks
///   void leave_all_but(i)
template <class Cases>
class select_core {
 public:
  static constexpr std::uint32_t none = 0xffffffff;

  explicit select_core(goroutine& g) noexcept : g_(g) {}
  select_core(const select_core&) = delete;
  select_core& operator=(const select_core&) = delete;

  /// await_suspend: pass 2. `room`: for a source of each case; it outlives the select.
  BURROW_NOINLINE std::coroutine_handle<> wait(std::coroutine_handle<> h,
                                               wait_source** room) noexcept {
    goroutine& g = g_;
    worker& w = *g.home;
    g.leaf = h;
    source_locks locks(room);
    cases().list_sources(locks);
    locks.sort();
    locks.lock();
    goroutine* woken = nullptr;
    chosen_ = attempt_one(woken);
    if (chosen_ != none) {
      locks.unlock();
      if (woken != nullptr) wake_here(w, woken);
      cases().settle(chosen_);
      return g.budget > 1 || g.exiting ? transfer_to(w, h) : yield_to_others(g, h);
    }
    if (!g.begin_wait(cases().count() == 0 ? wait_reason::select_no_cases : Cases::reason())) {
      refused_ = true;
      locks.unlock();
      return refuse_to_wait(g, h);
    }
    // From here on an abandoned goroutine may run elsewhere, and have another home.
    cases().enlist_all(w, locks.had_duplicates());
    locks.unlock();  // from here on the frame belongs to whoever claims the goroutine
    return w.switch_away();
  }

  /// await_resume: pass 3; the case that happened, the number of cases for `otherwise`. Its
  /// result() is still to be called. Throws goroutine_exit.
  std::uint32_t finish() {
    if (refused_) throw goroutine_exit{};
    if (chosen_ != none) return chosen_;
    chosen_ = g_.word.claimed_case();
    cases().leave_all_but(chosen_);
    if (chosen_ == select_word::abandoned_case) throw goroutine_exit{};
    return chosen_;
  }

 protected:
  ~select_core() = default;

  /// await_ready, where the budget is used up: true, the goroutine is to unwind.
  bool refuse_if_exiting() noexcept {
    refused_ = g_.exiting && !g_.shielded;
    return refused_;
  }
  /// After pass 1: this case has happened.
  void choose(std::uint32_t i) noexcept { chosen_ = i; }
  goroutine& runner() const noexcept { return g_; }

 private:
  Cases& cases() noexcept { return static_cast<Cases&>(*this); }

  std::uint32_t attempt_one(goroutine*& woken) noexcept {
    for (std::uint32_t i = cases().pick_ready(); i != none; i = cases().pick_ready()) {
      if (cases().attempt(i, woken)) return i;
    }
    return cases().has_otherwise() ? cases().count() : none;
  }

  goroutine& g_;
  std::uint32_t chosen_ = none;
  bool refused_ = false;
};

}  // namespace burrow::detail
