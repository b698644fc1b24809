// SPDX-License-Identifier: MIT
// How much memory this process occupies.
#pragma once

#include <burrow/detail/compiler.hpp>

#include <cstddef>
#include <fstream>
#include <unistd.h>

#if BURROW_ASAN
#include <sanitizer/allocator_interface.h>
#endif

/// Bytes in memory at this moment; 0: unknown. AddressSanitizer keeps what was freed for a while:
/// there it is what is allocated.
inline std::size_t resident_bytes() {
#if BURROW_ASAN
  return __sanitizer_get_current_allocated_bytes();
#else
  std::size_t all = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
#endif
}
