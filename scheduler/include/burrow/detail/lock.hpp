// SPDX-License-Identifier: MIT
// The one lock of burrow: short, adaptive, and readable without being taken.
//
// Beside the flag stands a version, which each holder raises before it unlocks. Whoever reads
// version() (not held), then fields that their writers store with release, then the same version()
// again, has seen the fields as they were at one instant: a writer in between would be seen either
// as holding or by the version. Select judges "none of the cases is ready" that way, without taking
// any lock.
//
// Invariants: held for a bounded number of instructions; no allocation, no system call, no user
// code but an element's move, and no wake-up under it. Unlocking is a plain store: a waiter does
// not sleep on the word but spins, then gives up its time slice, then naps; so no wake-up can be
// lost.
// Rejected: one word that is both (the compare-and-swap then waits for the load before it: 6.3 ns
// instead of 3.2 for an uncontended pair), a futex (the unlock becomes a second RMW, 9 ns instead
// of 5 for a pair), and a pure spinlock (a holder that was preempted costs the others their whole
// time slice).
#pragma once

#include <burrow/detail/atomic.hpp>

#include <cstdint>

namespace burrow::detail {

class wait_lock {
 public:
  void lock() noexcept {
    // acquire: sees what the last holder wrote; pairs with the release in unlock().
    if (held_.exchange(1, acquire) != 0) lock_contended();
  }

  bool try_lock() noexcept { return held_.exchange(1, acquire) == 0; }

  void unlock() noexcept {
    // release: who sees the new version sees the fields that it stands for, though the flag that it
    // saw may be an older one; pairs with the acquire in version().
    version_.store(version_.load(relaxed) + 1, release);
    // release: publishes the guarded fields and the version; pairs with the acquires in lock() and
    // version().
    held_.store(0, release);
  }

  /// The version to read guarded fields under; see is_held(). acquire, the flag before the version:
  /// whoever sees the flag down after a holder also sees its version; pairs with the release in
  /// unlock().
  std::uint32_t version() const noexcept {
    if (held_.load(acquire) != 0) return held_version;
    return version_.load(acquire) << 1;
  }

  static bool is_held(std::uint32_t version) noexcept { return version == held_version; }

 private:
  static constexpr std::uint32_t held_version = 1;  // versions that can be used are even

  void lock_contended() noexcept;

  atomic<std::uint32_t> held_{0};
  atomic<std::uint32_t> version_{0};  // written by the holder
};

/// Holds a lock for a block.
template <class Lock>
class [[nodiscard]] locked {
 public:
  explicit locked(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  ~locked() { lock_.unlock(); }
  locked(const locked&) = delete;
  locked& operator=(const locked&) = delete;

 private:
  Lock& lock_;
};

}  // namespace burrow::detail
