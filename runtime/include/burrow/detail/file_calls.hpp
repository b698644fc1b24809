// SPDX-License-Identifier: MIT
// The calls on files that goroutines wait for.
//
// What can be ready or not (pipes, terminals, sockets) *streams*; its calls are waited for by
// readiness. A call on a regular file, which is always "ready" and takes its time all the same, is
// a request where the driver makes requests, and else made on a thread that may block. Such a
// thread has the caller's memory, so it is waited for whatever the Context does.
#pragma once

#include <burrow/blocking.hpp>
#include <burrow/detail/io_core.hpp>
#include <burrow/io_bytes.hpp>
#include <burrow/mutex.hpp>
#include <burrow/this_goroutine.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace burrow::detail {

/// Instead of an offset: where the file stands, and then moves on.
inline constexpr std::int64_t at_position = -1;

/// What the copies of a file share.
struct file_state {
  descriptor_ref on;
  bool streams = false;    // calls are waited for by readiness
  bool has_place = false;  // can be read and written at an offset
  bool appends = false;    // O_APPEND
  mutex position;          // for calls at the position, which the kernel does not keep apart

  /// Takes over the descriptor, and looks at what it is.
  explicit file_state(descriptor_ref d) noexcept;
  file_state(const file_state&) = delete;
  file_state& operator=(const file_state&) = delete;
};

using file_ref = std::shared_ptr<file_state>;

/// Takes over the number; if that fails it is closed. Throws std::bad_alloc.
file_ref adopt_file(int fd);

/// One call: at most `into.size()` bytes, 0 at the end of the file.
task<io_outcome> read_some(file_ref f, bytes into, std::int64_t offset);
task<io_outcome> write_some(file_ref f, const_bytes from, std::int64_t offset);
task<io_outcome> sync_file(file_ref f);
/// openat(2).
task<result<file_ref>> open_file(std::string path, int flags, unsigned mode);

/// What `call()` returns, made on a thread that may block; if that is negative, errno. The Context
/// is looked at before.
template <class F>
task<io_outcome> call_blocking(F call) {
  const goroutine& g = co_await io_entry();
  const cancellable_node* const watched = watched_by(g);
  if (watched != nullptr && watched->has_ended()) co_return {0, error_of(*watched)};
  const auto on_thread = [&call]() -> io_outcome {
    long long value = 0;
    do {
      value = call();
    } while (value < 0 && errno == EINTR);
    if (value < 0) return {0, system_error_code(errno)};
    return {static_cast<int>(value), {}};
  };
  co_return co_await blocking(on_thread);
}

/// The same for a call with the number of a file.
template <class F>
task<io_outcome> call_with_number(file_ref f, F call) {
  if (f == nullptr) co_return {0, errc::not_open};
  const descriptor_use user(f->on);
  if (!user) co_return {0, errc::not_open};
  const int fd = f->on->fd;
  co_return co_await call_blocking([&call, fd] { return call(fd); });
}

}  // namespace burrow::detail
