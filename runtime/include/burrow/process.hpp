// SPDX-License-Identifier: MIT
// Processes: to start one, to talk with it, and to wait for its end.
#pragma once

#include <burrow/chan.hpp>
#include <burrow/errc.hpp>
#include <burrow/file.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace burrow::process {

/// How a process has ended.
class exit_status {
 public:
  exit_status() noexcept = default;
  /// `signal` 0: it has exited with that code.
  exit_status(int code, int signal) noexcept : code_(code), signal_(signal) {}

  /// It has exited with the code 0.
  bool success() const noexcept { return code_ == 0 && signal_ == 0; }
  /// What it has returned; -1: a signal has ended it.
  int code() const noexcept { return signal_ == 0 ? code_ : -1; }
  /// The signal that has ended it; 0: it has exited by itself.
  int signal() const noexcept { return signal_; }

  friend bool operator==(const exit_status&, const exit_status&) = default;

 private:
  int code_ = 0;
  int signal_ = 0;
};

/// "exit status 1", "signal: killed". Go: os.ProcessState.String.
std::string to_string(const exit_status& s);

/// What a standard stream of a process is.
enum class stream_kind {
  inherited,  // this process's own
  null,       // /dev/null
  pipe,       // the other end is in the `child`
};

struct options {
  /// "NAME=value" each; nullopt: the environment of this process.
  std::optional<std::vector<std::string>> environment;
  /// Where it runs; empty: where this process does.
  std::string directory;
  stream_kind input = stream_kind::inherited;
  stream_kind output = stream_kind::inherited;
  stream_kind errors = stream_kind::inherited;
  /// How long it may go on after the SIGTERM that it gets when its Context ends, before SIGKILL.
  /// Zero: SIGKILL at once. Go: os/exec.Cmd.WaitDelay, with a Cancel that sends SIGTERM.
  std::chrono::nanoseconds grace{0};
};

namespace detail {

struct running;
using running_ref = std::shared_ptr<running>;

result<exit_status> status_of(const running& p);

/// Where a receive that tells of the end of a process puts how it has ended.
class into_status {
 public:
  using outcome = bool;
  into_status(running_ref p, result<exit_status>& v) noexcept
      : process_(std::move(p)), variable_(&v) {}
  void* place() noexcept { return slot_.place(); }
  bool received() noexcept { return closed(); }
  bool closed() noexcept {
    *variable_ = status_of(*process_);
    return variable_->has_value();
  }

 private:
  running_ref process_;
  result<exit_status>* variable_;
  burrow::detail::element_slot<unit> slot_;
};

}  // namespace detail

/// A process that was started: a handle, copied like a pointer. Without any handle left it goes on;
/// that it leaves no zombie is seen to in any case. Any goroutine. Go: os/exec.Cmd, os.Process.
class child {
 public:
  child() noexcept = default;

  explicit operator bool() const noexcept { return state_ != nullptr; }

  /// 0: a nil handle.
  int pid() const noexcept;

  /// The ends of its pipes; nil where its stream is none. Input is what it reads.
  file input() const noexcept;
  file output() const noexcept;
  file errors() const noexcept;

  /// Waits until it has ended: how. Any number of times. Fails with the error of the Context that
  /// the goroutine carries when that ends; the process may go on. errc::not_open: a nil handle.
  /// std::errc::no_child_process: somebody else has waited for it. Go: Wait.
  task<result<exit_status>> wait();
  task<result<exit_status>> wait(context ctx);
  /// The same as a case of select: `select(p.wait(status), ctx.done())`. A nil handle's is never
  /// ready.
  auto wait(result<exit_status>& into) const {
    return burrow::detail::receive_operation<unit, detail::into_status>(ended().core(), running(),
                                                                        into);
  }

  /// Sends it a signal. std::errc::no_such_process: it has ended, and its number may belong to
  /// another, which gets nothing. Go: Process.Signal, Process.Kill.
  result<void> kill(int signal = SIGKILL) const noexcept;

 private:
  struct handle;
  friend task<result<child>> start(std::vector<std::string> command, options how);
  recv_chan<> ended() const noexcept;
  detail::running_ref running() const noexcept;

  std::shared_ptr<handle> state_;
};

/// Starts `command`, its program first, which is looked up in PATH if it has no slash. When the
/// Context that the goroutine carries (or the one that comes first) ends, the process is ended; it
/// is when main returns, whatever its Context. The children of a process are not.
///
/// Errors: std::errc::invalid_argument for no command or one with a zero in it;
/// std::errc::no_child_process where SIGCHLD is ignored, and so nobody can wait for a process; else
/// those of posix_spawn(3), as std::errc::no_such_file_or_directory. Throws std::bad_alloc. Go:
/// os/exec.CommandContext, then Start.
task<result<child>> start(std::vector<std::string> command, options how = {});
task<result<child>> start(context ctx, std::vector<std::string> command, options how = {});

}  // namespace burrow::process
