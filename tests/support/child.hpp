// SPDX-License-Identifier: MIT
// What tests of a hostile machine share: a forked child in which things are refused, and the
// filters that refuse them. Fork only while no runtime runs.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

/// How a child has ended, and what it has said on stderr.
struct child_end {
  int status = -1;  // its exit status; -1: a signal
  int signal = 0;
  std::string said;

  bool says(const std::string& text) const { return said.find(text) != std::string::npos; }
  std::size_t lines() const {
    std::size_t n = 0;
    for (const char c : said) n += c == '\n' ? 1 : 0;
    return n;
  }
};

/// Runs `f`, which returns an exit status, in a child. An exception that leaves it is printed and
/// makes the status 99. A child that hangs is ended by SIGALRM after a minute.
template <class F>
child_end in_child(F f) {
  std::array<int, 2> pipe_ends{};
  if (::pipe(pipe_ends.data()) != 0) return {};
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe_ends[1], STDERR_FILENO);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    ::alarm(60);
    int status = 99;
    try {
      status = f();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
    }
    ::_exit(status);
  }
  ::close(pipe_ends[1]);
  child_end end;
  std::array<char, 4096> text;
  for (;;) {
    const ssize_t n = ::read(pipe_ends[0], text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    end.said.append(text.data(), static_cast<std::size_t>(n));
  }
  ::close(pipe_ends[0]);
  int how = 0;
  while (::waitpid(child, &how, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(how)) {
    end.status = WEXITSTATUS(how);
  } else {
    end.signal = WTERMSIG(how);
  }
  return end;
}

/// From now on each of these system calls fails with `error`, for this thread and all that it
/// starts. For ever: use in a child. False: the kernel refuses filters.
inline bool refuse_calls(const std::vector<long>& calls, int error) {
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const long call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}
