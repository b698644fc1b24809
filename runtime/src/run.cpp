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
// Where goroutines that come to no await have all workers, main's has no turn. So the monitor's
// thread does step 4 in its place, a moment after both limits have passed.
#include <burrow/chan.hpp>
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/runtime_state.hpp>
#include <burrow/run.hpp>
#include <burrow/runtime_clock.hpp>
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

runtime::runtime(const options& opt, bubble* b) : state_(std::make_unique<runtime_state>(opt, b)) {
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

runtime_state::runtime_state(const options& opt, bubble* b)
    : sched(opt, b), ended(make_chan<>(1)), root(nullptr), cancel_root() {
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

using clock = runtime_clock;

/// All goroutines but main's, the oldest first.
std::vector<slab::entry> others(runtime_state& state) {
  std::vector<slab::entry> found;
  {
    const auto hold = state.sched.registry().hold();
    found = state.sched.registry().in_use();
  }
  std::erase_if(found, [&](const slab::entry& e) { return e.g == state.main; });
  return found;
}

bool has_ended(const slab::entry& e) noexcept { return e.g->id.load(acquire) != e.id; }

/// Inside blocking(), or kept by a group until an older child ends: it is told, and passed over. So
/// is, without a word, who belongs to something shielded.
bool has_to_wait(const slab::entry& e) noexcept {
  if (is_inside_shield(*e.g)) return true;
  return e.g->in_blocking.load(acquire) || e.g->reason.load(relaxed) == wait_reason::group_limit;
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

/// Abandons one, and waits until it has ended or cannot be unwound now; false: neither is so by
/// `until`.
task<bool> unwind(runtime_state& state, slab::entry e, clock::time_point until) {
  if (!is_inside_shield(*e.g) && e.g->word.abandon()) wake(e.g);
  while (!has_ended(e) && !has_to_wait(e)) {
    const bool ended = co_await some_goroutine_ends(state, until);
    if (!ended) co_return false;
  }
  co_return true;
}

/// One after the other, the newest first. Who does not end for a while may have started others
/// since this began, and wait for them: then they are newer, and told first. False: `until` has
/// passed. Then those that were not reached are left alone, since what they hold may be in use by a
/// newer one that goes on.
task<bool> unwind_all(runtime_state& state, clock::time_point until) {
  constexpr auto patience = std::chrono::milliseconds(10);
  while (state.sched.live() > 1 && clock::now() < until) {
    const std::vector<slab::entry> left = others(state);
    bool is_stale = false;
    for (auto e = left.rbegin(); e != left.rend() && !is_stale; ++e) {
      const bool is_through = co_await unwind(state, *e, std::min(until, clock::now() + patience));
      is_stale = !is_through;
    }
    const bool none_can_end = std::all_of(
        left.begin(), left.end(), [](const auto& e) { return has_ended(e) || has_to_wait(e); });
    if (!none_can_end || state.sched.live() <= 1) continue;
    co_await some_goroutine_ends(state, std::min(until, clock::now() + patience));
  }
  co_return state.sched.live() <= 1;
}

/// Who ends the process.
enum class ender {
  main,     // its goroutine still has its turns
  monitor,  // it has none: goroutines that come to no await have all workers
};

/// Those that hold up the end: they are inside blocking(), or were told to end and go on. Not those
/// whose turn has not come, and not those that only wait for the end of another. Where main has no
/// turns, those that run are to blame, told or not, and what could run if it had a turn is not.
/// Under the registry's hold.
std::vector<slab::entry> holding_up(runtime_state& state, ender who) {
  std::vector<slab::entry> found = state.sched.registry().in_use();
  std::erase_if(found, [&](const slab::entry& e) {
    if (e.g == state.main) return true;
    if (e.g->in_blocking.load(acquire)) return false;
    const bool was_told = e.g->word.is_abandoned();
    if (who == ender::main) return !was_told;
    return !state.sched.runs(*e.g) && (!was_told || !e.g->word.is_waiting());
  });
  const auto waits_for_others = [](const slab::entry& e) {
    const wait_reason reason = e.g->reason.load(relaxed);
    return reason == wait_reason::group_limit ||
           (reason == wait_reason::join && e.g->word.is_waiting());
  };
  // If all of them do, they wait for each other.
  if (!std::all_of(found.begin(), found.end(), waits_for_others)) {
    std::erase_if(found, waits_for_others);
  }
  return found;
}

/// Prints who holds up the end, and ends the process. Returns if the last has ended meanwhile.
void end_process(runtime_state& state, ender who) {
  std::fflush(nullptr);
  const auto hold = state.sched.registry().hold();  // to the end: one of the two enders prints
  const std::vector<slab::entry> found = holding_up(state, who);
  if (found.empty()) return;
  std::fprintf(stderr,
               "burrow: main has returned, and %zu goroutine%s could not be unwound within the "
               "shutdown limit:\n",
               found.size(), found.size() == 1 ? "" : "s");
  for (const slab::entry& e : found) {
    // What does not wait has not come to an await since it was told.
    print_goroutine(STDERR_FILENO, *e.g, e.g->word.is_waiting() ? state_text(*e.g) : "running");
  }
  std::fflush(nullptr);
  ::_exit(state.status);
}

/// By the monitor: both limits have passed, and main's goroutine has not ended the process.
void end_overdue(scheduler& sched) {
  try {
    end_process(*static_cast<runtime_state*>(sched.user), ender::monitor);
  } catch (const std::bad_alloc&) {  // it comes again
  }
}

/// True: only main is left, and no other can come.
bool all_have_ended(runtime_state& state) noexcept {
  if (state.sched.live() > 1) return false;
  state.sched.close_to_outside();
  return state.sched.live() <= 1;
}

struct unwatching {
  scheduler& sched;
  ~unwatching() { sched.unwatch_end(); }
};

clock::time_point in(std::chrono::nanoseconds d) {
  return clock::time_point(std::chrono::nanoseconds(later(steady_now(), d.count())));
}

}  // namespace

task<> conclude(runtime_state& state) {
  state.sched.concluding.store(state.main, relaxed);
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
  const auto& settings = state.sched.settings();
  const nanoseconds_t latest =
      later(later(steady_now(), settings.shutdown_grace.count()), settings.shutdown_limit.count());
  constexpr nanoseconds_t precedence = 100'000'000;  // of main's goroutine, if it has its turns
  state.sched.watch_end(later(latest, precedence), &end_overdue);
  const unwatching unwatch{state.sched};
  // Who sees the end of its Context may return, before those that it has started are told.
  if (!state.is_cut_short) state.cancel_root.reset();  // cancels
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
      static_cast<void>(co_await unwind_all(state, limit));
    } catch (const std::bad_alloc&) {
    }
    over = all_have_ended(state);
    if (!over) co_await this_goroutine::yield();
  }
  if (!over) end_process(state, ender::main);
  state.sched.concluding.store(nullptr, relaxed);  // main's callable and arguments go now
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
