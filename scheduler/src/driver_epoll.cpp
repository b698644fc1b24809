// SPDX-License-Identifier: MIT
// Readiness through epoll: one set a worker, an eventfd in it for wake-ups, epoll_pwait2 for
// timeouts to the nanosecond, and where the kernel lacks it (before 5.11) epoll_wait with
// milliseconds, rounded up.
//
// A descriptor joins the set of the worker whose goroutine is the first to wait for it, for good:
// edge-triggered, for both sides. The kernel takes it out when the last number of what is open is
// closed; until then it may tell of a descriptor that is gone. An event carries the descriptor's
// address and generation: one of the descriptor before finds another generation there.
#include <burrow/detail/descriptor.hpp>
#include <burrow/detail/worker.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <mutex>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace burrow::detail {

namespace {

constexpr unsigned address_bits = 48;

class epoll_driver final : public driver {
 public:
  explicit epoll_driver(driver_group& g) : driver(g) {
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
    // Between wait() and poll() the events are the worker's own.
    const int n = std::max(wait_for(waited_, timeout), 0);
    const auto* const end = std::remove_if(waited_.data(), waited_.data() + n, &is_wake_up);
    std::lock_guard hold(mutex_);
    keep(static_cast<int>(end - waited_.data()));
  }

  void poll(wake_list& wakes) noexcept override {
    events some;
    int count = 0;
    {
      std::lock_guard hold(mutex_);
      count = waited_count_;
      keep(0);
      std::copy_n(waited_.begin(), count, some.begin());
      // A call costs as much as many turns of a busy worker.
      if (count == 0 && ++polls_ % poll_interval != 0 && is_on_own_worker()) return;
    }
    note(some, count, wakes);
    do {
      count = ::epoll_wait(epoll_, some.data(), static_cast<int>(some.size()), 0);
      note(some, count, wakes);
    } while (count == static_cast<int>(some.size()));
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    // EAGAIN: the counter is full, so the descriptor is readable already.
    while (::write(wake_, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
  }

  const char* name() const noexcept override { return "epoll"; }
  bool takes_requests() const noexcept override { return false; }
  void submit(io_request&) noexcept override {}
  void cancel(io_request&) noexcept override {}

  int watch(descriptor& d, io_side) noexcept override {
    std::uint64_t tag = 0;
    {
      // An event that has come since the call would have blocked stays noted.
      locked hold(d.lock);
      if (d.watched_by == group.number) return 0;
      tag = reinterpret_cast<std::uintptr_t>(&d) | std::uint64_t{d.generation} << address_bits;
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = tag;
    // EEXIST: another runtime has had its events in between, another goroutine was faster, or what
    // was open under this number is still open under another one, and so has stayed in the set with
    // the tag of a descriptor that is gone. This tells again what there is.
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, d.fd, &event) != 0 &&
        (errno != EEXIST || ::epoll_ctl(epoll_, EPOLL_CTL_MOD, d.fd, &event) != 0)) {
      return errno;
    }
    locked hold(d.lock);
    d.watched_by = group.number;
    return 0;
  }

 private:
  static constexpr unsigned poll_interval = 16;
  using events = std::array<epoll_event, 64>;

  int wait_for(events& some, nanoseconds_t timeout) {
    const int most = static_cast<int>(some.size());
    if (has_pwait2_) {
      timespec limit{timeout / 1'000'000'000, timeout % 1'000'000'000};
      const long n = ::syscall(SYS_epoll_pwait2, epoll_, some.data(), most,
                               timeout == never ? nullptr : &limit, nullptr, std::size_t{0});
      if (n >= 0 || errno == EINTR) return static_cast<int>(n);
      if (errno != ENOSYS && errno != EPERM) {
        throw std::system_error(errno, std::generic_category(), "epoll_pwait2");
      }
      has_pwait2_ = false;
    }
    const nanoseconds_t ms =
        timeout == never ? -1 : timeout / 1'000'000 + (timeout % 1'000'000 > 0);
    const int n = ::epoll_wait(epoll_, some.data(), most,
                               static_cast<int>(std::min<nanoseconds_t>(ms, INT_MAX)));
    if (n < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "epoll_wait");
    }
    return n;
  }

  static bool is_wake_up(const epoll_event& e) noexcept { return e.data.u64 == 0; }

  /// So many events wait for a poll(), which has_io() is to ask for. Under the mutex.
  void keep(int count) noexcept {
    waited_count_ = count;
    in_flight.store(static_cast<std::size_t>(count), relaxed);
  }

  void note(const events& some, int count, wake_list& wakes) noexcept {
    for (int i = 0; i < count; ++i) {
      const epoll_event& e = some[static_cast<std::size_t>(i)];
      if (is_wake_up(e)) {
        // Whoever serves this worker may have taken it while that goes to sleep.
        if (!is_on_own_worker()) wake();
        continue;
      }
      const std::uint64_t address = e.data.u64 & ((std::uint64_t{1} << address_bits) - 1);
      auto& d = *reinterpret_cast<descriptor*>(address);
      const bool has_failed = (e.events & (EPOLLERR | EPOLLHUP)) != 0;
      const bool readable = has_failed || (e.events & (EPOLLIN | EPOLLRDHUP)) != 0;
      const bool writable = has_failed || (e.events & EPOLLOUT) != 0;
      const auto generation = static_cast<std::uint16_t>(e.data.u64 >> address_bits);
      note_event(d, generation, readable, writable, wakes);
    }
  }

  bool is_on_own_worker() const noexcept {
    worker* const w = current_worker();
    return w != nullptr && &w->io() == this;
  }

  void close_all() noexcept {
    if (epoll_ >= 0) ::close(epoll_);
    if (wake_ >= 0) ::close(wake_);
  }

  int epoll_ = -1;
  int wake_ = -1;
  bool has_pwait2_ = true;
  std::mutex mutex_;
  events waited_{};
  int waited_count_ = 0;  // under the mutex, as below
  unsigned polls_ = 0;
};

}  // namespace

std::unique_ptr<driver> make_epoll_driver(driver_group& group) {
  return std::make_unique<epoll_driver>(group);
}

}  // namespace burrow::detail
