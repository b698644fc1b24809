// SPDX-License-Identifier: MIT
#include "kernel.hpp"

#include <cerrno>
#include <ctime>
#include <liburing.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/types.h>

namespace {

void reset(fault_plan& plan) noexcept {
  plan.error = 0;
  plan.every = 0;
  plan.most = ~0u;
  plan.late_ns = 0;
  plan.calls = 0;
  plan.failed = 0;
}

void be_late(const fault_plan& plan) noexcept {
  if (plan.late_ns == 0) return;
  const std::timespec time{0, plan.late_ns};
  ::nanosleep(&time, nullptr);
}

/// -1 with errno, as calls of libc fail.
int failed(const fault_plan& plan) noexcept {
  errno = plan.error;
  return -1;
}

}  // namespace

bool fault_plan::fails() noexcept {
  const unsigned n = calls.fetch_add(1) + 1;
  if (every == 0 || n % every != 0 || failed.load() >= most) return false;
  failed.fetch_add(1);
  return true;
}

kernel_faults& faults() noexcept {
  static kernel_faults all;
  return all;
}

void heal_kernel() noexcept {
  kernel_faults& f = faults();
  for (fault_plan* p : {&f.wait, &f.wake, &f.ring, &f.submit, &f.eventfd, &f.epoll, &f.control}) {
    reset(*p);
  }
  f.entries = 0;
  f.lookups_hang = false;
  f.lookups_hang.notify_all();
}

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names

extern "C" {

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
int __real_epoll_wait(int epoll, epoll_event* events, int most, int timeout);
int __real_epoll_create1(int flags);
int __real_epoll_ctl(int epoll, int how, int fd, epoll_event* event);
int __real_getaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** found);
int __real_eventfd(unsigned count, int flags);
ssize_t __real_write(int fd, const void* data, size_t size);
int __real_io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* params);
int __real_io_uring_submit(io_uring* ring);
int __real_io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** cqe, unsigned count,
                                            __kernel_timespec* limit, sigset_t* mask);

/// Six arguments, whatever the number: all are passed in registers.
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  const bool waits = number == SYS_epoll_pwait2;
  if (waits && faults().wait.fails()) return failed(faults().wait);
  const long result = __real_syscall(number, a, b, c, d, e, f);
  if (waits) be_late(faults().wait);
  return result;
}

int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  if (faults().wait.fails()) return failed(faults().wait);
  const int result = __real_epoll_wait(epoll, events, most, timeout);
  be_late(faults().wait);
  return result;
}

int __wrap_epoll_create1(int flags) {
  return faults().epoll.fails() ? failed(faults().epoll) : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epoll, int how, int fd, epoll_event* event) {
  return faults().control.fails() ? failed(faults().control)
                                  : __real_epoll_ctl(epoll, how, fd, event);
}

int __wrap_eventfd(unsigned count, int flags) {
  return faults().eventfd.fails() ? failed(faults().eventfd) : __real_eventfd(count, flags);
}

int __wrap_getaddrinfo(const char* host, const char* port, const addrinfo* hints,
                       addrinfo** found) {
  faults().lookups.fetch_add(1);
  faults().lookups_hang.wait(true);
  const int result = __real_getaddrinfo(host, port, hints, found);
  faults().lookups.fetch_sub(1);
  return result;
}

/// A worker's wake-up writes eight bytes.
ssize_t __wrap_write(int fd, const void* data, size_t size) {
  if (size == 8 && faults().wake.fails()) return failed(faults().wake);
  return __real_write(fd, data, size);
}

int __wrap_io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* params) {
  if (faults().ring.fails()) return -faults().ring.error;
  if (faults().entries != 0) {
    entries = faults().entries;
    params->cq_entries = 2 * entries;
  }
  return __real_io_uring_queue_init_params(entries, ring, params);
}

int __wrap_io_uring_submit(io_uring* ring) {
  if (faults().submit.fails()) return -faults().submit.error;
  return __real_io_uring_submit(ring);
}

int __wrap_io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** cqe, unsigned count,
                                            __kernel_timespec* limit, sigset_t* mask) {
  if (faults().wait.fails()) return -faults().wait.error;
  const int result = __real_io_uring_submit_and_wait_timeout(ring, cqe, count, limit, mask);
  be_late(faults().wait);
  return result;
}

}  // extern "C"

// NOLINTEND(bugprone-reserved-identifier)
