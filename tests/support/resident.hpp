// SPDX-License-Identifier: MIT
// How much memory this process occupies.
#pragma once

#include <cstddef>
#include <fstream>
#include <unistd.h>

/// Bytes in memory at this moment; 0: unknown.
inline std::size_t resident_bytes() {
  std::size_t all = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
