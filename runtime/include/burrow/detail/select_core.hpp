// SPDX-License-Identifier: MIT
// Select: one of several operations happens, or none of them has begun.
//
// Pass 1, without locks: look at all cases, choose one of the ready ones at random (each as likely,
// SE4, SE5), lock its source alone and attempt it. A success is that operation's plain success.
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
// from one source after the other (a peer that sends on a and then receives on b would be missed).
#pragma once

#include <burrow/detail/operation.hpp>

#include <coroutine>
#include <cstdint>

namespace burrow::detail {

class select_core {
 public:
  /// `cases` and `order`, room for `count` numbers, belong to the awaiter and outlive the select.
  select_core(case_ref* cases, std::uint32_t* order, std::uint32_t count,
              bool has_otherwise) noexcept
      : cases_(cases), order_(order), count_(count), has_otherwise_(has_otherwise) {}
  select_core(const select_core&) = delete;
  select_core& operator=(const select_core&) = delete;

  /// await_ready: pass 1. The cases' `who` is set, and they are prepared.
  bool try_at_once(goroutine& g) noexcept;
  /// await_suspend: passes 2 and 3.
  std::coroutine_handle<> wait(goroutine& g, std::coroutine_handle<> h) noexcept;
  /// await_resume: the case that happened, `count` for `otherwise`. Its result() is still to be
  /// called. Throws goroutine_exit.
  std::uint32_t finish(goroutine& g);

 private:
  static constexpr std::uint32_t none = 0xffffffff;

  std::uint32_t pick_ready(worker& w) const noexcept;
  bool attempt(std::uint32_t i, worker& w) noexcept;
  bool none_was_ready() noexcept;
  wait_source* source_at(std::uint32_t i) const noexcept { return cases_[order_[i]].source; }
  std::uint32_t sort_cases(worker& w) noexcept;
  void lock_all(std::uint32_t n) noexcept;
  void unlock_all(std::uint32_t n) noexcept;

  case_ref* cases_;
  std::uint32_t* order_;
  std::uint32_t count_;
  std::uint32_t chosen_ = none;
  bool has_otherwise_;
  bool refused_ = false;
};

}  // namespace burrow::detail
