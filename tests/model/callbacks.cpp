// SPDX-License-Identifier: MIT
// What instrumented code calls before its plain accesses: ThreadSanitizer's interface, which Clang
// and GCC share. And memory: what is freed in an execution is kept until it ends, so that an access
// to it is seen.
#include "execution.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>
#include <utility>

namespace {

model::execution& checker() { return model::execution::instance(); }

void access(const void* at, unsigned size, bool is_write, const void* by) {
  checker().plain_access(at, size, is_write, by);
}

}  // namespace

#define BURROW_MODEL_ACCESS(size)                                                                 \
  void __tsan_read##size(void* at) { access(at, size, false, __builtin_return_address(0)); }      \
  void __tsan_write##size(void* at) { access(at, size, true, __builtin_return_address(0)); }      \
  void __tsan_unaligned_read##size(void* at) {                                                    \
    access(at, size, false, __builtin_return_address(0));                                         \
  }                                                                                               \
  void __tsan_unaligned_write##size(void* at) {                                                   \
    access(at, size, true, __builtin_return_address(0));                                          \
  }                                                                                               \
  void __tsan_read_write##size(void* at) { access(at, size, true, __builtin_return_address(0)); } \
  void __tsan_unaligned_read_write##size(void* at) {                                              \
    access(at, size, true, __builtin_return_address(0));                                          \
  }

extern "C" {

BURROW_MODEL_ACCESS(1)
BURROW_MODEL_ACCESS(2)
BURROW_MODEL_ACCESS(4)
BURROW_MODEL_ACCESS(8)
BURROW_MODEL_ACCESS(16)

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void** at, void*) { access(at, 8, true, __builtin_return_address(0)); }
void __tsan_vptr_read(void** at) { access(at, 8, false, __builtin_return_address(0)); }
void __tsan_read_range(void* at, unsigned long size) {
  access(at, static_cast<unsigned>(size), false, __builtin_return_address(0));
}
void __tsan_write_range(void* at, unsigned long size) {
  access(at, static_cast<unsigned>(size), true, __builtin_return_address(0));
}
void* __tsan_memcpy(void* to, const void* from, unsigned long size) {
  if (size != 0) {
    access(from, static_cast<unsigned>(size), false, __builtin_return_address(0));
    access(to, static_cast<unsigned>(size), true, __builtin_return_address(0));
  }
  return std::memcpy(to, from, size);
}
void* __tsan_memmove(void* to, const void* from, unsigned long size) {
  if (size != 0) {
    access(from, static_cast<unsigned>(size), false, __builtin_return_address(0));
    access(to, static_cast<unsigned>(size), true, __builtin_return_address(0));
  }
  return std::memmove(to, from, size);
}
void* __tsan_memset(void* at, int value, unsigned long size) {
  if (size != 0) access(at, static_cast<unsigned>(size), true, __builtin_return_address(0));
  return std::memset(at, value, size);
}

// The guards of function-local statics, what the standard library counts, and what a source that
// ships holds in a std::atomic because it is no step of a model: not the checker's.
unsigned char __tsan_atomic8_load(const volatile unsigned char* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_load(const volatile int* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}
long __tsan_atomic64_load(const volatile long* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}
void __tsan_atomic64_store(volatile long* at, long value, int) {
  __atomic_store_n(at, value, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_fetch_add(volatile int* at, int value, int) {
  return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
}

// std::mutex: a lock whose holder blocks the others. Linked with --wrap.
int __real_pthread_mutex_lock(pthread_mutex_t*);
int __real_pthread_mutex_unlock(pthread_mutex_t*);

int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) {
  if (!checker().is_running()) return __real_pthread_mutex_lock(mutex);
  auto* word = reinterpret_cast<unsigned*>(mutex);  // its first field, of which nobody else knows
  while (model::modify(word, sizeof(*word), model::change::exchange, 1, std::memory_order_acquire,
                       {}) != 0) {
    model::wait_while(word, sizeof(*word), 1);
  }
  return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t* mutex) {
  if (!checker().is_running()) return __real_pthread_mutex_unlock(mutex);
  model::store(mutex, sizeof(unsigned), 0, std::memory_order_release, {});
  return 0;
}

}  // extern "C"

// --- memory --------------------------------------------------------------------------------------
// What a model allocates comes from an arena that each execution begins anew, so addresses are the
// same in each, and what is freed is not used again before the next.

namespace {

constexpr std::size_t arena_size = std::size_t{64} << 20;

struct alignas(16) header {
  std::size_t size;
};

std::byte* arena = nullptr;
std::size_t arena_used = 0;
std::size_t live_blocks = 0;

bool is_in_arena(const void* at) noexcept {
  return arena != nullptr && at >= arena && at < arena + arena_size;
}

void* take_from_arena(std::size_t size) {
  const model::checker_scope guard;
  if (arena == nullptr) arena = static_cast<std::byte*>(std::malloc(arena_size));
  const std::size_t whole = (sizeof(header) + size + 15) / 16 * 16;
  if (arena == nullptr || arena_used + whole > arena_size) throw std::bad_alloc();
  auto* h = new (arena + arena_used) header{size};
  arena_used += whole;
  ++live_blocks;
  return h + 1;
}

void* take(std::size_t size) {
  if (model::is_running() && !model::checker_scope::is_inside) return take_from_arena(size);
  void* at = std::malloc(size);
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

void give(void* at) noexcept {
  if (!is_in_arena(at)) return std::free(at);
  const model::checker_scope guard;
  if (!model::is_running()) return;
  --live_blocks;
  checker().freed(at, (static_cast<header*>(at) - 1)->size);
}

}  // namespace

namespace model {

void reset_arena() noexcept {
  arena_used = 0;
  live_blocks = 0;
}

std::size_t live_blocks_in_arena() noexcept { return live_blocks; }

}  // namespace model

void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void operator delete(void* at) noexcept { give(at); }
void operator delete[](void* at) noexcept { give(at); }
void operator delete(void* at, std::size_t) noexcept { give(at); }
void operator delete[](void* at, std::size_t) noexcept { give(at); }
