// SPDX-License-Identifier: MIT
// How many descriptors are open.
#pragma once

#include <doctest/doctest.h>

#include <dirent.h>

/// Of this process, at this moment.
inline int open_descriptors() {
  DIR* const all = ::opendir("/proc/self/fd");
  REQUIRE(all != nullptr);
  int count = -1;  // that of the folder itself
  while (const dirent* const entry = ::readdir(all)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(all);
  return count;
}
