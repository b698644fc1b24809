// SPDX-License-Identifier: MIT
#include <burrow/detail/file_access.hpp>
#include <burrow/detail/file_calls.hpp>
#include <burrow/detail/hold.hpp>
#include <burrow/file.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace burrow {

namespace d = burrow::detail;

namespace {

using d::file_ref;
using turn = d::hold<mutex, d::hold_kind::exclusive>;

result<std::size_t> count_of(const d::io_outcome& outcome) {
  if (outcome.error) return outcome.error;
  return static_cast<std::size_t>(outcome.value);
}

result<void> done(const d::io_outcome& outcome) { return outcome.error; }

/// Waits for its turn at the file's position; a pipe has none, and there reading does not keep
/// others from writing.
task<result<std::optional<turn>>> take_turn(file_ref f) {
  if (f == nullptr) co_return errc::not_open;
  if (f->streams) co_return std::optional<turn>();
  if (!f->position.try_lock()) {
    const context ctx = this_goroutine::context();
    const std::error_code error = co_await f->position.lock(ctx);
    if (error) co_return error;
  }
  co_return std::optional<turn>(std::in_place, f->position);
}

/// Reads until `into` is full or the file ends; the turn is the caller's.
task<result<std::size_t>> read_until_full(file_ref f, bytes into, std::int64_t offset) {
  std::size_t all = 0;
  while (!into.empty()) {
    const d::io_outcome got = co_await d::read_some(f, into, offset);
    if (got.error) co_return got.error;
    if (got.value == 0) break;
    all += static_cast<std::size_t>(got.value);
    into = into.from(static_cast<std::size_t>(got.value));
    if (offset != d::at_position) offset += got.value;
  }
  co_return all;
}

task<result<void>> write_until_done(file_ref f, const_bytes from, std::int64_t offset) {
  while (!from.empty()) {
    const d::io_outcome written = co_await d::write_some(f, from, offset);
    if (written.error) co_return written.error;
    // No file does that; who did would be asked for ever.
    if (written.value == 0) co_return std::make_error_code(std::errc::io_error);
    from = from.from(static_cast<std::size_t>(written.value));
    if (offset != d::at_position) offset += written.value;
  }
  co_return {};
}

}  // namespace

file_info detail::info_of(const struct stat& about) noexcept {
  file_info info;
  info.size = static_cast<std::uint64_t>(about.st_size);
  info.type = type_of_mode(about.st_mode);
  info.permissions = about.st_mode & 07777U;
  const auto modified =
      std::chrono::seconds(about.st_mtim.tv_sec) + std::chrono::nanoseconds(about.st_mtim.tv_nsec);
  info.modified = std::chrono::system_clock::time_point(modified);
  return info;
}

file_type detail::type_of_mode(unsigned mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG: return file_type::regular;
    case S_IFDIR: return file_type::directory;
    case S_IFLNK: return file_type::symbolic_link;
    case S_IFIFO: return file_type::pipe;
    case S_IFSOCK: return file_type::socket;
    case S_IFCHR:
    case S_IFBLK: return file_type::device;
    default: return file_type::unknown;
  }
}

// --- opening and closing -------------------------------------------------------------------------

file::file(std::shared_ptr<d::file_state> state) noexcept : state_(std::move(state)) {}

file file::adopt(int fd) { return file(d::adopt_file(fd)); }

task<result<file>> file::open(std::string path, int flags, unsigned permissions) {
  const result<file_ref> opened = co_await d::open_file(std::move(path), flags, permissions);
  if (!opened) co_return opened.error();
  co_return file(*opened);
}
task<result<file>> file::open(context, std::string path, int flags, unsigned permissions) {
  co_return co_await open(std::move(path), flags, permissions);
}
task<result<file>> file::open(std::string path) {
  co_return co_await open(std::move(path), O_RDONLY);
}
task<result<file>> file::open(context, std::string path) {
  co_return co_await open(std::move(path), O_RDONLY);
}
task<result<file>> file::create(std::string path, unsigned permissions) {
  co_return co_await open(std::move(path), O_RDWR | O_CREAT | O_TRUNC, permissions);
}
task<result<file>> file::create(context, std::string path, unsigned permissions) {
  co_return co_await create(std::move(path), permissions);
}

result<void> file::close() noexcept {
  if (state_ == nullptr || !d::close_descriptor(*state_->on)) return errc::not_open;
  return {};
}

int file::native_handle() const noexcept {
  if (state_ == nullptr || state_->on->closing.load(std::memory_order_acquire)) return -1;
  return state_->on->fd;
}

// --- reading -------------------------------------------------------------------------------------

task<result<std::size_t>> file::read(bytes into) {
  const file_ref f = state_;
  const auto held = co_await take_turn(f);
  if (!held) co_return held.error();
  co_return count_of(co_await d::read_some(f, into, d::at_position));
}
task<result<std::size_t>> file::read(context, bytes into) { co_return co_await read(into); }

task<result<void>> file::read_full(bytes into) {
  const file_ref f = state_;
  const auto held = co_await take_turn(f);
  if (!held) co_return held.error();
  const result<std::size_t> got = co_await read_until_full(f, into, d::at_position);
  if (!got) co_return got.error();
  if (*got != into.size()) co_return errc::unexpected_eof;
  co_return {};
}
task<result<void>> file::read_full(context, bytes into) { co_return co_await read_full(into); }

task<result<std::string>> file::read_all() {
  constexpr std::size_t at_least = 4096;
  const file_ref f = state_;
  const auto held = co_await take_turn(f);
  if (!held) co_return held.error();
  const d::descriptor_use user(f->on);
  if (!user) co_return errc::not_open;
  std::string all;
  // What the kernel says of the size is a hint: files of /proc have none, and others grow.
  struct stat about{};
  const bool has_size = !f->streams && ::fstat(f->on->fd, &about) == 0 && about.st_size > 0;
  all.resize(has_size ? static_cast<std::size_t>(about.st_size) + 1 : at_least);
  std::size_t size = 0;
  for (;;) {
    const bytes rest(all.data() + size, all.size() - size);
    const d::io_outcome got = co_await d::read_some(f, rest, d::at_position);
    if (got.error) co_return got.error;
    if (got.value == 0) break;
    size += static_cast<std::size_t>(got.value);
    if (size == all.size()) all.resize(2 * all.size());
  }
  all.resize(size);
  co_return all;
}
task<result<std::string>> file::read_all(context) { co_return co_await read_all(); }

task<result<std::size_t>> file::read_at(bytes into, std::int64_t offset) {
  if (offset < 0) co_return std::make_error_code(std::errc::invalid_argument);
  co_return co_await read_until_full(state_, into, offset);
}
task<result<std::size_t>> file::read_at(context, bytes into, std::int64_t offset) {
  co_return co_await read_at(into, offset);
}

// --- writing -------------------------------------------------------------------------------------

task<result<std::size_t>> file::write(const_bytes from) {
  const file_ref f = state_;
  const auto held = co_await take_turn(f);
  if (!held) co_return held.error();
  co_return count_of(co_await d::write_some(f, from, d::at_position));
}
task<result<std::size_t>> file::write(context, const_bytes from) { co_return co_await write(from); }

task<result<void>> file::write_all(const_bytes from) {
  const file_ref f = state_;
  const auto held = co_await take_turn(f);
  if (!held) co_return held.error();
  co_return co_await write_until_done(f, from, d::at_position);
}
task<result<void>> file::write_all(context, const_bytes from) {
  co_return co_await write_all(from);
}

task<result<void>> file::write_at(const_bytes from, std::int64_t offset) {
  const bool appends = state_ != nullptr && state_->appends;
  if (offset < 0 || appends) co_return std::make_error_code(std::errc::invalid_argument);
  co_return co_await write_until_done(state_, from, offset);
}
task<result<void>> file::write_at(context, const_bytes from, std::int64_t offset) {
  co_return co_await write_at(from, offset);
}

task<result<void>> file::sync() { co_return done(co_await d::sync_file(state_)); }
task<result<void>> file::sync(context) { co_return co_await sync(); }

// --- position and size ---------------------------------------------------------------------------

task<result<std::int64_t>> file::seek(std::int64_t offset, seek_from from) {
  const file_ref f = state_;
  const auto held = co_await take_turn(f);
  if (!held) co_return held.error();
  const d::descriptor_use user(f->on);
  if (!user) co_return errc::not_open;
  constexpr std::array whence{SEEK_SET, SEEK_CUR, SEEK_END};
  const off_t at = ::lseek(f->on->fd, offset, whence[static_cast<std::size_t>(from)]);
  if (at < 0) co_return d::system_error_code(errno);
  co_return at;
}

task<result<std::int64_t>> file::seek(context, std::int64_t offset, seek_from from) {
  co_return co_await seek(offset, from);
}

task<result<file_info>> file::stat() {
  struct stat about{};
  const auto call = [&about](int fd) { return ::fstat(fd, &about); };
  const d::io_outcome got = co_await d::call_with_number(state_, call);
  if (got.error) co_return got.error;
  co_return d::info_of(about);
}

task<result<file_info>> file::stat(context) { co_return co_await stat(); }

task<result<std::uint64_t>> file::size() {
  const result<file_info> info = co_await stat();
  if (!info) co_return info.error();
  co_return info->size;
}

task<result<std::uint64_t>> file::size(context) { co_return co_await size(); }

task<result<void>> file::truncate(std::int64_t size) {
  const auto call = [size](int fd) { return ::ftruncate(fd, size); };
  co_return done(co_await d::call_with_number(state_, call));
}
task<result<void>> file::truncate(context, std::int64_t size) { co_return co_await truncate(size); }

// --- readiness -----------------------------------------------------------------------------------

io::readiness file::readable() const noexcept {
  return {state_ != nullptr ? state_->on : d::descriptor_ref(), d::io_side::read};
}

io::readiness file::writable() const noexcept {
  return {state_ != nullptr ? state_->on : d::descriptor_ref(), d::io_side::write};
}

}  // namespace burrow
