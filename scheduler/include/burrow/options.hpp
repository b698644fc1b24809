// SPDX-License-Identifier: MIT
// What a program may choose about its runtime.
#pragma once

#include <chrono>
#include <exception>
#include <functional>

namespace burrow {

/// How a worker waits for the kernel. The environment variable BURROW_IO=uring|epoll overrides it.
enum class io_driver {
  automatic,  ///< io_uring; epoll where the kernel or a container refuses it (said on stderr)
  uring,      ///< io_uring, or run() throws std::system_error
  epoll,
};

/// When "all goroutines are asleep - deadlock!" is reported.
enum class deadlock_report {
  automatic,  ///< when it is proven: the process has no threads but the runtime's own
  always,     ///< also when other threads exist, which might still send
  never,
};

/// A goroutine that an exception has left.
struct unhandled_exception {
  unsigned long long goroutine;  ///< its id
  const char* name;              ///< its name, or ""
  const char* file;              ///< where it was started
  unsigned line;
  std::exception_ptr error;
};

/// The options of run(). Values that make no sense are refused by run() with std::invalid_argument.
struct options {
  /// Threads that run goroutines. 0: the CPUs that this process may use (affinity, cgroup quota).
  /// The environment variable BURROW_PROCS overrides it, as GOMAXPROCS does in Go.
  int workers = 0;
  io_driver io = io_driver::automatic;
  /// How long goroutines have, after main returned and the root Context was cancelled, to end by
  /// themselves. run() returns as soon as all have ended.
  std::chrono::nanoseconds shutdown_grace{0};
  /// How long run() waits for goroutines that cannot be unwound, before it ends the process.
  std::chrono::nanoseconds shutdown_limit = std::chrono::seconds(5);
  deadlock_report deadlock = deadlock_report::automatic;
  /// Called on the goroutine's worker when an exception leaves a goroutine started by go(). Empty:
  /// the goroutine and the message are printed and std::terminate is called, as a Go panic does.
  std::function<void(const unhandled_exception&)> on_unhandled = nullptr;
  /// Called for the second and later exceptions of a scope, which its caller does not see.
  std::function<void(std::exception_ptr)> on_suppressed = nullptr;
};

}  // namespace burrow
