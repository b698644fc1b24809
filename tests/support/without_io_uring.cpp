// SPDX-License-Identifier: MIT
//
// usage: without_io_uring PROGRAM [ARGUMENT...]
//
// Runs a program whom the kernel refuses io_uring, by the seccomp filter that containers have.
#include <child.hpp>

#include <sys/syscall.h>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: without_io_uring PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  if (!refuse_calls({SYS_io_uring_setup}, EPERM)) {
    std::fputs("without_io_uring: this kernel refuses filters\n", stderr);
    return 2;
  }
  ::execvp(argv[1], argv + 1);
  std::perror(argv[1]);
  return 2;
}
