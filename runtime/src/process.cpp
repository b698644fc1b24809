// SPDX-License-Identifier: MIT
// A process is waited for by a goroutine of its own, the *reaper*: until it has ended, or its
// Context has, or the runtime ends. In the last two cases the reaper ends the process, shielded
// from abandonment, and so nobody is left behind: neither a process nor a zombie. Everything goes
// by the process's descriptor (pidfd), not by its number, which may be used again.
#include <burrow/after.hpp>
#include <burrow/blocking.hpp>
#include <burrow/detail/file_access.hpp>
#include <burrow/detail/file_calls.hpp>
#include <burrow/detail/prepared.hpp>
#include <burrow/detail/runtime_state.hpp>
#include <burrow/go.hpp>
#include <burrow/io.hpp>
#include <burrow/process.hpp>
#include <burrow/select.hpp>
#include <burrow/sleep.hpp>
#include <burrow/under.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace burrow::process {

using namespace std::chrono_literals;
namespace d = burrow::detail;

std::string to_string(const exit_status& s) {
  if (s.signal() == 0) return "exit status " + std::to_string(s.code());
  const char* text = ::sigdescr_np(s.signal());
  std::string name = text != nullptr ? text : std::to_string(s.signal());
  if (name[0] >= 'A' && name[0] <= 'Z') name[0] += 'a' - 'A';
  return "signal: " + name;
}

// --- a process that runs -------------------------------------------------------------------------

namespace {

constexpr auto by_descriptor = static_cast<idtype_t>(3);  // P_PIDFD, which older headers lack

/// How it has ended; nullopt: it has not.
std::optional<result<exit_status>> reap(int pidfd, int flags) noexcept {
  siginfo_t info{};
  while (::waitid(by_descriptor, static_cast<id_t>(pidfd), &info, WEXITED | flags) != 0) {
    if (errno != EINTR) return result<exit_status>(d::system_error_code(errno));
  }
  if (info.si_pid == 0) return std::nullopt;
  const bool has_exited = info.si_code == CLD_EXITED;
  return result<exit_status>(
      exit_status(has_exited ? info.si_status : -1, has_exited ? 0 : info.si_status));
}

}  // namespace

/// What the handles share with the reaper.
struct detail::running {
  int pid = 0;
  std::chrono::nanoseconds grace{0};
  d::descriptor_ref pidfd;
  chan<> ended;  // closed when `status` is there
  result<exit_status> status;

  int send(int signal) const noexcept {
    const int fd = pidfd->fd;
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0));
  }
  io::readiness has_news() const noexcept { return {pidfd, d::io_side::read}; }

  /// False: it has not ended. With `flags` 0 it is waited for.
  bool collect(int flags = WNOHANG) {
    const std::optional<result<exit_status>> how = reap(pidfd->fd, flags);
    if (!how) return false;
    status = *how;
    ended.close();
    return true;
  }
};

result<exit_status> detail::status_of(const running& p) { return p.status; }

namespace {

using detail::running;
using detail::running_ref;

/// Where the runtime ends it has to be over before that gives up on its goroutines.
std::chrono::nanoseconds grace_of(const running& p) {
  auto& s = burrow::detail::current_worker()->owner();
  const auto& runtime = *static_cast<burrow::detail::runtime_state*>(s.user);
  if (!runtime.root.err()) return p.grace;
  return std::min<std::chrono::nanoseconds>(p.grace, s.settings().shutdown_limit / 2);
}

/// Runs shielded: whatever else ends, the process has ended after this.
task<> end_process(running_ref p) {
  if (p->grace > 0ns) {
    p->send(SIGTERM);
    static_cast<void>(co_await select(p->has_news(), after(grace_of(*p))));
    if (p->collect()) co_return;
  }
  p->send(SIGKILL);
  while (!p->collect()) {
    const result<void> news = co_await p->has_news();
    // The kernel has no memory to watch it with: asked again in a moment.
    if (!news) co_await sleep(1ms);
  }
}

/// A process whose reaper has not begun. If it never does, as goroutines that the runtime's end
/// finds waiting for their first turn, the process is ended here.
class unattended {
 public:
  explicit unattended(running_ref p) noexcept : process_(std::move(p)) {}
  unattended(unattended&&) noexcept = default;
  unattended& operator=(unattended&&) = delete;
  ~unattended() {
    if (process_ == nullptr) return;
    process_->send(SIGKILL);
    process_->collect(0);
  }
  running_ref take() noexcept { return std::move(process_); }

 private:
  running_ref process_;
};

task<> wait_for_process(unattended process, context until) {
  const running_ref p = process.take();
  bool is_to_end = false;
  while (!is_to_end) {
    try {
      is_to_end = co_await select(p->has_news(), until.done()) == 1;
      if (p->collect()) co_return;
      if (!is_to_end) co_await sleep(1ms);  // as in end_process()
    } catch (const goroutine_exit&) {
      is_to_end = true;
    }
  }
  try {
    co_await under(without_cancel(background()), end_process(p));
  } catch (const std::bad_alloc&) {  // then without grace, and without a goroutine that waits
    p->send(SIGKILL);
    p->collect(0);
  }
}

// --- starting ------------------------------------------------------------------------------------

/// A number that is closed at the end.
class number {
 public:
  number() noexcept = default;
  explicit number(int fd) noexcept : fd_(fd) {}
  number(number&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  number& operator=(number&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~number() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// A process for which nobody waits yet: if that does not change it is ended.
class spawned {
 public:
  spawned() noexcept = default;
  spawned(int pid, int pidfd) noexcept : pid_(pid), pidfd_(pidfd) {}
  spawned(spawned&& other) noexcept : pid_(std::exchange(other.pid_, 0)), pidfd_(other.pidfd_) {}
  spawned& operator=(spawned&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(pidfd_, other.pidfd_);
    return *this;
  }
  ~spawned() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  int pid() const noexcept { return pid_; }
  int pidfd() const noexcept { return pidfd_; }
  void release() noexcept { pid_ = 0; }

 private:
  int pid_ = 0;
  int pidfd_ = -1;
};

/// The file actions and the attributes, freed at the end.
struct spawn_settings {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  spawn_settings() noexcept {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);  // the thread that starts it may block some
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  }
  spawn_settings(const spawn_settings&) = delete;
  spawn_settings& operator=(const spawn_settings&) = delete;
  ~spawn_settings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
};

/// One standard stream: the child's end of its pipe, and ours.
struct stream_ends {
  number theirs;
  file ours;
};

/// Sets up the stream `fd` of the child.
std::error_code add_stream(spawn_settings& s, int fd, stream_kind kind, stream_ends& ends) {
  if (kind == stream_kind::inherited) return {};
  const bool it_reads = fd == STDIN_FILENO;
  int failed = 0;
  if (kind == stream_kind::null) {
    failed = ::posix_spawn_file_actions_addopen(&s.actions, fd, "/dev/null",
                                                it_reads ? O_RDONLY : O_WRONLY, 0);
    return d::system_error_code(failed);
  }
  std::array<int, 2> both{};
  if (::pipe2(both.data(), O_CLOEXEC) != 0) return d::system_error_code(errno);
  number theirs(both[it_reads ? 0 : 1]);
  number ours(both[it_reads ? 1 : 0]);
  // Not one of those that the child's streams are to have.
  ends.theirs = number(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (ends.theirs.get() < 0) return d::system_error_code(errno);
  ends.ours = file::adopt(ours.release());
  failed = ::posix_spawn_file_actions_adddup2(&s.actions, ends.theirs.get(), fd);
  return d::system_error_code(failed);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

bool has_zero(const std::string& text) noexcept { return text.find('\0') != std::string::npos; }

/// A text with a zero in it would be cut off.
bool is_valid(const std::vector<std::string>& command, const options& how) noexcept {
  bool is_good = !command.empty() && !command[0].empty() && !has_zero(how.directory);
  for (const std::string& text : command) is_good = is_good && !has_zero(text);
  if (!how.environment) return is_good;
  for (const std::string& text : *how.environment) is_good = is_good && !has_zero(text);
  return is_good;
}

/// Whether the kernel forgets processes that have ended: then nobody learns how they have, and
/// their numbers may belong to others at any time.
bool forgets_processes() noexcept {
  struct sigaction action{};
  ::sigaction(SIGCHLD, nullptr, &action);
  return (action.sa_flags & SA_NOCLDWAIT) != 0 || action.sa_handler == SIG_IGN;
}

/// On a thread that may block: this one waits until the new process runs its program.
result<spawned> spawn(const spawn_settings& s, char* const* command, char* const* environment) {
  pid_t pid = 0;
  const int failed =
      ::posix_spawnp(&pid, command[0], &s.actions, &s.attributes, command, environment);
  if (failed != 0) return d::system_error_code(failed);
  spawned started(pid, static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (started.pidfd() < 0) return d::system_error_code(errno);
  return started;
}

}  // namespace

struct child::handle {
  running_ref running;
  file input;
  file output;
  file errors;
};

task<result<child>> start(std::vector<std::string> command, options how) {
  if (!is_valid(command, how)) co_return std::make_error_code(std::errc::invalid_argument);
  const context ctx = this_goroutine::context();
  if (const std::error_code ended = ctx.err()) co_return ended;
  if (forgets_processes()) co_return std::make_error_code(std::errc::no_child_process);
  spawn_settings settings;
  std::array<stream_ends, 3> streams;
  const std::array kinds{how.input, how.output, how.errors};
  for (int fd = 0; fd < 3; ++fd) {
    const auto i = static_cast<std::size_t>(fd);
    if (const std::error_code e = add_stream(settings, fd, kinds[i], streams[i])) co_return e;
  }
  if (!how.directory.empty()) {
    const int failed =
        ::posix_spawn_file_actions_addchdir_np(&settings.actions, how.directory.c_str());
    if (failed != 0) co_return d::system_error_code(failed);
  }
  std::vector<char*> arguments = pointers_to(command);
  std::vector<char*> variables;
  if (how.environment) variables = pointers_to(*how.environment);
  char* const* const environment = how.environment ? variables.data() : ::environ;
  result<spawned> started =
      co_await blocking([&] { return spawn(settings, arguments.data(), environment); });
  if (!started) co_return started.error();

  number pidfd(started->pidfd());
  auto p = std::make_shared<running>();
  p->pid = started->pid();
  p->grace = how.grace;
  p->ended = make_chan();
  p->pidfd = d::own_descriptor(pidfd.release());
  child c;
  c.state_ = std::make_shared<child::handle>(child::handle{
      p, std::move(streams[0].ours), std::move(streams[1].ours), std::move(streams[2].ours)});
  unattended process(p);
  started->release();
  go(background(), d::prepared(wait_for_process(std::move(process), ctx)));
  co_return c;
}

task<result<child>> start(context, std::vector<std::string> command, options how) {
  co_return co_await start(std::move(command), std::move(how));
}

// --- the handle ----------------------------------------------------------------------------------

int child::pid() const noexcept { return state_ != nullptr ? state_->running->pid : 0; }
file child::input() const noexcept { return state_ != nullptr ? state_->input : file(); }
file child::output() const noexcept { return state_ != nullptr ? state_->output : file(); }
file child::errors() const noexcept { return state_ != nullptr ? state_->errors : file(); }

recv_chan<> child::ended() const noexcept {
  return state_ != nullptr ? recv_chan<>(state_->running->ended) : recv_chan<>();
}
running_ref child::running() const noexcept {
  return state_ != nullptr ? state_->running : nullptr;
}

task<result<exit_status>> child::wait() {
  const running_ref p = running();
  if (p == nullptr) co_return errc::not_open;
  const context ctx = this_goroutine::context();
  if (const std::error_code ended = ctx.err()) co_return ended;
  if (co_await select(p->ended.recv(), ctx.done()) == 1) co_return ctx.err();
  co_return p->status;
}
task<result<exit_status>> child::wait(context) { co_return co_await wait(); }

result<void> child::kill(int signal) const noexcept {
  if (state_ == nullptr) return errc::not_open;
  if (state_->running->send(signal) != 0) return d::system_error_code(errno);
  return {};
}

}  // namespace burrow::process
