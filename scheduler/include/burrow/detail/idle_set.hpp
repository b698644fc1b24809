// SPDX-License-Identifier: MIT
// Which workers sleep, and how many look for work. The two patterns that lose no wake-up:
//
//   submit:  push (seq_cst)  ->  read the counters (seq_cst)  ->  if some sleep and none searches,
//            take one out of the set, counted as searching, and unpark it
//   park:    enter the set (seq_cst)  ->  look at all queues again (seq_cst)  ->  sleep
//
// Either the submitter sees the sleeper, or the sleeper sees the push. A searcher that finds work
// and was the last one notifies another, so that a burst wakes one worker after the other; a
// searcher that finds nothing enters the set, and looks again after it.
#pragma once

#include <burrow/detail/atomic.hpp>
#include <burrow/detail/lock.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace burrow::detail {

class worker;

class idle_set {
 public:
  void reserve(std::size_t workers) { sleepers_.reserve(workers); }

  /// Whether a submitter has to wake one.
  bool should_wake() const noexcept {
    const std::uint64_t s = counters_.load(seq_cst);
    return searching(s) == 0 && sleeping(s) != 0;
  }

  /// Takes a sleeper out, counted as searching. Null: none sleeps, or one searches already.
  worker* take_one() noexcept {
    locked hold(lock_);
    const std::uint64_t s = counters_.load(relaxed);
    if (searching(s) != 0 || sleepers_.empty()) return nullptr;
    worker* w = sleepers_.back();
    sleepers_.pop_back();
    counters_.fetch_add(one_searching - one_sleeping, seq_cst);
    return w;
  }

  /// Takes a sleeper out although others search.
  worker* take_any() noexcept {
    locked hold(lock_);
    if (sleepers_.empty()) return nullptr;
    worker* w = sleepers_.back();
    sleepers_.pop_back();
    counters_.fetch_add(one_searching - one_sleeping, seq_cst);
    return w;
  }

  /// Takes this one out, counted as searching. False: it does not sleep.
  bool take(worker* w) noexcept {
    locked hold(lock_);
    if (!remove(w)) return false;
    counters_.fetch_add(one_searching - one_sleeping, seq_cst);
    return true;
  }

  /// seq_cst: follows the caller's entry; see worker::sleep().
  bool any_searching() const noexcept { return searching(counters_.load(seq_cst)) != 0; }

  /// A worker without work may search only while fewer than half of the busy ones do.
  bool try_search(std::size_t workers) noexcept {
    const std::uint64_t s = counters_.load(relaxed);
    if (2 * searching(s) >= workers) return false;
    counters_.fetch_add(one_searching, seq_cst);
    return true;
  }

  /// True: it was the last searcher.
  bool stop_searching() noexcept {
    return searching(counters_.fetch_sub(one_searching, seq_cst)) == 1;
  }

  /// True: all workers sleep now.
  bool enter(worker* w, bool was_searching, std::size_t workers) noexcept {
    locked hold(lock_);
    sleepers_.push_back(w);
    const std::uint64_t change = one_sleeping - (was_searching ? one_searching : 0);
    counters_.fetch_add(change, seq_cst);
    return sleepers_.size() == workers;
  }

  /// False: somebody has taken it out already, counted as searching.
  bool leave(worker* w) noexcept {
    locked hold(lock_);
    if (!remove(w)) return false;
    counters_.fetch_sub(one_sleeping, seq_cst);
    return true;
  }

  /// seq_cst: the caller's looks at the queues follow it.
  bool all_asleep(std::size_t workers) const noexcept {
    const std::uint64_t s = counters_.load(seq_cst);
    return sleeping(s) == workers && searching(s) == 0;
  }

 private:
  static constexpr std::uint64_t one_searching = 1;
  static constexpr std::uint64_t one_sleeping = std::uint64_t{1} << 32;
  static std::uint64_t searching(std::uint64_t s) noexcept { return s & 0xffffffff; }
  static std::uint64_t sleeping(std::uint64_t s) noexcept { return s >> 32; }

  /// Under lock_.
  bool remove(worker* w) noexcept {
    const auto place = std::find(sleepers_.begin(), sleepers_.end(), w);
    if (place == sleepers_.end()) return false;
    sleepers_.erase(place);
    return true;
  }

  wait_lock lock_;
  std::vector<worker*> sleepers_;  // under lock_; the one that slept last is woken first
  atomic<std::uint64_t> counters_{0};
};

}  // namespace burrow::detail
