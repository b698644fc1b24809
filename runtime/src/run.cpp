// SPDX-License-Identifier: MIT
// The end of a runtime, in the order of rule 7:
//  1. main has returned: the root Context is cancelled.
//  2. shutdown_grace: goroutines end by themselves; over as soon as none is left.
//  3. `exiting` is set, plain threads start no more goroutines here, and those that are left are
//     abandoned one after the other, the newest first; the next one's turn comes when the last has
//     ended, so a goroutine's locals outlive all that it started. A goroutine inside blocking()
//     cannot be unwound now; it is told and passed over.
//  4. shutdown_limit: what is still there is printed, and the process ends with main's result.
// All of this is done by main's own goroutine, which waits on a channel that the scheduler's on_end
// hook sends to. Memory that is lacking meanwhile is waited for, up to the shutdown limit.
#include <burrow/chan.hpp>
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/runtime_state.hpp>
#include <burrow/run.hpp>
#include <burrow/select.hpp>
#include <burrow/this_goroutine.hpp>
#include <burrow/timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>
#include <unistd.h>
#include <vector>

namespace burrow::detail {

// --- runtime -------------------------------------------------------------------------------------

runtime::runtime(const options& opt) : state_(std::make_unique<runtime_state>(opt)) {
  if (current_goroutine() != nullptr) {
    throw std::logic_error("run() was called by a goroutine: it would block its worker");
  }
}

runtime::~runtime() = default;

goroutine* runtime::new_goroutine() { return state_->sched.new_goroutine_outside(); }

context_node* runtime::root() noexcept { return node_of(state_->root); }

int runtime::run(goroutine* main) {
  state_->main = main;
  try {
    state_->sched.run(main);
  } catch (...) {  // no threads to be had: main's callable and arguments go without having run
    main->word.abandon();
    main->type->start(*main);
    throw;
  }
  if (state_->error) std::rethrow_exception(std::move(state_->error));
  return state_->status;
}

runtime_state::runtime_state(const options& opt)
    : sched(opt), ended(make_chan<>(1)), root(nullptr), cancel_root() {
  auto [ctx, cancel] = with_cancel(background());
  root = std::move(ctx);
  cancel_root.emplace(std::move(cancel));
  sched.user = this;
  install_goroutine_starter();
}

void main_joiner::ended(goroutine& g, std::exception_ptr error) noexcept {
  scheduler& sched = g.home->owner();
  // There was no memory for main's frames: main has not begun.
  if (error) static_cast<runtime_state*>(sched.user)->error = std::move(error);
  sched.stop();
}

void main_returned(runtime_state& state, int status) noexcept { state.status = status; }

void main_failed(runtime_state& state, std::exception_ptr error) noexcept {
  if (is_goroutine_exit(error)) {
    state.main_exited = true;
  } else {
    state.error = std::move(error);
  }
}

// --- the shutdown --------------------------------------------------------------------------------

namespace {

using clock = std::chrono::steady_clock;

struct survivor {
  std::uint64_t id;
  goroutine* g;
};

/// All goroutines but main, the newest first.
std::vector<survivor> survivors(runtime_state& state) {
  std::vector<survivor> found;
  state.sched.registry().for_each([&](goroutine& g) {
    if (&g != state.main) found.push_back({g.id.load(relaxed), &g});
  });
  std::sort(found.begin(), found.end(),
            [](const survivor& a, const survivor& b) { return a.id > b.id; });
  return found;
}

/// Waits for the end of any goroutine; false: `until` has passed.
task<bool> some_goroutine_ends(runtime_state& state, clock::time_point until) {
  const auto left = until - clock::now();
  if (left <= clock::duration::zero()) co_return false;
  const int chosen = co_await select(state.ended.recv(), after(left));
  co_return chosen == 0;
}

task<> all_end(runtime_state& state, clock::time_point until) {
  while (state.sched.live() > 1) {
    const bool ended = co_await some_goroutine_ends(state, until);
    if (!ended) co_return;
  }
}

/// Abandons one, and waits until it has ended, cannot be unwound, or `until` has passed.
task<> unwind(runtime_state& state, survivor s, clock::time_point until) {
  if (s.g->word.abandon()) wake(s.g);
  while (s.g->id.load(acquire) == s.id && !s.g->in_blocking.load(acquire)) {
    const bool ended = co_await some_goroutine_ends(state, until);
    if (!ended) co_return;
  }
}

task<> unwind_all(runtime_state& state, clock::time_point until) {
  while (state.sched.live() > 1 && clock::now() < until) {
    const std::vector<survivor> left = survivors(state);
    for (const survivor& s : left) co_await unwind(state, s, until);
    bool only_blocked = true;
    for (const survivor& s : left) {
      only_blocked =
          only_blocked && (s.g->id.load(acquire) != s.id || s.g->in_blocking.load(acquire));
    }
    if (!only_blocked || state.sched.live() <= 1) continue;
    const bool ended = co_await some_goroutine_ends(state, until);
    if (!ended) co_return;
  }
}

[[noreturn]] void end_process(runtime_state& state) {
  std::fflush(nullptr);
  std::fprintf(stderr,
               "burrow: main has returned, and %llu goroutines could not be unwound within the "
               "shutdown limit:\n",
               static_cast<unsigned long long>(state.sched.live() - 1));
  print_goroutines(STDERR_FILENO);
  std::fflush(nullptr);
  ::_exit(state.status);
}

/// True: only main is left, and no other can come.
bool all_have_ended(runtime_state& state) noexcept {
  if (state.sched.live() > 1) return false;
  state.sched.close_to_outside();
  return state.sched.live() <= 1;
}

clock::time_point in(std::chrono::nanoseconds d) {
  return clock::time_point(std::chrono::nanoseconds(later(steady_now(), d.count())));
}

}  // namespace

task<> conclude(runtime_state& state) {
  state.sched.on_end.store(
      [](scheduler& s) {
        // Called for each end; one signal in the channel is enough, since the reader looks again.
        static_cast<runtime_state*>(s.user)->ended.try_send();
      },
      release);
  if (state.main_exited) {
    state.main->word.reset();  // this wait is no longer main's own
    while (state.sched.live() > 1) co_await state.ended.recv();
    fatal("no goroutines (main called this_goroutine::exit) - deadlock!");
  }
  (*state.cancel_root)();
  const auto& settings = state.sched.settings();
  bool over = all_have_ended(state);
  // Where memory is lacking, a moment later there may be some: what ends gives its own back.
  const auto grace = in(settings.shutdown_grace);
  while (!over && clock::now() < grace) {
    try {
      co_await all_end(state, grace);
    } catch (const std::bad_alloc&) {
    }
    over = all_have_ended(state);
    if (!over) co_await this_goroutine::yield();
  }
  if (over) co_return;
  state.sched.close_to_outside();  // who comes from there could do so for ever
  state.sched.exiting.store(true, seq_cst);
  const auto limit = in(settings.shutdown_limit);
  while (!over && clock::now() < limit) {
    try {
      co_await unwind_all(state, limit);
    } catch (const std::bad_alloc&) {
    }
    over = all_have_ended(state);
    if (!over) co_await this_goroutine::yield();
  }
  if (!over) end_process(state);
}

}  // namespace burrow::detail

// --- this_goroutine ------------------------------------------------------------------------------

namespace burrow::this_goroutine {

namespace {

detail::goroutine& running() {
  detail::goroutine* g = detail::current_goroutine();
  if (g == nullptr) throw std::logic_error("this_goroutine was used outside of a goroutine");
  return *g;
}

}  // namespace

burrow::context context() { return detail::from_node(detail::carried(running())); }

unsigned long long id() { return running().id.load(detail::relaxed); }

void set_name(std::string_view name) { detail::set_name(running(), name); }

void exit() {
  running();
  detail::exit_goroutine();
}

}  // namespace burrow::this_goroutine
