// SPDX-License-Identifier: MIT
// Requests through io_uring: one ring a worker.
//
// The ring's queues are touched under `mutex_`, by the worker and by who serves it while it is
// stuck; but while the worker waits inside the kernel (`is_waiting_`) they are its own, so that one
// system call both submits and waits. A cancel is left in `to_cancel_`, and the worker woken if it
// waits.
//
// Submissions are handed over once in a while: when the worker has nothing to run, at each of its
// slow turns, and when the queue is full. What does not fit is kept in a backlog.
//
// COOP_TASKRUN: no interrupt tells the worker of a completion, which it finds when it enters the
// kernel; a worker that is stuck enters it at the next tick. Rejected: DEFER_TASKRUN, with which
// completions of a stuck worker would wait until it asks for them, and SINGLE_ISSUER, with which
// nobody else could cancel.
//
// Wake-ups from other threads come through an eventfd that the ring polls; timeouts are those of
// the wait itself.
#include <burrow/detail/descriptor.hpp>
#include <burrow/detail/worker.hpp>

#include "provided_buffers.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <liburing.h>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace burrow::detail {

namespace {

constexpr unsigned entries = 256;
// The kernel sizes by this the table in which it looks for what is to be cancelled: 256 lists here,
// and no more for more.
constexpr unsigned completion_entries = 8192;

constexpr nanoseconds_t soon = 1'000'000;

/// Richest flags first; a kernel that does not know one answers EINVAL.
constexpr unsigned setup_ladder[] = {
    IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_CQSIZE,
};

class uring_driver final : public driver {
 public:
  explicit uring_driver(driver_group& g) : driver(g) {
    set_up();
    ::io_uring_ring_dontfork(&ring_);
    if ((ring_.features & IORING_FEAT_EXT_ARG) == 0) {  // before 5.11: no timeout in the wait
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

  /// What stands is over: the kernel forgets it with the ring.
  ~uring_driver() override {
    ::io_uring_queue_exit(&ring_);
    ::close(wake_);
    wake_list wakes;  // goroutines of other runtimes, which share the descriptor
    while (io_request* const r = standing_) {
      unstand(*r);
      complete(*r, -ECANCELED, true, wakes);
    }
    wake_all(wakes);
  }
  uring_driver(const uring_driver&) = delete;
  uring_driver& operator=(const uring_driver&) = delete;

  void wait(nanoseconds_t timeout) override {
    {
      std::lock_guard hold(mutex_);
      if (!wake_armed_) arm_wake();
      fill();
      if (dropped_ != nullptr) timeout = 0;
      // What found no room, and cancels that were in vain, are tried again soon.
      if (backlog_ != nullptr || to_cancel_ != nullptr || vain_ != nullptr || !wake_armed_) {
        timeout = std::min(timeout, soon);
      }
      is_waiting_ = true;
    }
    const int result = BURROW_TSAN ? wait_in_pieces(timeout) : wait_once(timeout);
    {
      std::lock_guard hold(mutex_);
      is_waiting_ = false;
      fill();
      forget_wake_ups();
    }
    if (result < 0 && result != -ETIME && result != -EINTR && result != -EAGAIN &&
        result != -EBUSY) {
      throw std::system_error(-result, std::generic_category(), "io_uring_enter");
    }
  }

  void poll(wake_list& wakes) noexcept override {
    {
      std::lock_guard hold(mutex_);
      if (is_waiting_) return;
      fill();
      hand_over();
    }
    collect(wakes);
    pass_wake_up_on();
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    // EAGAIN: the counter is full, so the descriptor is readable already.
    while (::write(wake_, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
  }

  const char* name() const noexcept override { return "io_uring"; }
  bool takes_requests() const noexcept override { return true; }

  void submit(io_request& r) noexcept override {
    std::lock_guard hold(mutex_);
    in_flight.store(in_flight.load(relaxed) + 1, relaxed);
    r.pending = 1;
    if (r.type->takes_buffer) provided_.set_up(ring_);
    if (r.type->complete != nullptr) stand(r);
    if (r.cancel_asked) {
      r.next_queued = std::exchange(dropped_, &r);
    } else if (backlog_ != nullptr || !queue(r)) {  // their order is kept
      push_back(r);
    }
  }

  void cancel(io_request& r) noexcept override {
    std::lock_guard hold(mutex_);
    if (std::exchange(r.cancel_asked, true)) return;
    if (r.pending == 0 || r.is_in_backlog)
      return;  // submit() or fill() will see, or it is complete
    ++r.pending;
    r.next_queued = std::exchange(to_cancel_, &r);
    // Its worker hands it over, or who serves that while it is stuck: the kernel cancels what a
    // thread has submitted when the thread ends, so others must not submit.
    if (is_waiting_) wake();
  }

  const std::byte* provided_buffer(const io_request& r) noexcept override {
    return provided_.at(r.provided);
  }

  void give_back_buffer(io_request& r) noexcept override {
    std::lock_guard hold(mutex_);
    provided_.give_back(std::exchange(r.provided, io_request::no_buffer));
  }

  int watch(descriptor& d, io_side side) noexcept override {
    descriptor::side_state& s = d.side(side);
    {
      locked hold(d.lock);
      if (d.closing.load(relaxed)) return 0;  // the wait will tell
      if (std::exchange(s.is_polled, true)) return 0;
      ++d.users;
      s.poll.cancel_asked = false;
      list_request(d, s.poll, *this);
    }
    retain_memory(d);
    submit(s.poll);
    return 0;
  }

 private:
  static constexpr std::uint64_t cancel_tag = 1;  // in user_data, beside the request's address

  // --- the ring ----------------------------------------------------------------------------------

  void set_up() {
    int error = -EINVAL;
    for (const unsigned flags : setup_ladder) {
      for (unsigned divisor = 1; divisor <= 16; divisor *= 4) {
        io_uring_params params{};
        params.flags = flags;
        params.cq_entries = completion_entries / divisor;
        error = ::io_uring_queue_init_params(entries / divisor, &ring_, &params);
        if (error != -ENOMEM) break;
      }
      if (error != -EINVAL) break;
    }
    if (error < 0) throw std::system_error(-error, std::generic_category(), "io_uring_setup");
  }

  /// A filter of system calls may let the setup pass, and refuse what is needed later; better to
  /// know it now. 0: both other calls get through to the kernel, which has answers of its own.
  int probe() noexcept {
    const long waited = ::syscall(SYS_io_uring_enter, ring_.ring_fd, 0, 0, 0, nullptr, 0);
    if (waited < 0) return errno;
    const long told = ::syscall(SYS_io_uring_register, ring_.ring_fd, 0x7fff, nullptr, 0);
    return told < 0 && errno != EINVAL ? errno : 0;  // EINVAL: no such request
  }

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

  bool is_on_own_worker() const noexcept {
    worker* const w = current_worker();
    return w != nullptr && &w->io() == this;
  }

  // --- submissions: all under the mutex ----------------------------------------------------------

  void arm_wake() noexcept {
    io_uring_sqe* sqe = get_submission();
    if (sqe == nullptr) return;  // the queue is full: the next wait arms it
    ::io_uring_prep_poll_multishot(sqe, wake_, POLLIN);
    ::io_uring_sqe_set_data64(sqe, 0);
    wake_armed_ = true;
  }

  /// Null: the queue is full, and the kernel takes nothing at the moment.
  io_uring_sqe* get_submission() noexcept {
    if (io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_)) return sqe;
    hand_over();
    return ::io_uring_get_sqe(&ring_);
  }

  /// What an error leaves in the queue is handed over the next time.
  void hand_over() noexcept {
    if (::io_uring_sq_ready(&ring_) != 0) {
      ::io_uring_submit(&ring_);
    } else if ((IO_URING_READ_ONCE(*ring_.sq.kflags) &
                (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0) {
      ::io_uring_get_events(&ring_);
    }
  }

  bool queue(io_request& r) noexcept {
    io_uring_sqe* sqe = get_submission();
    if (sqe == nullptr) return false;
    r.type->prepare(r, *sqe);
    ::io_uring_sqe_set_data64(sqe, reinterpret_cast<std::uintptr_t>(&r));
    return true;
  }

  void push_back(io_request& r) noexcept {
    r.is_in_backlog = true;
    r.next_queued = nullptr;
    (backlog_ != nullptr ? backlog_end_->next_queued : backlog_) = &r;
    backlog_end_ = &r;
  }

  bool queue_cancel(io_request& r) noexcept {
    io_uring_sqe* sqe = get_submission();
    if (sqe == nullptr) return false;
    const auto address = reinterpret_cast<std::uintptr_t>(&r);
    ::io_uring_prep_cancel64(sqe, address, 0);
    ::io_uring_sqe_set_data64(sqe, address | cancel_tag);
    return true;
  }

  /// The kernel has not found the request: it was on its way from one of the kernel's lists to
  /// another (ENOENT), or a thread had taken it but not begun (EALREADY). Such a request would
  /// never be told, so the cancel is asked for again, until the request is complete; after a pause,
  /// since a thread that reads from a disk is told for nothing each time.
  void note_vain_cancel(io_request& r) noexcept {
    if (vain_ == nullptr) ask_again_at_ = later(steady_now(), soon);
    r.cancel_was_vain = true;
    r.previous_queued = nullptr;
    r.next_queued = vain_;
    if (vain_ != nullptr) vain_->previous_queued = &r;
    vain_ = &r;
  }

  /// It is complete before the cancel was asked for again.
  void forget_vain_cancel(io_request& r) noexcept {
    r.cancel_was_vain = false;
    (r.previous_queued != nullptr ? r.previous_queued->next_queued : vain_) = r.next_queued;
    if (r.next_queued != nullptr) r.next_queued->previous_queued = r.previous_queued;
  }

  void ask_again() noexcept {
    if (vain_ == nullptr || steady_now() < ask_again_at_) return;
    while (io_request* const r = vain_) {
      vain_ = r->next_queued;
      r->cancel_was_vain = false;
      r->next_queued = std::exchange(to_cancel_, r);
    }
  }

  /// Moves what waits for room into the ring; what was cancelled before that is dropped.
  void fill() noexcept {
    ask_again();
    while (to_cancel_ != nullptr && queue_cancel(*to_cancel_)) to_cancel_ = to_cancel_->next_queued;
    while (io_request* const r = backlog_) {
      if (!r->cancel_asked && !queue(*r)) return;
      backlog_ = r->next_queued;
      r->is_in_backlog = false;
      if (r->cancel_asked) r->next_queued = std::exchange(dropped_, r);
    }
  }

  void stand(io_request& r) noexcept {
    r.previous_standing = nullptr;
    r.next_standing = standing_;
    if (standing_ != nullptr) standing_->previous_standing = &r;
    standing_ = &r;
  }

  void unstand(io_request& r) noexcept {
    (r.previous_standing != nullptr ? r.previous_standing->next_standing : standing_) =
        r.next_standing;
    if (r.next_standing != nullptr) r.next_standing->previous_standing = r.previous_standing;
  }

  // --- completions -------------------------------------------------------------------------------

  /// A worker that has no I/O never polls, so these go here. Under the mutex.
  void forget_wake_ups() noexcept {
    io_uring_cqe* cqe = nullptr;
    while (::io_uring_peek_cqe(&ring_, &cqe) == 0 && cqe->user_data == 0) {
      wake_armed_ = (cqe->flags & IORING_CQE_F_MORE) != 0;
      ::io_uring_cqe_seen(&ring_, cqe);
    }
  }

  struct arrival {
    io_request* request;
    int result;
    bool is_last;
  };
  using arrivals = std::array<arrival, 64>;

  /// One at a time, so that the completions of one request are handed over in their order.
  void collect(wake_list& wakes) noexcept {
    arrivals some;
    for (;;) {
      std::size_t count = 0;
      {
        std::lock_guard hold(mutex_);
        if (is_waiting_ || is_collecting_) return;
        count = take(some);
        if (count == 0) return;
        is_collecting_ = true;
      }
      for (std::size_t i = 0; i < count; ++i) {
        complete(*some[i].request, some[i].result, some[i].is_last, wakes);
      }
      std::lock_guard hold(mutex_);
      is_collecting_ = false;
    }
  }

  /// Whoever serves this worker may have collected its wake-up while it goes to sleep. Once for all
  /// that was collected: a wake-up brings a completion of its own.
  void pass_wake_up_on() noexcept {
    {
      std::lock_guard hold(mutex_);
      if (!std::exchange(is_woken_, false)) return;
    }
    if (!is_on_own_worker()) wake();
  }

  /// Under the mutex.
  std::size_t take(arrivals& some) noexcept {
    std::size_t count = 0;
    while (dropped_ != nullptr && count < some.size()) {
      io_request& r = *std::exchange(dropped_, dropped_->next_queued);
      retire(r);
      some[count++] = {&r, -ECANCELED, true};
    }
    io_uring_cqe* cqe = nullptr;
    while (count < some.size() && ::io_uring_peek_cqe(&ring_, &cqe) == 0) {
      if (note(*cqe, some[count])) ++count;
      ::io_uring_cqe_seen(&ring_, cqe);
    }
    return count;
  }

  /// True: it is to be handed over.
  bool note(const io_uring_cqe& cqe, arrival& a) noexcept {
    const bool has_more = (cqe.flags & IORING_CQE_F_MORE) != 0;
    if (cqe.user_data == 0) {  // the eventfd's poll; it may end by itself
      wake_armed_ = has_more;
      is_woken_ = true;
      return false;
    }
    auto& r = *reinterpret_cast<io_request*>(cqe.user_data & ~cancel_tag);
    if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
      r.provided = static_cast<int>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
    }
    a = {&r, cqe.res, false};
    if (has_more) return true;
    const bool is_cancel = (cqe.user_data & cancel_tag) != 0;
    if (!is_cancel) r.held_result = cqe.res;
    if (r.cancel_was_vain) {
      forget_vain_cancel(r);
    } else if (r.pending > 1) {
      if (is_cancel && cqe.res != 0) {
        note_vain_cancel(r);
      } else {
        --r.pending;
      }
      return false;
    }
    retire(r);
    a = {&r, r.held_result, true};
    return true;
  }

  void retire(io_request& r) noexcept {
    r.pending = 0;
    if (r.type->complete != nullptr) unstand(r);
    in_flight.store(in_flight.load(relaxed) - 1, relaxed);
  }

  provided_buffers provided_;  // outlives the ring's queues; under the mutex
  io_uring ring_{};
  int wake_ = -1;
  std::mutex mutex_;
  bool wake_armed_ = false;  // under the mutex, as all below
  bool is_woken_ = false;    // by a wake-up that poll() has collected
  bool is_waiting_ = false;
  bool is_collecting_ = false;
  io_request* backlog_ = nullptr;
  io_request* backlog_end_ = nullptr;  // stale once the backlog is empty
  io_request* to_cancel_ = nullptr;
  io_request* dropped_ = nullptr;  // cancelled before they were handed over
  io_request* vain_ = nullptr;     // whose cancel is to be asked for again
  nanoseconds_t ask_again_at_ = 0;
  io_request* standing_ = nullptr;
};

}  // namespace

std::unique_ptr<driver> make_uring_driver(driver_group& group) {
  return std::make_unique<uring_driver>(group);
}

}  // namespace burrow::detail
