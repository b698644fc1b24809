// SPDX-License-Identifier: MIT
// Parking in epoll: an eventfd for wake-ups, epoll_pwait2 for timeouts to the nanosecond, and where
// the kernel lacks it (before 5.11) epoll_wait with milliseconds, rounded up.
#include <burrow/detail/worker.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace burrow::detail {

namespace {

class epoll_driver final : public driver {
 public:
  epoll_driver() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;  // edge-triggered: the counter need not be read
    if (wake_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
      const int error = errno;
      close_all();
      throw std::system_error(error, std::generic_category(), "eventfd for a worker's wake-ups");
    }
  }
  ~epoll_driver() override { close_all(); }
  epoll_driver(const epoll_driver&) = delete;
  epoll_driver& operator=(const epoll_driver&) = delete;

  void wait(nanoseconds_t timeout) override {
    epoll_event events[8];
    if (has_pwait2_) {
      timespec limit{timeout / 1'000'000'000, timeout % 1'000'000'000};
      const long n = ::syscall(SYS_epoll_pwait2, epoll_, events, 8,
                               timeout == never ? nullptr : &limit, nullptr, std::size_t{0});
      if (n >= 0 || errno == EINTR) return;
      if (errno != ENOSYS && errno != EPERM) {
        throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
      }
      has_pwait2_ = false;
    }
    const nanoseconds_t ms =
        timeout == never ? -1 : timeout / 1'000'000 + (timeout % 1'000'000 > 0);
    const int limit = static_cast<int>(std::min<nanoseconds_t>(ms, INT_MAX));
    if (::epoll_wait(epoll_, events, 8, limit) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "epoll_wait");
    }
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    // EAGAIN: the counter is full, so the descriptor is readable already.
    while (::write(wake_, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
  }

  const char* name() const noexcept override { return "epoll"; }

 private:
  void close_all() noexcept {
    if (epoll_ >= 0) ::close(epoll_);
    if (wake_ >= 0) ::close(wake_);
  }

  int epoll_ = -1;
  int wake_ = -1;
  bool has_pwait2_ = true;
};

}  // namespace

std::unique_ptr<driver> make_epoll_driver() { return std::make_unique<epoll_driver>(); }

}  // namespace burrow::detail
