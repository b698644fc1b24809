// SPDX-License-Identifier: MIT
// Frames and other small blocks: size classes, a cache per worker, a central pool behind them.
//
// A block is taken from the running worker's cache and given back to the cache of the worker that
// frees it, so a block may wander. A cache that grows beyond two batches gives one back to the
// central pool; an empty one takes one. Threads that are no workers use the central pool directly.
// Memory that the pool took from operator new is kept until the process ends.
// Under sanitizers every block comes from operator new, so that they see each use after free.
#pragma once

#include <burrow/detail/compiler.hpp>
#include <burrow/detail/lock.hpp>

#include <array>
#include <cstddef>

namespace burrow::detail {

struct free_block {
  free_block* next;
  union {
    free_block* next_batch;  // in the first block of a batch that is in the central pool
    std::size_t length;      // in its second block, if there is one: so many blocks
  };
};

/// A cache; only its worker touches it.
class block_cache {
 public:
  static constexpr std::size_t granularity = 16;
  static constexpr std::size_t largest = 1024;
  static constexpr std::size_t classes = largest / granularity;

  block_cache() noexcept = default;
  block_cache(const block_cache&) = delete;
  block_cache& operator=(const block_cache&) = delete;
  /// Gives all blocks back to the central pool.
  ~block_cache();

  void* take(std::size_t size_class) {
    bin& b = bins_[size_class];
    if (b.head == nullptr) refill(size_class);
    free_block* block = b.head;
    b.head = block->next;
    --b.count;
    return block;
  }

  void give(void* memory, std::size_t size_class) noexcept {
    bin& b = bins_[size_class];
    auto* block = static_cast<free_block*>(memory);
    block->next = b.head;
    b.head = block;
    if (++b.count >= 2 * batch_size) give_back_batch(size_class);
  }

 private:
  static constexpr std::size_t batch_size = 64;
  struct bin {
    free_block* head = nullptr;
    std::size_t count = 0;
  };

  void refill(std::size_t size_class);
  void give_back_batch(std::size_t size_class) noexcept;

  std::array<bin, classes> bins_;
};

/// Makes `cache` the cache of this thread; null: none.
void set_thread_cache(block_cache* cache) noexcept;

/// Memory for `size` bytes, aligned to 16, and to 64 if `size` is a multiple of that. Throws
/// std::bad_alloc. Any thread.
void* allocate_block(std::size_t size);
/// Gives it back; `size` as it was asked for. Any thread.
void free_block_memory(void* memory, std::size_t size) noexcept;

}  // namespace burrow::detail
