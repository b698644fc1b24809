// SPDX-License-Identifier: MIT
// The I/O driver of a worker: where the worker waits, and what it asks of the kernel.
//
// A *request* is a call that the kernel makes on behalf of a goroutine. It lives in the goroutine's
// frame, which stays until the request is complete: whoever gives up cancels the request, and
// then waits for its completion. Its life, and who moves it on:
//
//   begun      by the goroutine: listed with its descriptor, under the descriptor's lock
//   submitted  by the goroutine's worker: the driver knows it; `pending` completions are to come
//   complete   by whoever collects the last of them: unlisted, and its waiter claimed, under the
//              descriptor's lock
//
// A cancel that was submitted counts as a completion to come. So neither the kernel nor a queue
// ever names a request that is complete, and an address that is used again is no danger.
//
// A driver that takes no requests (epoll) only tells when a descriptor is ready. Then the goroutine
// makes the call itself, by io_type::attempt, and waits for readiness where it would block.
//
// Order of locks: a descriptor's, then a driver's, which may be held during a system call that does
// not block. Only close and deadlines take both. Completions are handed over under no driver's.
#pragma once

#include <burrow/detail/timers.hpp>
#include <burrow/detail/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

struct io_uring_sqe;

namespace burrow::detail {

struct descriptor;
struct io_request;
class driver;

/// Which operations of a descriptor exclude each other: of those that read, and those that write.
enum class io_side : std::uint8_t { read, write };

/// A kind of request.
struct io_type {
  io_side side;
  /// Fills in the submission for io_uring; null: it is always made by `attempt`.
  void (*prepare)(io_request&, io_uring_sqe&) noexcept;
  /// The call itself, on a descriptor that does not block: its result, or -errno.
  int (*attempt)(io_request&) noexcept;
  /// A completion has come; null: note the result and wake the goroutine. Under the descriptor's
  /// lock. `is_last`: no other will. Requests with such a function *stand*: they belong to the
  /// descriptor, not to a goroutine, and may still be in the kernel when their driver ends.
  void (*complete)(io_request&, int result, bool is_last, wake_list&) noexcept = nullptr;
  /// Its submission asks for a provided buffer; without one it ends with -ENOBUFS.
  bool takes_buffer = false;
};

inline constexpr std::uint16_t provided_buffer_group = 0;
inline constexpr std::size_t provided_buffer_size = 4096;

struct io_request {
  static constexpr int no_buffer = -1;

  const io_type* type;
  descriptor* on = nullptr;
  driver* in = nullptr;        // who makes it; set when it is begun
  waiter* waiting = nullptr;   // under the descriptor's lock
  int result = 0;              // what the call has returned, or -errno; under the same lock
  atomic<bool> done{false};    // written under the same lock
  io_request* next = nullptr;  // in the descriptor's list, under its lock
  io_request* previous = nullptr;

  // Under the driver's lock:
  bool cancel_asked = false;
  bool is_in_backlog = false;
  bool cancel_was_vain = false;       // it will be asked for again
  std::uint8_t pending = 0;           // completions to come; 0: not submitted, or complete
  int held_result = 0;                // of the call, whose cancel is still to come
  int provided = no_buffer;           // the provided buffer that holds what was received
  io_request* next_queued = nullptr;  // in one of the driver's queues
  io_request* previous_queued = nullptr;
  io_request* next_standing = nullptr;
  io_request* previous_standing = nullptr;

  explicit io_request(const io_type& t) noexcept : type(&t) {}
  /// By its goroutine, once it is complete.
  void begin_again() noexcept {
    done.store(false, relaxed);
    cancel_asked = false;
  }
  io_request(const io_request&) = delete;
  io_request& operator=(const io_request&) = delete;
};

/// What the drivers of one runtime share. With epoll, one driver may have the events of a
/// descriptor for which a goroutine of another worker waits.
struct driver_group {
  const std::uint64_t number = next_number();
  atomic<std::size_t> waiting{0};  // goroutines that wait for readiness

 private:
  static std::uint64_t next_number() noexcept;
};

/// Where a worker waits: the kernel's completions and events, and a wake-up from another thread.
class driver {
 public:
  virtual ~driver() = default;

  /// Hands over what was submitted, and blocks until wake(), a completion or an event, or until
  /// `timeout` ns have passed (never: no limit). Its worker only.
  virtual void wait(nanoseconds_t timeout) = 0;
  /// Hands over what was submitted, and claims the goroutines for which something has come. Does
  /// not block. Any thread: others serve a worker that is stuck.
  virtual void poll(wake_list& wakes) noexcept = 0;
  /// Ends the present wait, or the next one. Any thread.
  virtual void wake() noexcept = 0;
  virtual const char* name() const noexcept = 0;

  /// Whether this driver makes requests; else only watch() may be called of the next three.
  virtual bool takes_requests() const noexcept = 0;
  /// By a goroutine of its worker: the request has begun. It is complete in the end, whatever
  /// happens.
  virtual void submit(io_request& r) noexcept = 0;
  /// Any thread, which knows that the request is not complete, or holds its descriptor's lock: it
  /// is to end as soon as possible. It may still succeed.
  virtual void cancel(io_request& r) noexcept = 0;

  /// Provided buffers: memory of the driver from which the kernel chooses when data has come, so
  /// that a request which waits holds none. After completion, by whoever has the request: what it
  /// has received; and the buffer is free again. Any thread.
  virtual const std::byte* provided_buffer(const io_request&) noexcept { return nullptr; }
  virtual void give_back_buffer(io_request&) noexcept {}

  /// By a goroutine of its worker: the next time that the descriptor is ready on this side is
  /// noted. Returns 0 or an errno.
  virtual int watch(descriptor& d, io_side side) noexcept = 0;

  /// A glimpse: whether a poll() may find something.
  bool has_io() const noexcept {
    return in_flight.load(relaxed) != 0 || group.waiting.load(relaxed) != 0;
  }

  // Requests that the kernel has, or is to have; events that were collected and not handed over.
  atomic<std::size_t> in_flight{0};
  driver_group& group;

 protected:
  explicit driver(driver_group& g) noexcept : group(g) {}
};

std::unique_ptr<driver> make_uring_driver(driver_group& group);  // throws std::system_error
std::unique_ptr<driver> make_epoll_driver(driver_group& group);  // throws std::system_error

}  // namespace burrow::detail
