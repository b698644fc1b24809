// SPDX-License-Identifier: MIT
#include <burrow/detail/memory.hpp>

#include <algorithm>
#include <mutex>
#include <new>

namespace burrow::detail {

namespace {

constexpr std::size_t chunk_size = std::size_t{64} * 1024;
constexpr std::size_t line_size = 64;  // of a cache line
constexpr std::align_val_t line{line_size};
constexpr bool use_pool = !BURROW_ASAN && !BURROW_TSAN;

/// Batches that no worker holds, and the chunk that new blocks are carved from.
struct central_pool {
  std::mutex mutex;
  std::array<free_block*, block_cache::classes> batches{};  // lists, linked through next_batch
  std::byte* carve = nullptr;
  std::byte* carve_end = nullptr;
};

central_pool& central() noexcept {
  // Never destroyed: threads that outlive main() may still free.
  alignas(central_pool) static std::byte storage[sizeof(central_pool)];
  static central_pool* pool = new (storage) central_pool;
  return *pool;
}

std::size_t class_of(std::size_t size) noexcept {
  return (size + block_cache::granularity - 1) / block_cache::granularity - 1;
}

std::size_t size_of_class(std::size_t size_class) noexcept {
  return (size_class + 1) * block_cache::granularity;
}

/// Under the pool's mutex: up to `most` new blocks.
free_block* carve_batch(central_pool& pool, std::size_t size, std::size_t most,
                        std::size_t& count) {
  const std::size_t room = static_cast<std::size_t>(pool.carve_end - pool.carve);
  // A block of whole cache lines begins with one.
  const std::size_t skipped = size % line_size == 0 ? room % line_size : 0;
  pool.carve += skipped;
  if (room - skipped < size) {
    pool.carve = static_cast<std::byte*>(::operator new(chunk_size, line));
    pool.carve_end = pool.carve + chunk_size;
  }
  // The list runs through them in the order of their addresses, as the processor likes it.
  count = std::min(most, static_cast<std::size_t>(pool.carve_end - pool.carve) / size);
  auto* const first = reinterpret_cast<free_block*>(pool.carve);
  for (std::size_t i = 0; i < count; ++i) {
    std::byte* const block = pool.carve;
    pool.carve += size;
    new (block)
        free_block{i + 1 < count ? reinterpret_cast<free_block*>(pool.carve) : nullptr, {nullptr}};
  }
  return first;
}

free_block* take_from_central(std::size_t size_class, std::size_t most, std::size_t& count) {
  central_pool& pool = central();
  std::lock_guard hold(pool.mutex);
  free_block* batch = pool.batches[size_class];
  if (batch == nullptr) return carve_batch(pool, size_of_class(size_class), most, count);
  pool.batches[size_class] = batch->next_batch;
  count = batch->next != nullptr ? batch->next->length : 1;
  return batch;
}

void give_to_central(free_block* batch, std::size_t count, std::size_t size_class) noexcept {
  if (batch->next != nullptr) batch->next->length = count;
  central_pool& pool = central();
  std::lock_guard hold(pool.mutex);
  batch->next_batch = pool.batches[size_class];
  pool.batches[size_class] = batch;
}

thread_local block_cache* thread_cache = nullptr;

}  // namespace

block_cache::~block_cache() {
  for (std::size_t c = 0; c < classes; ++c) {
    if (bins_[c].head != nullptr) give_to_central(bins_[c].head, bins_[c].count, c);
  }
}

BURROW_NOINLINE void block_cache::refill(std::size_t size_class) {
  std::size_t count = 0;
  bins_[size_class].head = take_from_central(size_class, batch_size, count);
  bins_[size_class].count = count;
}

BURROW_NOINLINE void block_cache::give_back_batch(std::size_t size_class) noexcept {
  bin& b = bins_[size_class];
  free_block* last = b.head;
  for (std::size_t i = 1; i < batch_size; ++i) last = last->next;
  free_block* batch = b.head;
  b.head = last->next;
  last->next = nullptr;
  b.count -= batch_size;
  give_to_central(batch, batch_size, size_class);
}

void set_thread_cache(block_cache* cache) noexcept { thread_cache = cache; }

BURROW_NOINLINE void* allocate_block(std::size_t size) {
  if (!use_pool || size > block_cache::largest) return ::operator new(size, line);
  const std::size_t size_class = class_of(size);
  if (block_cache* cache = thread_cache) return cache->take(size_class);
  std::size_t count = 0;
  free_block* block = take_from_central(size_class, 1, count);
  if (block->next != nullptr) {  // a whole batch came: keep one
    give_to_central(block->next, count - 1, size_class);
  }
  return block;
}

BURROW_NOINLINE void free_block_memory(void* memory, std::size_t size) noexcept {
  if (!use_pool || size > block_cache::largest) {
    ::operator delete(memory, size, line);
    return;
  }
  const std::size_t size_class = class_of(size);
  if (block_cache* cache = thread_cache) {
    cache->give(memory, size_class);
    return;
  }
  auto* block = static_cast<free_block*>(memory);
  block->next = nullptr;
  give_to_central(block, 1, size_class);
}

}  // namespace burrow::detail
