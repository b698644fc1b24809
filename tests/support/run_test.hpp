// SPDX-License-Identifier: MIT
// What tests of goroutines share: a runtime for one case, and waiting until the others wait.
#pragma once

#include <burrow/burrow.hpp>
#include <burrow/detail/scheduler.hpp>

#include <cstddef>
#include <utility>

/// Runs `main`, a callable that returns a task, on `workers` workers (BURROW_PROCS overrides it);
/// returns its result, rethrows what leaves it.
template <class F>
int run_test(int workers, F main) {
  burrow::options opt;
  opt.workers = workers;
  return burrow::run(opt, std::move(main));
}

/// How many goroutines of the caller's runtime wait at this moment: for a channel, a lock, a timer.
inline std::size_t parked_goroutines() {
  std::size_t parked = 0;
  burrow::detail::current_worker()->owner().registry().for_each(
      [&](burrow::detail::goroutine& g) { parked += g.word.is_waiting() ? 1 : 0; });
  return parked;
}

/// Lets the others run until each of them waits or has ended. Use where that must come.
inline burrow::task<> until_quiet() {
  for (;;) {
    co_await burrow::this_goroutine::yield();
    // In this order: one that is started in between is not overlooked.
    const std::size_t parked = parked_goroutines();
    if (burrow::detail::current_worker()->owner().live() == parked + 1) co_return;
  }
}
