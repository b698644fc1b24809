// SPDX-License-Identifier: MIT
// A kernel that misbehaves on purpose. The linker leads the drivers' calls here (--wrap, see
// tests/CMakeLists.txt), so what ships is tested as it ships; without a plan all pass through.
#pragma once

#include <atomic>

/// What happens to a kind of call.
struct fault_plan {
  int error = 0;        // with this errno ...
  unsigned every = 0;   // ... each so-manieth call fails; 0: none does
  unsigned most = ~0u;  // so often
  long late_ns = 0;     // each call takes that much longer

  std::atomic<unsigned> calls{0};
  std::atomic<unsigned> failed{0};

  /// Counts the call; true: it is to fail.
  bool fails() noexcept;
};

/// One plan each for what the drivers call. Set only while no runtime runs.
struct kernel_faults {
  fault_plan wait;    // epoll_pwait2, epoll_wait, io_uring_submit_and_wait_timeout
  fault_plan wake;    // the write to the eventfd
  fault_plan ring;    // io_uring_queue_init_params
  fault_plan submit;  // io_uring_submit
  fault_plan eventfd;
  fault_plan epoll;    // epoll_create1
  fault_plan control;  // epoll_ctl
  unsigned entries =
      0;  // of a ring's submission queue, twice as many of the other; 0: what was asked for
  std::atomic<bool> lookups_hang{false};  // getaddrinfo, until it is healed
  std::atomic<int> lookups{0};            // that run now
};

kernel_faults& faults() noexcept;

/// Forgets all plans.
void heal_kernel() noexcept;
