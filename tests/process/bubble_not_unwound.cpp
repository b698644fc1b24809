// exit: 1
// stderr: 1 goroutine could not be unwound within the shutdown limit
// SPDX-License-Identifier: MIT
//
// A bubble whose goroutines cannot be unwound has failed: the process does not end with status 0.
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>
#include <stdexcept>
#include <unistd.h>

using namespace burrow;

int main() {
  synctest::test([]() -> task<> {
    auto begun = make_chan<>();
    go([begun]() -> task<> {
      co_await blocking([begun]() mutable {
        begun.send_blocking();
        ::pause();
      });
    });
    co_await begun.recv();
    throw std::runtime_error("the test has failed");
  });
}
