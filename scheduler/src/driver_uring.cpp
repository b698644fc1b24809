// SPDX-License-Identifier: MIT
// Parking in io_uring: one ring a worker, set up and used by that worker alone. Wake-ups from other
// threads come through an eventfd that the ring polls; timeouts are those of the wait itself.
#include <burrow/detail/worker.hpp>

#include <algorithm>
#include <cerrno>
#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace burrow::detail {

namespace {

constexpr unsigned entries = 64;

/// Richest flags first; a kernel that does not know one answers EINVAL.
constexpr unsigned setup_ladder[] = {
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_R_DISABLED,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_R_DISABLED,
    IORING_SETUP_R_DISABLED,
};

class uring_driver final : public driver {
 public:
  uring_driver() {
    int error = -EINVAL;
    for (const unsigned flags : setup_ladder) {
      error = ::io_uring_queue_init(entries, &ring_, flags);
      if (error == -ENOMEM) error = ::io_uring_queue_init(entries / 8, &ring_, flags);
      if (error != -EINVAL) break;
    }
    if (error < 0) throw std::system_error(-error, std::generic_category(), "io_uring_setup");
    ::io_uring_ring_dontfork(&ring_);
    if ((ring_.features & IORING_FEAT_EXT_ARG) ==
        0) {  // before 5.11: no timeout in the wait itself
      ::io_uring_queue_exit(&ring_);
      throw std::system_error(ENOSYS, std::generic_category(), "io_uring without timeouts");
    }
    if (const int refused = probe(); refused != 0) {
      ::io_uring_queue_exit(&ring_);
      throw std::system_error(refused, std::generic_category(), "io_uring_enter");
    }
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_ < 0) {
      const int failure = errno;
      ::io_uring_queue_exit(&ring_);
      throw std::system_error(failure, std::generic_category(), "eventfd for a worker's wake-ups");
    }
  }
  ~uring_driver() override {
    ::io_uring_queue_exit(&ring_);
    ::close(wake_);
  }
  uring_driver(const uring_driver&) = delete;
  uring_driver& operator=(const uring_driver&) = delete;

  void wait(nanoseconds_t timeout) override {
    enable();
    if (!wake_armed_) arm_wake();
    const int result = BURROW_TSAN ? wait_in_pieces(timeout) : wait_once(timeout);
    if (result < 0 && result != -ETIME && result != -EINTR && result != -EAGAIN &&
        result != -EBUSY) {
      throw std::system_error(-result, std::generic_category(), "io_uring_enter");
    }
    reap();
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    // EAGAIN: the counter is full, so the descriptor is readable already.
    while (::write(wake_, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
  }

  const char* name() const noexcept override { return "io_uring"; }

 private:
  int wait_once(nanoseconds_t timeout) noexcept {
    __kernel_timespec limit{timeout / 1'000'000'000, timeout % 1'000'000'000};
    io_uring_cqe* cqe = nullptr;
    return ::io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, timeout == never ? nullptr : &limit,
                                              nullptr);
  }

  /// ThreadSanitizer holds a signal back until the thread makes a call that it knows, and
  /// io_uring_enter is none.
  int wait_in_pieces(nanoseconds_t timeout) noexcept {
    constexpr nanoseconds_t piece = 10'000'000;
    const nanoseconds_t until = later(steady_now(), timeout);
    for (;;) {
      ::usleep(0);
      const nanoseconds_t left = std::max<nanoseconds_t>(until - steady_now(), 0);
      const int result = wait_once(std::min(left, piece));
      if (result != -ETIME || left <= piece) return result;
    }
  }

  /// A filter of system calls may let the setup pass, and refuse what is needed later; better to
  /// know it now. 0: both other calls get through to the kernel, which has answers of its own.
  int probe() noexcept {
    const long waited = ::syscall(SYS_io_uring_enter, ring_.ring_fd, 0, 0, 0, nullptr, 0);
    if (waited < 0 && errno != EBADFD) return errno;  // EBADFD: not enabled yet
    const long told = ::syscall(SYS_io_uring_register, ring_.ring_fd, 0x7fff, nullptr, 0);
    return told < 0 && errno != EINVAL ? errno : 0;  // EINVAL: no such request
  }

  /// On the worker's own thread: that makes it the ring's single issuer.
  void enable() {
    if (enabled_) return;
    // liburing 2.3, Debian 12's, declares io_uring_enable_rings and does not export it.
    if (::syscall(SYS_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) <
        0) {
      throw std::system_error(errno, std::generic_category(), "io_uring_register(ENABLE_RINGS)");
    }
    enabled_ = true;
  }

  void arm_wake() noexcept {
    io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
    if (sqe == nullptr) return;  // the queue is full: the next wait arms it
    ::io_uring_prep_poll_multishot(sqe, wake_, POLLIN);
    wake_armed_ = true;
  }

  void reap() noexcept {
    io_uring_cqe* cqe = nullptr;
    while (::io_uring_peek_cqe(&ring_, &cqe) == 0) {
      // Without F_MORE the poll has ended (overflow, an error): arm it again.
      if ((cqe->flags & IORING_CQE_F_MORE) == 0) wake_armed_ = false;
      ::io_uring_cqe_seen(&ring_, cqe);
    }
  }

  io_uring ring_{};
  int wake_ = -1;
  bool enabled_ = false;
  bool wake_armed_ = false;
};

}  // namespace

std::unique_ptr<driver> make_uring_driver() { return std::make_unique<uring_driver>(); }

}  // namespace burrow::detail
