// exit: 0
// stdout: alarm clock signal received
// not-stderr: deadlock
// ids: DL6
// SPDX-License-Identifier: MIT
//
// DL6: while a signal is subscribed there is somebody who may wake the program: the kernel, which
// is neither a thread nor a timer of burrow's.
#include <burrow/burrow.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <sys/time.h>

using namespace burrow;

int main() {
  return run([]() -> task<> {
    auto [ctx, stop] = signal::notify_context(background(), {SIGALRM});
    const itimerval soon = {{0, 0}, {0, 200'000}};
    ::setitimer(ITIMER_REAL, &soon, nullptr);
    co_await ctx.done();
    try {
      std::rethrow_exception(ctx.cause());
    } catch (const std::exception& e) {
      std::puts(e.what());
    }
  });
}
