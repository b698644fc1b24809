// exit: 2
// stderr: fatal error: a goroutine of a test's bubble was woken from outside of it
// ids: ST15
// SPDX-License-Identifier: MIT
//
// ST15: a goroutine of a bubble that waits for a cond is woken by a plain thread.
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>

#include <thread>

using namespace burrow;

int main() {
  mutex mu;
  cond changed(mu);
  synctest::test([&]() -> task<> {
    go([&]() -> task<> {
      auto held = co_await mu.guard();
      co_await changed.wait();
    });
    co_await synctest::wait();
    std::thread([&changed] { changed.broadcast(); }).join();
  });
}
