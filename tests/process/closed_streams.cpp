// exit: 0
// stdout: 0 is /dev/null
// SPDX-License-Identifier: MIT
//
// Where a standard stream is closed at the start, nothing that the runtime opens takes its number.
#include <burrow/burrow.hpp>

#include <cstdio>
#include <sys/stat.h>
#include <unistd.h>

using namespace burrow;

int main() {
  ::close(STDIN_FILENO);
  return run([]() -> task<> {
    struct stat open{};
    struct stat null{};
    const bool is_null = ::fstat(STDIN_FILENO, &open) == 0 && ::stat("/dev/null", &null) == 0 &&
                         open.st_rdev == null.st_rdev;
    std::printf("0 is %s\n", is_null ? "/dev/null" : "something else");
    co_return;
  });
}
