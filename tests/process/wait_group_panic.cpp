// exit: SIGABRT
// stderr: panic: out of it
// not-stderr: wait has returned
// ids: WG8
// SPDX-License-Identifier: MIT
//
// WG8: an exception that leaves what wait_group::go() started ends the program, and wait() does not
// return first.
#include <burrow/burrow.hpp>

#include <cstdio>
#include <stdexcept>

int main() {
  return burrow::run([]() -> burrow::task<> {
    burrow::wait_group wg;
    wg.go([]() -> burrow::task<> {
      co_await burrow::this_goroutine::yield();
      throw std::runtime_error("out of it");
    });
    co_await wg.wait();
    std::fputs("wait has returned\n", stderr);
  });
}
