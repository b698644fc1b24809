// SPDX-License-Identifier: MIT
// The slots of all goroutines of a runtime. The slab is also the registry: a dump walks it, and
// nothing is kept in lists for it. Slots are never given back before the runtime has ended, so a
// pointer to one stays valid as long as the runtime does.
#pragma once

#include <burrow/detail/goroutine.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace burrow::detail {

class slab {
 public:
#ifdef BURROW_MODEL
  static constexpr std::size_t slots_per_chunk = 4;  // a model makes few goroutines
  static constexpr std::size_t batch_size = 2;
#else
  static constexpr std::size_t slots_per_chunk = 512;
  static constexpr std::size_t batch_size = 64;
#endif

  /// The number of the bubble whose goroutines have these slots; 0: none.
  explicit slab(std::uint16_t bubble = 0) noexcept : bubble_(bubble) {}

  /// A list of free slots, linked through `next`; at least one. Throws std::bad_alloc.
  goroutine* take_batch(std::size_t& count);
  /// A list of that many.
  void give_batch(goroutine* first, std::size_t count) noexcept;

  /// Replaces the name of a goroutine; owns it.
  void rename(goroutine& g, const char* name) noexcept {
    std::lock_guard hold(mutex_);
    delete[] g.name.exchange(name, relaxed);
  }

  /// While this is held, no name is given back, and no slot is taken from the slab or returned.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }

  struct entry {
    std::uint64_t id;
    goroutine* g;
  };
  /// The slots that are in use at that moment, the oldest goroutine first. Under hold(). Throws
  /// std::bad_alloc.
  std::vector<entry> in_use() const;

  /// Calls f(goroutine&) for each slot that is in use at that moment, under the slab's mutex.
  template <class F>
  void for_each(F f) {
    std::lock_guard hold(mutex_);
    for (auto& chunk : chunks_) {
      for (std::size_t i = 0; i < slots_per_chunk; ++i) {
        if (chunk[i].id.load(acquire) != 0) f(chunk[i]);
      }
    }
  }

 private:
  const std::uint16_t bubble_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<goroutine[]>> chunks_;
  std::size_t carved_ = slots_per_chunk;  // slots of the last chunk that were handed out
  goroutine* batches_ = nullptr;          // lists of free slots; linked through `next_list`
};

}  // namespace burrow::detail
