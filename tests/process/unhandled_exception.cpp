// exit: SIGABRT
// stderr: unwound
// stderr: panic: something broke
// stderr: named worker
// stderr: unhandled_exception.cpp:17
// ids: G9 PA1 PA9
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

#include <cstdio>
#include <stdexcept>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    go([]() -> task<> {
      this_goroutine::set_name("named worker");
      struct loud {
        ~loud() { std::fputs("unwound\n", stderr); }
      } local;
      co_await this_goroutine::yield();
      throw std::runtime_error("something broke");
    });
    co_await make_chan<int>().recv();
  });
}
