// SPDX-License-Identifier: MIT
// A descriptor of the kernel that goroutines share, and the operations that wait on it.
//
// Whoever makes a call with its number is a *user*: close() ends all that waits, and the number is
// given back to the kernel by the last user. So a number that is used again is never mistaken for
// the one before. The memory of a descriptor is used again, but never freed: an event that the
// kernel delivers late finds a descriptor of another generation.
//
// *Handles* are what keeps it open: those of users, and of calls that are being made. *References*
// keep its memory from being used again: one of all handles, one of each armed deadline, and one of
// each request that stands. So what only waits for the descriptor does not keep it open.
//
// Invariants, all under the descriptor's lock:
//  1. Once `closing` is set nobody becomes a user, and no waiter is enlisted.
//  2. A request is listed from its begin to its completion.
//  3. Who waits for readiness has counted the events of that side before the call that would have
//     blocked, and waits only if none has come since. (A flag would be taken by one of several.)
#pragma once

#include <burrow/detail/driver.hpp>
#include <burrow/detail/operation.hpp>

#include <cstdint>
#include <utility>

namespace burrow::detail {

/// Waits in the ring until a descriptor is ready. Belongs to the descriptor: it outlives waits.
struct poll_request : io_request {
  explicit poll_request(io_side s) noexcept;
};

/// Ends the operations of one side at a time. While it is armed it has a reference.
struct deadline_timer : timer_node {
  descriptor* on = nullptr;
  io_side side;

  explicit deadline_timer(io_side s) noexcept : side(s) {}
};

struct descriptor : wait_source {
  /// Of those that read, or those that write.
  struct side_state {
    wait_list waiters;                // for readiness
    atomic<std::uint32_t> events{0};  // so many have come; written under the lock
    bool is_polled = false;           // `poll` is in the kernel
    atomic<bool> expired{false};      // its deadline has passed
    nanoseconds_t deadline = never;
    poll_request poll;
    deadline_timer timer;  // under the lock of its set

    explicit side_state(io_side s) noexcept : poll(s), timer(s) {}
  };

  int fd = -1;
  atomic<std::uint32_t> handles{1};
  atomic<std::uint32_t> references{1};
  std::uint32_t users = 0;
  atomic<bool> closing{false};       // written under the lock
  atomic<bool> never_blocks{false};  // the kernel was told so, for calls that are made directly
  // Others have what is open, too: its flags stay as they are. Set before it is shared.
  bool is_lent = false;
  bool keeps_number = false;  // the number is not burrow's to close; set as is_lent
  std::uint16_t generation = 0;
  std::uint64_t watched_by = 0;  // the number of the group that has its events; 0: none
  io_request* requests = nullptr;
  side_state reading{io_side::read};
  side_state writing{io_side::write};
  descriptor* next_free = nullptr;

  side_state& side(io_side s) noexcept { return s == io_side::read ? reading : writing; }
};

/// Takes over `fd`; close() and the last handle give it back. Throws std::bad_alloc, and then has
/// not taken it.
descriptor& adopt_descriptor(int fd);
/// By whoever has a handle: one more.
void retain_handle(descriptor& d) noexcept;
/// The last handle closes it.
void drop_handle(descriptor& d) noexcept;
void retain_memory(descriptor& d) noexcept;
void drop_memory(descriptor& d) noexcept;

/// Ends what waits, with ECANCELED, and gives the number back once nobody uses it. False: it was
/// closed before. Any thread.
bool close_descriptor(descriptor& d) noexcept;

/// False: it is closed.
bool begin_use(descriptor& d) noexcept;
void end_use(descriptor& d) noexcept;

/// Lists a request, for close and deadlines to find. False: it is closed, or the deadline is past.
bool begin_request(descriptor& d, io_request& r, driver& in) noexcept;
/// The same, under the lock and whatever the state.
void list_request(descriptor& d, io_request& r, driver& in) noexcept;

/// From the time `at` of the steady clock on, operations of that side end at once; never: no more.
/// The timer is armed in `set`, or, if that is null, in that of the calling worker.
void set_deadline(descriptor& d, io_side side, nanoseconds_t at, timer_set* set) noexcept;

/// The driver has collected a completion of `r`. Under no lock.
void complete(io_request& r, int result, bool is_last, wake_list& wakes) noexcept;
/// An event of the kernel for the descriptor of that generation. Under no lock.
void note_event(descriptor& d, std::uint16_t generation, bool readable, bool writable,
                wake_list& wakes) noexcept;

/// A handle, counted.
class descriptor_ref {
 public:
  descriptor_ref() noexcept = default;
  /// Takes over a handle.
  explicit descriptor_ref(descriptor& d) noexcept : d_(&d) {}
  descriptor_ref(const descriptor_ref& other) noexcept : d_(other.d_) {
    if (d_ != nullptr) retain_handle(*d_);
  }
  descriptor_ref(descriptor_ref&& other) noexcept : d_(std::exchange(other.d_, nullptr)) {}
  descriptor_ref& operator=(descriptor_ref other) noexcept {
    std::swap(d_, other.d_);
    return *this;
  }
  ~descriptor_ref() {
    if (d_ != nullptr) drop_handle(*d_);
  }
  explicit operator bool() const noexcept { return d_ != nullptr; }
  descriptor& operator*() const noexcept { return *d_; }
  descriptor* operator->() const noexcept { return d_; }
  descriptor* get() const noexcept { return d_; }

 private:
  descriptor* d_ = nullptr;
};

/// Waits until a request is complete. Firm: abandonment does not end it.
template <bool Firm>
class completion_operation : public operation<completion_operation<Firm>> {
 public:
  static constexpr wait_reason reason = wait_reason::io_wait;
  static constexpr bool is_join = Firm;

  explicit completion_operation(io_request& r) noexcept : request_(r) {}

  wait_source* source() const noexcept { return request_.on; }
  /// Exact under the lock, where it is asked again.
  bool ready() const noexcept { return request_.done.load(relaxed); }
  bool attempt(goroutine*&) noexcept { return ready(); }
  void enlist() noexcept {
    request_.waiting = this;
    this->linked = true;
  }
  void delist() noexcept {
    request_.waiting = nullptr;
    this->linked = false;
  }
  void result() const noexcept {}

 private:
  io_request& request_;
};

/// Waits until a descriptor is ready on one side, closed, or past its deadline.
class readiness_operation : public operation<readiness_operation> {
 public:
  static constexpr wait_reason reason = wait_reason::io_wait;

  /// watch() has been called. `seen`: the count of events before the call that would have blocked.
  readiness_operation(descriptor& d, io_side side, std::uint32_t seen, driver_group& group) noexcept
      : d_(d), side_(d.side(side)), group_(group), seen_(seen) {}

  wait_source* source() const noexcept { return &d_; }
  /// Exact under the lock, where it is asked again.
  bool ready() const noexcept {
    return side_.events.load(relaxed) != seen_ || d_.closing.load(relaxed) ||
           side_.expired.load(relaxed);
  }
  bool attempt(goroutine*&) const noexcept { return ready(); }
  void enlist() noexcept {
    side_.waiters.push_back(*this);
    group_.waiting.fetch_add(1, relaxed);
    is_counted_ = true;
  }
  void delist() noexcept { side_.waiters.remove(*this); }
  void result() noexcept {
    if (std::exchange(is_counted_, false)) group_.waiting.fetch_sub(1, relaxed);
  }
  ~readiness_operation() { result(); }
  readiness_operation(readiness_operation&& other) noexcept = default;

 private:
  descriptor& d_;
  descriptor::side_state& side_;
  driver_group& group_;
  std::uint32_t seen_;
  bool is_counted_ = false;
};

}  // namespace burrow::detail
