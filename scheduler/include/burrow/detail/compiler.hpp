// SPDX-License-Identifier: MIT
// What differs between compilers and build types, in one place.
#pragma once

#define BURROW_ALWAYS_INLINE [[gnu::always_inline]] inline
#define BURROW_NOINLINE [[gnu::noinline]]

#if defined(__has_cpp_attribute) && __has_cpp_attribute(clang::lifetimebound)
#define BURROW_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define BURROW_LIFETIMEBOUND
#endif

#if defined(__SANITIZE_ADDRESS__)
#define BURROW_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BURROW_ASAN 1
#endif
#endif
#ifndef BURROW_ASAN
#define BURROW_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define BURROW_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BURROW_TSAN 1
#endif
#endif
#ifndef BURROW_TSAN
#define BURROW_TSAN 0
#endif

// Clang makes every symmetric transfer a tail call, in every build type. GCC does so only when it
// optimises (PR100897), so there a transfer goes back through the worker's loop instead, which
// costs a return and an indirect call and keeps the stack constant.
#if defined(__clang__)
#define BURROW_TAIL_CALLS 1
#else
#define BURROW_TAIL_CALLS 0
#endif

namespace burrow::detail {

/// Tells the processor that this thread spins.
inline void cpu_relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace burrow::detail
