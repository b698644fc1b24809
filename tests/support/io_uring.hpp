// SPDX-License-Identifier: MIT
// Which I/O drivers this kernel has: containers often refuse io_uring, and a test that needs it
// goes on with epoll alone there.
#pragma once

#include <linux/io_uring.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

inline bool io_uring_works() {
  io_uring_params params{};
  const long ring = ::syscall(SYS_io_uring_setup, 1, &params);
  if (ring < 0) return false;
  ::close(static_cast<int>(ring));
  return true;
}

/// The values of BURROW_IO that work here.
inline std::vector<std::string> drivers_here() {
  if (io_uring_works()) return {"uring", "epoll"};
  return {"epoll"};
}
