// SPDX-License-Identifier: MIT
#include <burrow/detail/file_access.hpp>
#include <burrow/detail/file_calls.hpp>
#include <burrow/io.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace burrow {

// --- readiness -----------------------------------------------------------------------------------

namespace detail {

readiness_case::~readiness_case() {
  if (is_counted_) group_->waiting.fetch_sub(1, relaxed);
  if (is_user_) end_use(on());
}

void readiness_case::prepare() noexcept {
  if (std::exchange(is_prepared_, true) || watched_ == nullptr) return;
  descriptor& d = on();
  is_user_ = begin_use(d);
  if (!is_user_) return;
  const auto is_ready_now = [this, &d] {
    pollfd now{d.fd, static_cast<short>(side_ == io_side::read ? POLLIN | POLLRDHUP : POLLOUT), 0};
    return ::poll(&now, 1, 0) > 0;
  };
  // What was counted before is old: what comes after this is counted, or found by the second look.
  seen_ = d.side(side_).events.load(acquire);  // as in perform_when_ready()
  is_ready_ = is_ready_now();
  if (is_ready_) return;
  driver& in = who->home->io();
  group_ = &in.group;
  failed_ = in.watch(d, side_);
  is_ready_ = failed_ != 0 || is_ready_now();
}

bool readiness_case::ready() const noexcept {
  if (!is_user_ || is_ready_ || refusal_of(on(), side_)) return true;
  // Exact under the lock, where it is asked again.
  return on().side(side_).events.load(relaxed) != seen_;
}

void readiness_case::enlist() noexcept {
  on().side(side_).waiters.push_back(*this);
  group_->waiting.fetch_add(1, relaxed);
  is_counted_ = true;
}

void readiness_case::delist() noexcept { on().side(side_).waiters.remove(*this); }

burrow::result<void> readiness_case::result() const noexcept {
  if (failed_ != 0) return system_error_code(failed_);
  return refusal_of(on(), side_);
}

}  // namespace detail

namespace io {

namespace d = burrow::detail;

std::error_code readiness::end_of_context() const noexcept {
  const d::cancellable_node* const watched = d::watched_by(*who);
  return watched != nullptr && watched->has_ended() ? d::error_of(*watched) : std::error_code();
}

result<void> watcher::close() noexcept {
  if (watched_ == nullptr || !d::close_descriptor(*watched_->on)) return errc::not_open;
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
  return watcher(std::make_shared<d::watched_descriptor>(std::move(on)));
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
