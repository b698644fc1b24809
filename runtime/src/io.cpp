// SPDX-License-Identifier: MIT
#include <burrow/detail/file_access.hpp>
#include <burrow/detail/file_calls.hpp>
#include <burrow/io.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace burrow {

namespace io {

namespace d = burrow::detail;

task<result<void>> watcher::readable(context) const { co_return co_await readable(); }
task<result<void>> watcher::writable(context) const { co_return co_await writable(); }

result<void> watcher::close() noexcept {
  if (!on_ || !d::close_descriptor(*on_)) return errc::not_open;
  return {};
}

result<watcher> watch(int fd) {
  struct stat about{};
  if (::fstat(fd, &about) != 0) return d::system_error_code(errno);
  const auto kind = about.st_mode & S_IFMT;
  if (kind == S_IFREG || kind == S_IFDIR || kind == S_IFBLK) return d::system_error_code(EPERM);
  const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return d::system_error_code(errno);
  d::descriptor_ref on = d::own_descriptor(own);
  on->is_lent = true;
  return watcher(std::move(on));
}

// --- standard streams and pipes ------------------------------------------------------------------

namespace {

d::file_ref lent_file(int fd) {
  d::descriptor_ref on(d::adopt_descriptor(fd));
  on->is_lent = true;
  on->keeps_number = true;
  return std::make_shared<d::file_state>(std::move(on));
}

/// Never destroyed: goroutines of a runtime may use it to the very end.
template <int Fd>
file standard_stream() {
  static const auto* const state = new d::file_ref(lent_file(Fd));
  return file_access::make(*state);
}

}  // namespace

file in() { return standard_stream<STDIN_FILENO>(); }
file out() { return standard_stream<STDOUT_FILENO>(); }
file err() { return standard_stream<STDERR_FILENO>(); }

result<pipe_ends> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return d::system_error_code(errno);
  d::descriptor_ref reader;
  try {
    reader = d::own_descriptor(ends[0]);
  } catch (...) {
    ::close(ends[1]);
    throw;
  }
  pipe_ends p;
  p.writer = file::adopt(ends[1]);
  p.reader = file_access::make(std::make_shared<d::file_state>(std::move(reader)));
  return p;
}

}  // namespace io
}  // namespace burrow
