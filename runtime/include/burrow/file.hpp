// SPDX-License-Identifier: MIT
// Files, and what else is read and written through a descriptor: pipes, terminals, devices.
#pragma once

#include <burrow/io_bytes.hpp>
#include <burrow/readiness.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace burrow {

namespace detail {
struct file_state;
}

enum class file_type { regular, directory, symbolic_link, pipe, socket, device, unknown };

/// What is known of a file. Go: fs.FileInfo.
struct file_info {
  std::uint64_t size = 0;  // in bytes
  file_type type = file_type::unknown;
  unsigned permissions = 0;  // the lower twelve bits of st_mode
  std::chrono::system_clock::time_point modified;
};

/// From where seek() counts.
enum class seek_from { start, position, end };

/// An open file: a handle, copied like a pointer; the last copy closes it. All functions may be
/// called by any goroutine, and at the same time: those that read or write at the file's position
/// take turns on a regular file, those at an offset of their own do not.
///
/// Every operation first looks at the Context that the goroutine carries, and fails with its error
/// if that has ended; with a Context first it looks at that one. It also ends early with it where
/// the kernel lets go of the call: always on pipes and the like, on regular files with io_uring
/// alone. What has been done by then counts as success. After close(), and on a nil handle:
/// errc::not_open. Never raises SIGPIPE: the error is EPIPE. Go: os.File.
class file {
 public:
  file() noexcept = default;
  /// Takes over the number of what is open. Throws std::bad_alloc.
  static file adopt(int fd);

  /// Opens for reading. Go: os.Open.
  static task<result<file>> open(std::string path);
  static task<result<file>> open(context ctx, std::string path);
  /// `flags` are those of open(2); O_CLOEXEC is added. `permissions` are those of a file that is
  /// made by this, less the umask. Go: os.OpenFile.
  static task<result<file>> open(std::string path, int flags, unsigned permissions = 0666);
  static task<result<file>> open(context ctx, std::string path, int flags,
                                 unsigned permissions = 0666);
  /// Opens for reading and writing; makes the file, or empties it. Go: os.Create.
  static task<result<file>> create(std::string path, unsigned permissions = 0666);
  static task<result<file>> create(context ctx, std::string path, unsigned permissions = 0666);

  explicit operator bool() const noexcept { return state_ != nullptr; }

  /// Reads at most `into.size()` bytes; from a pipe, what is there, once there is any. 0: the end.
  /// Go: Read, whose io.EOF is 0 here.
  task<result<std::size_t>> read(bytes into);
  task<result<std::size_t>> read(context ctx, bytes into);
  /// Reads until `into` is full. errc::unexpected_eof: the file ended before. Go: io.ReadFull.
  task<result<void>> read_full(bytes into);
  task<result<void>> read_full(context ctx, bytes into);
  /// Reads all that is left. Go: io.ReadAll.
  task<result<std::string>> read_all();
  task<result<std::string>> read_all(context ctx);
  /// Reads from `offset` (in bytes) on until `into` is full or the file ends; says how much. A pipe
  /// has no offsets: std::errc::invalid_seek. Go: ReadAt.
  task<result<std::size_t>> read_at(bytes into, std::int64_t offset);
  task<result<std::size_t>> read_at(context ctx, bytes into, std::int64_t offset);

  /// Writes some of it, and says how much.
  task<result<std::size_t>> write(const_bytes from);
  task<result<std::size_t>> write(context ctx, const_bytes from);
  /// Writes all of it. After an error some of it may have been written. Go: Write.
  task<result<void>> write_all(const_bytes from);
  task<result<void>> write_all(context ctx, const_bytes from);
  /// Writes all of it at `offset`. Refused on a file that was opened with O_APPEND, where the
  /// kernel would append: std::errc::invalid_argument. Go: WriteAt.
  task<result<void>> write_at(const_bytes from, std::int64_t offset);
  task<result<void>> write_at(context ctx, const_bytes from, std::int64_t offset);

  /// Until what was written is on the disk. Go: Sync.
  task<result<void>> sync();
  task<result<void>> sync(context ctx);

  /// Moves the position; gives the new one. Go: Seek.
  task<result<std::int64_t>> seek(std::int64_t offset, seek_from from = seek_from::start);
  task<result<std::int64_t>> seek(context ctx, std::int64_t offset,
                                  seek_from from = seek_from::start);
  /// Go: Stat.
  task<result<file_info>> stat();
  task<result<file_info>> stat(context ctx);
  /// In bytes. Go: Stat, then Size.
  task<result<std::uint64_t>> size();
  task<result<std::uint64_t>> size(context ctx);
  /// Cuts the file off, or fills it with zeros. Go: Truncate.
  task<result<void>> truncate(std::int64_t size);
  task<result<void>> truncate(context ctx, std::int64_t size);

  /// There is something to read, or the end of it; there is room to write, or nobody who would
  /// read; a regular file is always ready. Cases of select, too.
  io::readiness readable() const noexcept;
  io::readiness writable() const noexcept;

  /// Ends what waits here, with errc::not_open. Go: Close.
  result<void> close() noexcept;

  /// For calls that burrow does not have. -1: closed. The number stays burrow's.
  int native_handle() const noexcept;

 private:
  friend struct file_access;
  explicit file(std::shared_ptr<detail::file_state> state) noexcept;

  std::shared_ptr<detail::file_state> state_;
};

}  // namespace burrow
