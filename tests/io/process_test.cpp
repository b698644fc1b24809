// SPDX-License-Identifier: MIT
// Processes, with real ones: the shell, mostly.
#include "io_test.hpp"

#include <burrow/burrow.hpp>
#include <burrow/process.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;
using process::exit_status;
using process::stream_kind;

namespace {

std::vector<std::string> shell(std::string script) { return {"sh", "-c", std::move(script)}; }

/// No child, and so no zombie either.
bool has_no_children() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

/// As run_io(); and afterwards no process is left.
template <class F>
void run_processes(F main) {
  run_io(std::move(main));
  CHECK(has_no_children());
}

task<process::child> started(std::vector<std::string> command, process::options how = {}) {
  result<process::child> c = co_await process::start(std::move(command), std::move(how));
  REQUIRE(c);
  co_return *c;
}

/// How `command` has ended.
task<exit_status> ending_of(std::vector<std::string> command) {
  process::child c = co_await started(std::move(command));
  const result<exit_status> status = co_await c.wait();
  REQUIRE(status);
  co_return *status;
}

/// What it has written, with the options' other streams as they are.
task<std::string> output_of(std::vector<std::string> command, process::options how = {}) {
  how.output = stream_kind::pipe;
  process::child c = co_await started(std::move(command), std::move(how));
  const result<std::string> text = co_await c.output().read_all();
  const result<exit_status> status = co_await c.wait();
  CHECK(status);
  co_return text.value();
}

/// Runs until it is ended; says so first, on its output.
constexpr const char* waits = "echo ready; read x";
constexpr const char* waits_whatever_comes = "trap '' TERM; echo ready; read x";

const process::options in_pipes{.environment = {},
                                .directory = {},
                                .input = stream_kind::pipe,
                                .output = stream_kind::pipe,
                                .errors = stream_kind::inherited,
                                .grace = 0ns};

task<> until_it_says_ready(process::child c) {
  std::array<char, 6> text{};
  const result<void> said = co_await c.output().read_full(text);
  CHECK(said);
}

TEST_CASE("a grace longer than the end of the runtime is cut short: no process is left") {
  int pid = 0;
  run(options{.shutdown_limit = 200ms}, [&]() -> task<> {
    process::options how;
    how.output = process::stream_kind::pipe;
    how.grace = 1h;
    process::child p =
        (co_await process::start({"sh", "-c", "trap '' TERM; echo; exec sleep 3600"}, how)).value();
    pid = p.pid();
    std::array<char, 1> line{};
    (co_await p.output().read_full(line)).value();
  });
  CHECK(::kill(pid, 0) == -1);
  CHECK(errno == ESRCH);
}

}  // namespace

TEST_CASE("how a process has ended: its code, or the signal") {
  run_processes([]() -> task<> {
    const exit_status good = co_await ending_of({"true"});
    CHECK(good.success());
    CHECK(to_string(good) == "exit status 0");
    const exit_status bad = co_await ending_of(shell("exit 3"));
    CHECK_FALSE(bad.success());
    CHECK(bad.code() == 3);
    CHECK(bad.signal() == 0);
    CHECK(to_string(bad) == "exit status 3");
    const exit_status killed = co_await ending_of(shell("kill -TERM $$"));
    CHECK_FALSE(killed.success());
    CHECK(killed.code() == -1);
    CHECK(killed.signal() == SIGTERM);
    CHECK(to_string(killed) == "signal: terminated");
  });
}

TEST_CASE("the streams of a process are pipes, or nothing") {
  run_processes([]() -> task<> {
    process::options how = in_pipes;
    how.errors = stream_kind::pipe;
    process::child c = co_await started(shell("cat; echo oops >&2; exit 1"), how);
    const result<void> sent = co_await c.input().write_all("to and fro");
    CHECK(sent);
    CHECK(c.input().close());
    const result<std::string> out = co_await c.output().read_all();
    const result<std::string> err = co_await c.errors().read_all();
    CHECK(out.value() == "to and fro");
    CHECK(err.value() == "oops\n");
    const result<exit_status> status = co_await c.wait();
    CHECK(status->code() == 1);

    process::options none;
    none.input = stream_kind::null;
    none.errors = stream_kind::null;
    const std::string empty = co_await output_of(shell("cat; echo lost >&2"), none);
    CHECK(empty == "");
    process::child without = co_await started({"true"});
    CHECK_FALSE(without.input());
    CHECK_FALSE(without.output());
    const result<exit_status> ended = co_await without.wait();
    CHECK(ended->success());
  });
}

TEST_CASE("the environment and the directory of a process") {
  const temporary_folder folder;
  run_processes([&]() -> task<> {
    process::options how;
    how.environment = std::vector<std::string>{"BURROW_WORD=hole", "PATH=/usr/bin:/bin"};
    how.directory = folder.path();
    const std::string said = co_await output_of(shell("echo $BURROW_WORD $HOME; pwd -P"), how);
    CHECK(said == "hole\n" + std::filesystem::canonical(folder.path()).string() + "\n");
    how.environment->clear();
    const std::string nothing = co_await output_of({"/usr/bin/env"}, how);
    CHECK(nothing == "");
  });
}

TEST_CASE("what cannot be started is an error, and leaves nothing behind") {
  const temporary_folder folder;
  run_processes([&]() -> task<> {
    const auto missing = co_await process::start({"burrow-has-no-such-program"}, in_pipes);
    CHECK(missing.error() == std::errc::no_such_file_or_directory);
    // Lists of strings that are made within an await: GCC 13 gives up over some of them.
    const std::vector<std::string> path(1, folder.path());
    const std::vector<std::string> with_zero = {"echo", std::string("a\0b", 3)};
    const auto is_folder = co_await process::start(path, in_pipes);
    CHECK(is_folder.error() == std::errc::permission_denied);
    process::options nowhere;
    nowhere.directory = folder / "none";
    const auto no_directory = co_await process::start({"true"}, nowhere);
    CHECK(no_directory.error() == std::errc::no_such_file_or_directory);
    const auto no_command = co_await process::start({});
    CHECK(no_command.error() == std::errc::invalid_argument);
    const auto zero = co_await process::start(with_zero);
    CHECK(zero.error() == std::errc::invalid_argument);
    process::options bad_variable;
    bad_variable.environment = std::vector<std::string>{std::string("A=\0", 3)};
    const auto refused = co_await process::start({"true"}, bad_variable);
    CHECK(refused.error() == std::errc::invalid_argument);
    auto [ctx, cancel] = with_cancel(this_goroutine::context());
    cancel();
    const auto late = co_await process::start(ctx, {"true"});
    CHECK(late.error() == errc::canceled);

    process::child nil;
    result<exit_status> status = co_await nil.wait();
    CHECK(status.error() == errc::not_open);
    CHECK(nil.kill().error() == errc::not_open);
    CHECK(nil.pid() == 0);
    CHECK_FALSE(nil.input());
    const int never = co_await select(nil.wait(status), otherwise);
    CHECK(never == 1);
  });
}

TEST_CASE("wait as a case of select, and by several, any number of times") {
  run_processes([]() -> task<> {
    process::child c = co_await started(shell("echo ready; read x; exit 7"), in_pipes);
    co_await until_it_says_ready(c);
    result<exit_status> status;
    const int not_yet = co_await select(c.wait(status), otherwise);
    CHECK(not_yet == 1);
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 3; ++i) {
        g.go(
            [](process::child p) -> task<> {
              const result<exit_status> how = co_await p.wait();
              CHECK(how->code() == 7);
            },
            c);
      }
      co_await until_quiet();
      const result<void> told = co_await c.input().write_all("x\n");
      CHECK(told);
    });
    const int now = co_await select(c.wait(status), otherwise);
    CHECK(now == 0);
    CHECK(status->code() == 7);
    const bool again = co_await c.wait(status);
    CHECK(again);
    CHECK(c.kill().error() == std::errc::no_such_process);
  });
}

TEST_CASE("a Context ends a wait and leaves the process, unless it is the process's own") {
  run_processes([]() -> task<> {
    process::child c = co_await started(shell(waits), in_pipes);
    co_await until_it_says_ready(c);
    auto [ctx, cancel] = with_cancel(this_goroutine::context());
    auto told = make_chan<std::error_code>(1);
    go(
        [](context, process::child p, chan<std::error_code> to) -> task<> {
          const result<exit_status> status = co_await p.wait();
          co_await to.send(status.error());
        },
        ctx, c, told);
    co_await until_quiet();
    cancel();
    const auto error = co_await told.recv();
    CHECK(*error == errc::canceled);
    CHECK(c.kill(SIGUSR1));  // it was there to be sent a signal
    const result<exit_status> status = co_await c.wait();
    CHECK(status->signal() == SIGUSR1);
  });
}

TEST_CASE("the Context of a process ends it, at once or after a grace") {
  run_processes([]() -> task<> {
    struct expectation {
      const char* script;
      std::chrono::nanoseconds grace;
      int signal;
    };
    for (const expectation& e : {expectation{waits, 0ns, SIGKILL},
                                 {waits, 1h, SIGTERM},
                                 {waits_whatever_comes, 10ms, SIGKILL}}) {
      auto [ctx, cancel] = with_cancel(this_goroutine::context());
      process::options how = in_pipes;
      how.grace = e.grace;
      result<process::child> c = co_await process::start(ctx, shell(e.script), how);
      REQUIRE(c);
      co_await until_it_says_ready(*c);
      cancel();
      const result<exit_status> status = co_await c->wait();
      CHECK(status->signal() == e.signal);
    }
  });
}

TEST_CASE("processes whose handles are gone, and those that run when main returns, leave nothing") {
  int pid = 0;
  run_processes([&]() -> task<> {
    for (int i = 0; i < 5; ++i) co_await started({"true"});
    co_await under(background(), started(shell(waits_whatever_comes), in_pipes));
    process::child c = co_await under(background(), started(shell(waits_whatever_comes), in_pipes));
    co_await until_it_says_ready(c);
    pid = c.pid();
  });
  CHECK(::kill(pid, 0) == -1);
}

TEST_CASE("a process that is started as main returns is ended, though nobody has attended to it") {
  for (const stream_kind input : {stream_kind::null, stream_kind::pipe}) {
    int pid = 0;
    run_test(1, [&]() -> task<> {  // one worker: what start() has started does not run before
      process::options how = in_pipes;
      how.input = input;
      const auto c = co_await started({"sleep", "60"}, how);
      pid = c.pid();
    });
    CHECK(::kill(pid, 0) == -1);
    CHECK(has_no_children());
  }
}

TEST_CASE("a process for which somebody else has waited") {
  run_processes([]() -> task<> {
    process::child c = co_await started(shell(waits), in_pipes);
    co_await until_it_says_ready(c);
    CHECK(c.input().close());
    const int pid = c.pid();
    const int waited = co_await blocking([pid] { return ::waitpid(pid, nullptr, 0); });
    const result<exit_status> status = co_await c.wait();
    // One of the two was first, and the other is told so.
    const bool was_first = waited == pid;
    CHECK(was_first == (status.error() == std::errc::no_child_process));
    CHECK(was_first != status.has_value());
  });
}

TEST_CASE("where SIGCHLD is ignored no process is started") {
  run_processes([]() -> task<> {
    struct sigaction ignore{};
    struct sigaction before{};
    ignore.sa_handler = SIG_IGN;
    CHECK(::sigaction(SIGCHLD, &ignore, &before) == 0);
    const auto refused = co_await process::start({"true"});
    CHECK(refused.error() == std::errc::no_child_process);
    ::sigaction(SIGCHLD, &before, nullptr);
  });
}

TEST_CASE("many processes at the same time") {
  run_processes([]() -> task<> {
    co_await scope([](group& g) -> task<> {
      for (int i = 0; i < 40; ++i) {
        g.go(
            [](int number) -> task<> {
              const std::string said = co_await output_of(shell("echo " + std::to_string(number)));
              CHECK(said == std::to_string(number) + "\n");
            },
            i);
      }
      co_return;
    });
  });
}
