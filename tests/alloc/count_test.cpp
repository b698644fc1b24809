// SPDX-License-Identifier: MIT
// The counter of this program's allocations, and the operators that count.
#include <allocations.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>

namespace {

std::atomic<std::size_t> calls{0};
std::atomic<std::size_t> freed{0};
std::atomic<std::size_t> until_failure{0};
std::atomic<std::size_t> failing_size{0};

bool must_fail(std::size_t size) noexcept {
  if (size < failing_size.load()) return false;
  std::size_t left = until_failure.load();
  while (left != 0 && !until_failure.compare_exchange_weak(left, left - 1)) {
  }
  return left == 1;
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (must_fail(size)) throw std::bad_alloc();
  const std::size_t rounded = (size + alignment) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  ++calls;
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) ++freed;
  std::free(memory);
}

constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

std::size_t allocations() noexcept { return calls; }
std::size_t live_allocations() noexcept { return calls - freed; }
void fail_allocation(std::size_t n, std::size_t size) noexcept {
  failing_size = size;
  until_failure = n;
}
bool allocation_is_to_fail() noexcept { return until_failure != 0; }

void* operator new(std::size_t size) { return allocate(size, usual); }
void* operator new[](std::size_t size) { return allocate(size, usual); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

TEST_CASE("allocations are counted, and fail when they are told to") {
  const std::size_t before = allocations();
  const std::size_t live = live_allocations();
  auto p = std::make_unique<int>(1);
  CHECK(allocations() == before + 1);
  CHECK(live_allocations() == live + 1);
  p.reset();
  CHECK(live_allocations() == live);
  bool failed = false;
  fail_allocation(2, 1000);
  p = std::make_unique<int>(2);  // too small to count
  auto first = std::make_unique<char[]>(1000);
  try {
    auto second = std::make_unique<char[]>(2000);
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  CHECK(failed);
  first = std::make_unique<char[]>(3000);
  CHECK(first[0] == 0);
}
