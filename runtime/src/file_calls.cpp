// SPDX-License-Identifier: MIT
#include <burrow/detail/file_calls.hpp>
#include <burrow/sleep.hpp>

#include <algorithm>
#include <chrono>
#include <climits>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace burrow::detail {

namespace {

constexpr std::size_t most_at_once = std::size_t{1} << 30;  // a result is an int

template <class R>
R& as(io_request& r) noexcept {
  return static_cast<R&>(r);
}

int result_of(ssize_t n) noexcept { return n < 0 ? -errno : static_cast<int>(n); }

// --- writing without SIGPIPE ---------------------------------------------------------------------

/// write(2) to a pipe that nobody reads sends the thread a signal, which would end the process. It
/// is held back for the call, and taken away if it was this call that brought it. (A request for
/// io_uring cannot be guarded like that: it may be carried out anywhere in its worker's life.)
ssize_t write_without_signal(int fd, const void* data, std::size_t size) noexcept {
  sigset_t broken_pipe;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  sigemptyset(&pending);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  ::sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  const ssize_t n = ::write(fd, data, size);
  const int error = errno;
  if (n < 0 && error == EPIPE && !was_pending) {
    const timespec at_once{};
    while (::sigtimedwait(&broken_pipe, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return n;
}

// --- what was lent -------------------------------------------------------------------------------

/// On what was lent a call may block, so it is looked first whether it would.
bool is_ready(int fd, short events) noexcept {
  pollfd p{fd, events, 0};
  return ::poll(&p, 1, 0) > 0;
}

/// Another process may take what was there between the look and the call; where the kernel can it
/// is told not to wait.
int read_lent(int fd, void* data, std::size_t size) noexcept {
  if (!is_ready(fd, POLLIN)) return -EAGAIN;
  iovec part{data, size};
  const ssize_t n = ::preadv2(fd, &part, 1, -1, RWF_NOWAIT);
  if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) return result_of(n);
  return result_of(::read(fd, data, size));
}

/// A pipe that is ready has room for that much.
int write_lent(int fd, const void* data, std::size_t size) noexcept {
  if (!is_ready(fd, POLLOUT)) return -EAGAIN;
  return result_of(write_without_signal(fd, data, std::min<std::size_t>(size, PIPE_BUF)));
}

// --- requests ------------------------------------------------------------------------------------

struct read_request : io_request {
  bytes into;
  std::int64_t offset;
  read_request(bytes b, std::int64_t at) noexcept;
};

struct write_request : io_request {
  const_bytes from;
  std::int64_t offset;
  write_request(const_bytes b, std::int64_t at) noexcept;
};

struct sync_request : io_request {
  sync_request() noexcept;
};

struct open_request : io_request {
  const char* path;
  int flags;
  unsigned mode;
  open_request(const char* p, int f, unsigned m) noexcept;
};

ssize_t read_now(int fd, bytes into, std::int64_t offset) noexcept {
  return offset == at_position ? ::read(fd, into.data(), into.size())
                               : ::pread(fd, into.data(), into.size(), offset);
}

ssize_t write_now(int fd, const_bytes from, std::int64_t offset) noexcept {
  return offset == at_position ? ::write(fd, from.data(), from.size())
                               : ::pwrite(fd, from.data(), from.size(), offset);
}

constexpr io_type read_type = {io_side::read,
                               [](io_request& r, io_uring_sqe& sqe) noexcept {
                                 const auto& a = as<read_request>(r);
                                 ::io_uring_prep_read(&sqe, r.on->fd, a.into.data(),
                                                      static_cast<unsigned>(a.into.size()),
                                                      static_cast<std::uint64_t>(a.offset));
                               },
                               [](io_request& r) noexcept {
                                 const auto& a = as<read_request>(r);
                                 if (r.on->is_lent)
                                   return read_lent(r.on->fd, a.into.data(), a.into.size());
                                 return result_of(read_now(r.on->fd, a.into, a.offset));
                               }};

constexpr io_type write_type = {
    io_side::write,
    [](io_request& r, io_uring_sqe& sqe) noexcept {
      const auto& a = as<write_request>(r);
      ::io_uring_prep_write(&sqe, r.on->fd, a.from.data(), static_cast<unsigned>(a.from.size()),
                            static_cast<std::uint64_t>(a.offset));
    },
    [](io_request& r) noexcept {
      const auto& a = as<write_request>(r);
      if (r.on->is_lent) return write_lent(r.on->fd, a.from.data(), a.from.size());
      if (a.offset != at_position) return result_of(write_now(r.on->fd, a.from, a.offset));
      return result_of(write_without_signal(r.on->fd, a.from.data(), a.from.size()));
    }};

constexpr io_type sync_type = {
    io_side::write,
    [](io_request& r, io_uring_sqe& sqe) noexcept { ::io_uring_prep_fsync(&sqe, r.on->fd, 0); },
    [](io_request& r) noexcept { return result_of(::fsync(r.on->fd)); }};

constexpr io_type open_type = {io_side::read,
                               [](io_request& r, io_uring_sqe& sqe) noexcept {
                                 const auto& a = as<open_request>(r);
                                 ::io_uring_prep_openat(&sqe, AT_FDCWD, a.path, a.flags, a.mode);
                               },
                               [](io_request& r) noexcept {
                                 const auto& a = as<open_request>(r);
                                 return result_of(::open(a.path, a.flags, a.mode));
                               }};

read_request::read_request(bytes b, std::int64_t at) noexcept
    : io_request(read_type), into(b.data(), std::min(b.size(), most_at_once)), offset(at) {}
write_request::write_request(const_bytes b, std::int64_t at) noexcept
    : io_request(write_type), from(b.data(), std::min(b.size(), most_at_once)), offset(at) {}
sync_request::sync_request() noexcept : io_request(sync_type) {}
open_request::open_request(const char* p, int f, unsigned m) noexcept
    : io_request(open_type), path(p), flags(f), mode(m) {}

bool takes_requests(const goroutine& g) noexcept { return g.home->io().takes_requests(); }

}  // namespace

// --- files ---------------------------------------------------------------------------------------

file_state::file_state(descriptor_ref d) noexcept : on(std::move(d)) {
  struct stat about{};
  if (::fstat(on->fd, &about) != 0) return;
  const auto kind = about.st_mode & S_IFMT;
  streams = kind != S_IFREG && kind != S_IFDIR && kind != S_IFBLK;
  has_place = kind != S_IFIFO && kind != S_IFSOCK && !(streams && on->is_lent);
  const int flags = ::fcntl(on->fd, F_GETFL);
  appends = flags >= 0 && (flags & O_APPEND) != 0;
}

file_ref adopt_file(int fd) { return std::make_shared<file_state>(own_descriptor(fd)); }

namespace {

std::error_code refusal_of_offset(const file_ref& f, std::int64_t offset) noexcept {
  if (f == nullptr) return errc::not_open;
  if (offset < at_position) return std::make_error_code(std::errc::invalid_argument);
  if (offset != at_position && !f->has_place) return std::make_error_code(std::errc::invalid_seek);
  return {};
}

/// The request of a regular file. The caller has its turn at the position, which is read before the
/// request and set after it: io_uring itself lets several requests use one position, and does not
/// move it behind a write that the disk had room for in part.
template <class Request>
task<io_outcome> perform_at_place(file_ref f, Request& r) {
  if (r.offset != at_position) co_return co_await perform(f->on, r);
  const descriptor_use user(f->on);
  if (!user) co_return {0, errc::not_open};
  const int fd = f->on->fd;
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  if (at >= 0) r.offset = at;  // else it has no position, though it is a regular file
  const io_outcome moved = co_await perform(f->on, r);
  if (at >= 0 && moved.value > 0) {
    const bool is_at_end = f->appends && r.type->side == io_side::write;
    ::lseek(fd, is_at_end ? 0 : at + moved.value, is_at_end ? SEEK_END : SEEK_SET);
  }
  co_return moved;
}

/// Others may move the position of what was lent at the same time: the kernel keeps their calls
/// apart, not their requests.
bool takes_file_requests(const goroutine& g, const file_state& f) noexcept {
  return takes_requests(g) && !f.on->is_lent;
}

}  // namespace

task<io_outcome> read_some(file_ref f, bytes into, std::int64_t offset) {
  if (const std::error_code error = refusal_of_offset(f, offset)) co_return {0, error};
  const goroutine& g = co_await io_entry();
  read_request r(into, offset);
  const bool is_lent_stream = f->streams && f->on->is_lent;
  if (is_lent_stream) co_return co_await perform(f->on, r, io_course::when_ready);
  if (f->streams) co_return co_await perform(f->on, r);
  if (takes_file_requests(g, *f)) co_return co_await perform_at_place(f, r);
  const auto call = [&r](int fd) { return read_now(fd, r.into, r.offset); };
  co_return co_await call_with_number(f, call);
}

task<io_outcome> write_some(file_ref f, const_bytes from, std::int64_t offset) {
  if (const std::error_code error = refusal_of_offset(f, offset)) co_return {0, error};
  const goroutine& g = co_await io_entry();
  write_request r(from, offset);
  if (f->streams) co_return co_await perform(f->on, r, io_course::when_ready);
  if (takes_file_requests(g, *f)) co_return co_await perform_at_place(f, r);
  const auto call = [&r](int fd) { return write_now(fd, r.from, r.offset); };
  co_return co_await call_with_number(f, call);
}

task<io_outcome> sync_file(file_ref f) {
  if (f == nullptr) co_return {0, errc::not_open};
  const goroutine& g = co_await io_entry();
  if (takes_requests(g)) {
    sync_request r;
    co_return co_await perform(f->on, r);
  }
  co_return co_await call_with_number(f, [](int fd) { return ::fsync(fd); });
}

// --- opening -------------------------------------------------------------------------------------
//
// open(2) of a FIFO waits until another opens its other end. Nobody could call back the thread that
// waits there, and it would take what is sent to whoever opens the FIFO later. So the kernel is
// told not to wait (O_NONBLOCK), and the goroutine looks again and again: no event tells of it.

namespace {

void close_number(int fd) noexcept { ::close(fd); }

/// One try: by a request, or on a thread that may block.
task<io_outcome> try_to_open(const std::string& path, int flags, unsigned mode) {
  const goroutine& g = co_await io_entry();
  if (takes_requests(g)) {
    // It is listed nowhere else, so it waits on a descriptor of its own.
    const descriptor_ref none(adopt_descriptor(-1));
    open_request r(path.c_str(), flags, mode);
    co_return co_await perform(none, r, io_course::ask_first, &close_number);
  }
  const auto call = [&] { return ::open(path.c_str(), flags, mode); };
  co_return co_await call_blocking(call);
}

bool would_block(const io_outcome& o) noexcept {
  return o.error == std::errc::operation_would_block;
}

/// Whether a writer has come to this FIFO. Reads nothing: where there is something, the address is
/// refused (EFAULT), where a writer has sent nothing, the call would wait (EAGAIN). One that has
/// come and gone leaves its end (POLLHUP).
bool has_had_writer(int fd) noexcept {
  pollfd now{fd, POLLIN, 0};
  // Not read(), which compilers know to need an address.
  return ::poll(&now, 1, 0) > 0 || ::syscall(SYS_read, fd, static_cast<void*>(nullptr), 1) < 0;
}

constexpr std::chrono::milliseconds shortest_pause{1};
constexpr std::chrono::milliseconds longest_pause{32};

/// As open(2). The writing end of a FIFO once there is a reader.
task<io_outcome> open_number(const std::string& path, int flags, unsigned mode) {
  auto pause = shortest_pause;
  for (;;) {
    const io_outcome opened = co_await try_to_open(path, flags | O_NONBLOCK, mode);
    // Another process holds a lease on it, and is asked to let go: that takes its time.
    if (would_block(opened)) co_return co_await try_to_open(path, flags, mode);
    // A socket, and a device that is not there, give the same error.
    struct stat about{};
    const bool has_no_reader = opened.error == std::errc::no_such_device_or_address &&
                               ::stat(path.c_str(), &about) == 0 && S_ISFIFO(about.st_mode);
    if (!has_no_reader) co_return opened;
    if (const std::error_code ended = co_await sleep(pause)) co_return {0, ended};
    pause = std::min(2 * pause, longest_pause);
  }
}

task<std::error_code> wait_for_writer(const descriptor& fifo) {
  for (auto pause = shortest_pause; !has_had_writer(fifo.fd);) {
    if (const std::error_code ended = co_await sleep(pause)) co_return ended;
    pause = std::min(2 * pause, longest_pause);
  }
  co_return {};
}

result<file_ref> file_of(const io_outcome& opened) {
  if (opened.error) return opened.error;
  return adopt_file(opened.value);
}

}  // namespace

task<result<file_ref>> open_file(std::string path, int flags, unsigned mode) {
  if (path.find('\0') != std::string::npos) {
    co_return std::make_error_code(std::errc::invalid_argument);
  }
  flags |= O_CLOEXEC;
  const bool asks_not_to_wait = (flags & (O_NONBLOCK | O_PATH)) != 0;
  if (asks_not_to_wait) co_return file_of(co_await try_to_open(path, flags, mode));
  const result<file_ref> f = file_of(co_await open_number(path, flags, mode));
  if (!f) co_return f;
  const descriptor& on = *(*f)->on;
  const bool is_fifo = (*f)->streams && !(*f)->has_place;
  if (is_fifo && (flags & O_ACCMODE) == O_RDONLY) {
    if (const std::error_code ended = co_await wait_for_writer(on)) co_return ended;
  }
  ::fcntl(on.fd, F_SETFL, flags);  // only now: the look at the FIFO would have waited
  co_return f;
}

}  // namespace burrow::detail
