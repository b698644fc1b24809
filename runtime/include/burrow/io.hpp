// SPDX-License-Identifier: MIT
// The standard streams, pipes, and waiting until any descriptor is ready.
#pragma once

#include <burrow/detail/io_core.hpp>
#include <burrow/file.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace burrow {

namespace detail {

/// A descriptor that its last user closes, whatever the driver still has of it.
struct watched_descriptor {
  descriptor_ref on;

  explicit watched_descriptor(descriptor_ref d) noexcept : on(std::move(d)) {}
  watched_descriptor(const watched_descriptor&) = delete;
  watched_descriptor& operator=(const watched_descriptor&) = delete;
  ~watched_descriptor() { close_descriptor(*on); }
};

using watched_ref = std::shared_ptr<watched_descriptor>;

/// A descriptor's being ready as an operation, for select; see io::readiness. Asks the kernel when
/// the wait begins, and has the driver watch for what comes after that.
class readiness_case : public operation<readiness_case> {
 public:
  static constexpr wait_reason reason = wait_reason::io_wait;

  readiness_case(watched_ref w, io_side side) noexcept : watched_(std::move(w)), side_(side) {}
  readiness_case(readiness_case&& other) noexcept
      : operation(static_cast<operation&&>(other)),  // the base alone is moved here
        watched_(std::move(other.watched_)),
        side_(other.side_) {}
  ~readiness_case();

  void prepare() noexcept;
  /// Null: of nothing, and never ready.
  wait_source* source() const noexcept { return watched_ != nullptr ? &on() : nullptr; }
  bool ready() const noexcept;
  bool attempt(goroutine*&) noexcept { return ready(); }
  void enlist() noexcept;
  void delist() noexcept;
  /// Errors: errc::not_open, errc::io_timeout; or what the kernel says of a descriptor that cannot
  /// be waited for.
  burrow::result<void> result() const noexcept;

 private:
  descriptor& on() const noexcept { return *watched_->on; }

  watched_ref watched_;
  io_side side_;
  bool is_prepared_ = false;
  bool is_user_ = false;
  bool is_ready_ = false;
  bool is_counted_ = false;
  int failed_ = 0;
  std::uint32_t seen_ = 0;  // events of that side before the first look
  driver_group* group_ = nullptr;
};

}  // namespace detail

namespace io {

/// Awaited: until the descriptor is ready, as poll(2) means it; gives a result<void>. Fails with
/// the error of the Context that the goroutine carries when that ends. As a case of select it waits
/// for the descriptor alone, and for that of a nil watcher for ever. Who is woken may find nothing:
/// another has taken it, or it was there before.
class [[nodiscard("it is awaited, or given to select")]] readiness : public detail::readiness_case {
 public:
  using detail::readiness_case::readiness_case;
  readiness(readiness&& other) noexcept : readiness_case(std::move(other)) {}

  bool await_ready() noexcept {
    ended_ = source() != nullptr ? end_of_context() : errc::not_open;
    if (ended_) {  // whoever goes on all the same starves nobody
      if (this->who->budget <= 1) return this->who->exiting;
      --this->who->budget;
      return true;
    }
    wait_.emplace(*this->who, static_cast<detail::readiness_case&>(*this));
    return wait_->await_ready();
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    return ended_ ? detail::yield_to_others(*this->who, h) : wait_->await_suspend(h);
  }
  burrow::result<void> await_resume() {
    if (ended_) return ended_;
    const bool has_happened = wait_->await_resume();
    return has_happened ? result() : burrow::result<void>(end_of_context());
  }

 private:
  std::error_code end_of_context() const noexcept;

  std::error_code ended_;
  std::optional<detail::io_wait<detail::readiness_case>::awaiter> wait_;
};

/// Tells when a descriptor of the program's is ready: a handle, copied like a pointer. What is open
/// stays the program's: none of its flags is changed, and its number may be closed meanwhile, which
/// is not seen here. Any goroutine. Go has no counterpart but syscall.RawConn.
class watcher {
 public:
  watcher() noexcept = default;

  explicit operator bool() const noexcept { return watched_ != nullptr; }

  /// There is something to read, or the end of it. A case of select, too.
  readiness readable() const noexcept { return {watched_, detail::io_side::read}; }
  /// There is room to write, or nobody who would read. A case of select, too.
  readiness writable() const noexcept { return {watched_, detail::io_side::write}; }
  /// Ends what waits here, with errc::not_open.
  result<void> close() noexcept;

 private:
  friend result<watcher> watch(int fd);
  explicit watcher(detail::watched_ref w) noexcept : watched_(std::move(w)) {}

  detail::watched_ref watched_;
};

/// Watches what is open under this number, through a number of its own. The error is that of
/// dup(2), or EPERM for what is always ready, as a regular file is. Throws std::bad_alloc.
result<watcher> watch(int fd);

/// The standard streams of the process. Other processes may share them, so their flags are left
/// alone: with each call it is looked first whether it would wait. close() ends the operations
/// here and leaves the number open. Go: os.Stdin, os.Stdout, os.Stderr.
file in();
file out();
file err();

struct pipe_ends {
  file reader;
  file writer;
};

/// A pipe. Reading gives 0 once all copies of the writer are closed, writing fails with EPIPE once
/// all of the reader are. The error is that of pipe2(2). Throws std::bad_alloc. Go: os.Pipe.
result<pipe_ends> make_pipe();

}  // namespace io
}  // namespace burrow
