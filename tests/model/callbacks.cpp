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

// The guards of function-local statics, and what the standard library counts: not the checker's.
unsigned char __tsan_atomic8_load(const volatile unsigned char* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_load(const volatile int* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
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

namespace {

struct alignas(16) header {
  std::size_t size;
  header* next;
};

header* kept = nullptr;
bool in_hook = false;

struct hook {
  bool is_first = !std::exchange(in_hook, true);
  ~hook() {
    if (is_first) in_hook = false;
  }
};

void* take(std::size_t size) {
  auto* h = static_cast<header*>(std::malloc(sizeof(header) + size));
  if (h == nullptr) throw std::bad_alloc();
  h->size = size;
  const hook guard;
  if (guard.is_first && model::is_running()) checker().allocated(h + 1, size);
  return h + 1;
}

void give(void* at) noexcept {
  if (at == nullptr) return;
  header* h = static_cast<header*>(at) - 1;
  const hook guard;
  if (guard.is_first && model::is_running()) {
    checker().freed(at, h->size);
    h->next = kept;
    kept = h;
  } else {
    std::free(h);
  }
}

}  // namespace

namespace model {

/// After an execution.
void free_kept() noexcept {
  while (kept != nullptr) std::free(std::exchange(kept, kept->next));
}

}  // namespace model

void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void operator delete(void* at) noexcept { give(at); }
void operator delete[](void* at) noexcept { give(at); }
void operator delete(void* at, std::size_t) noexcept { give(at); }
void operator delete[](void* at, std::size_t) noexcept { give(at); }
