// SPDX-License-Identifier: MIT
// The standard streams, pipes, and any descriptor that can be waited for.
#pragma once

#include <burrow/file.hpp>
#include <burrow/readiness.hpp>

#include <utility>

namespace burrow {

namespace io {

/// Tells when a descriptor of the program's is ready: a handle, copied like a pointer. What is open
/// stays the program's: none of its flags is changed, and its number may be closed meanwhile, which
/// is not seen here. Any goroutine. Go has no counterpart but syscall.RawConn.
class watcher {
 public:
  watcher() noexcept = default;

  explicit operator bool() const noexcept { return static_cast<bool>(on_); }

  /// There is something to read, or the end of it. A case of select, too.
  readiness readable() const noexcept { return {on_, burrow::detail::io_side::read}; }
  task<result<void>> readable(context ctx) const;
  /// There is room to write, or nobody who would read. A case of select, too.
  readiness writable() const noexcept { return {on_, burrow::detail::io_side::write}; }
  task<result<void>> writable(context ctx) const;
  /// Ends what waits here, with errc::not_open.
  result<void> close() noexcept;

 private:
  friend result<watcher> watch(int fd);
  explicit watcher(burrow::detail::descriptor_ref on) noexcept : on_(std::move(on)) {}

  burrow::detail::descriptor_ref on_;
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
