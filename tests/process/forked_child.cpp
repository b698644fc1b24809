// exit: 0
// stdout: the child was refused with status 2
// stderr: burrow is used in a child that was forked while a runtime was running
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    const pid_t child = ::fork();
    if (child == 0) {
      co_await this_goroutine::yield();
      co_await make_chan<int>().recv();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      std::printf("the child was refused with status %d\n", WEXITSTATUS(status));
    }
  });
}
