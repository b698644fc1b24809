// SPDX-License-Identifier: MIT
// What a runtime keeps beside its scheduler: the root Context, and the end of main.
#pragma once

#include <burrow/chan.hpp>
#include <burrow/context.hpp>
#include <burrow/detail/scheduler.hpp>

#include <exception>
#include <optional>

namespace burrow::detail {

struct runtime_state {
  runtime_state(const options& opt, bubble* b);

  scheduler sched;
  goroutine* main = nullptr;
  chan<> ended;  // during the shutdown: some goroutine has ended
  context root;  // every goroutine carries it or a descendant of another root
  std::optional<cancel_function> cancel_root;
  int status = 0;             // main's result
  std::exception_ptr error;   // the exception that left main
  bool main_exited = false;   // main called this_goroutine::exit()
  bool is_cut_short = false;  // a test has failed: others than main may own what those below use
};

/// Lets after_func() start goroutines. Named by each runtime, so that a static library keeps it.
void install_goroutine_starter() noexcept;

}  // namespace burrow::detail
