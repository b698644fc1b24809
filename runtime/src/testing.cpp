// SPDX-License-Identifier: MIT
// The test's side of a bubble; what its worker does is in the scheduler's bubble.hpp.
//
// The first goroutine of a bubble's runtime is the *keeper*. It starts the test's main as a
// goroutine like any other, and waits to be called: when main has ended, when an exception has left
// a goroutine, or when the bubble is stuck. Then it waits once more, for the end of the others,
// which the clock does not help any more. What is left after that is unwound, as at the end of any
// runtime. So a test that fails leaves nothing behind, and the next one may run.
#include <burrow/detail/bubble.hpp>
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/runtime_state.hpp>
#include <burrow/run.hpp>
#include <burrow/testing.hpp>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>
#include <utility>

namespace burrow::detail {

namespace {

thread_local std::uint64_t last_seed = 0;

/// What a test has come to.
struct test_state {
  bubble& its_bubble;
  const std::function<task<>()>& main;
  std::source_location where;
  std::exception_ptr error;  // the first
  bool main_has_ended = false;
  std::chrono::nanoseconds elapsed{0};

  void fail(std::exception_ptr e) noexcept {
    if (error) return;
    error = std::move(e);
    its_bubble.call_keeper(bubble::call::ended);
  }
};

/// Of the test's main.
struct test_joiner {
  static constexpr bool accepts_plain = false;
  static constexpr bool borrows_context = true;
  static constexpr bool is_group = false;
  test_state* state;
  void leave(goroutine&) noexcept {}
  void ended(goroutine&, std::exception_ptr error) noexcept {
    state->main_has_ended = true;
    if (error && !is_goroutine_exit(error)) state->fail(std::move(error));
    state->its_bubble.call_keeper(bubble::call::ended);
  }
};

/// By the keeper.
class called_form {
 public:
  class awaiter {
   public:
    awaiter(goroutine& g, bubble& b) noexcept : g_(g), bubble_(b) {}
    bool await_ready() noexcept {
      called_ = bubble_.take_call();
      return called_ != bubble::call::none;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
      g_.leaf = h;
      g_.begin_firm_wait(wait_reason::join);
      bubble_.keeper = &g_;
      return g_.home->switch_away();
    }
    bubble::call await_resume() noexcept {
      return called_ != bubble::call::none ? called_ : bubble_.take_call();
    }

   private:
    goroutine& g_;
    bubble& bubble_;
    bubble::call called_ = bubble::call::none;
  };

  explicit called_form(bubble& b) noexcept : bubble_(b) {}
  awaiter bind(goroutine& g) && noexcept { return {g, bubble_}; }

 private:
  bubble& bubble_;
};

/// All goroutines of the bubble but the keeper, from the oldest to the newest.
std::string list_of_goroutines(runtime_state& state) {
  std::string list;
  const auto hold = state.sched.registry().hold();
  for (const slab::entry& e : state.sched.registry().in_use()) {
    if (e.g != state.main) list += goroutine_text(*e.g, state_text(*e.g));
  }
  return list;
}

std::exception_ptr deadlock_of(const test_state& test, runtime_state& state, bubble::call why) {
  std::string text =
      test.main_has_ended
          ? "deadlock: main bubble goroutine has exited but blocked goroutines remain"
          : "deadlock: all goroutines in bubble are blocked";
  if (why == bubble::call::locked) {
    text += "; some wait for a lock, or for what is outside, and meanwhile the clock stands still";
  }
  return std::make_exception_ptr(synctest::deadlock(text + "\n" + list_of_goroutines(state)));
}

void say_seed(const test_state& test) noexcept {
  std::fprintf(stderr, "burrow: the bubble of %s:%u has failed; BURROW_SEED=%llu repeats it\n",
               test.where.file_name(), static_cast<unsigned>(test.where.line()),
               static_cast<unsigned long long>(test.its_bubble.seed()));
}

/// Whether the bubble is stuck; the keeper has then said so in `test`.
bool is_stuck(test_state& test, runtime_state& state, bubble::call why) {
  if (why == bubble::call::ended || test.error) return false;
  test.error = deadlock_of(test, state, why);
  return true;
}

/// The body of the keeper. Its result is the status of the process, should goroutines be left that
/// cannot be unwound: then test() never returns, so nobody else could say that it has failed.
task<int> keep(test_state& test, runtime_state& state) {
  bubble& b = test.its_bubble;
  state.sched.concluding.store(state.main, relaxed);  // reports leave the keeper out
  const auto body = [&test] { return test.main(); };
  spawnable<test_joiner> main(body, test.where);
  start_goroutine(main.make({&test}, current_context()));
  bubble::call why = co_await called_form(b);
  if (!is_stuck(test, state, why) && !test.error) {
    b.state = bubble::phase::ending;
    state.cancel_root.value()();
    state.sched.on_end.store(
        [](scheduler& s) {
          if (s.live() <= 1) s.its_bubble()->call_keeper(bubble::call::ended);
        },
        release);
    while (state.sched.live() > 1 && !test.error && !is_stuck(test, state, why)) {
      why = co_await called_form(b);
    }
  }
  if (test.error) say_seed(test);  // what follows may end the process
  state.is_cut_short = test.error != nullptr;
  test.elapsed = std::chrono::nanoseconds(b.now() - bubble::begin);
  b.state = bubble::phase::over;
  co_return EXIT_FAILURE;
}

/// From BURROW_SEED; none: it is not set.
std::optional<std::uint64_t> seed_of_environment() {
  const char* text = std::getenv("BURROW_SEED");
  if (text == nullptr || *text == '\0') return std::nullopt;
  std::uint64_t seed = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, seed);
  if (error == std::errc() && stop == end) return seed;
  throw std::invalid_argument("BURROW_SEED must be a number from 0 to 2^64-1, and is \"" +
                              std::string(text) + "\"");
}

options bubble_options(test_state& test) {
  options opt;
  opt.workers = 1;
  opt.io = io_driver::epoll;  // which is made faster, and nearly never used
  opt.on_unhandled = [&test](const unhandled_exception& u) { test.fail(u.error); };
  return opt;
}

}  // namespace

seed_range seeds_of(const synctest::options& opt) {
  if (opt.runs == 0) throw std::invalid_argument("synctest::options.runs must be at least 1");
  if (const auto seed = seed_of_environment()) return {*seed, 1};
  if (opt.seed) return {*opt.seed, opt.runs};
  std::random_device device;
  return {std::uint64_t{device()} << 32 | device(), opt.runs};
}

synctest::result run_in_bubble(std::uint64_t seed, const std::function<task<>()>& main,
                               std::source_location where) {
  if (current_bubble() != nullptr) {
    throw std::logic_error("synctest::test was called from within a bubble");
  }
  if (current_goroutine() != nullptr) {
    throw std::logic_error("synctest::test was called by a goroutine: it would block its worker");
  }
  last_seed = seed;
  bubble b(seed);
  test_state test{b, main, where, nullptr};
  {
    runtime rt(bubble_options(test), &b);
    const auto body = [&] { return keep(test, rt.state()); };
    main_callable<> keeper(body, where);
    keeper.run_in(rt);
  }
  if (test.error) std::rethrow_exception(std::move(test.error));
  return {seed, b.trace(), b.turns(), test.elapsed};
}

// --- wait ----------------------------------------------------------------------------------------

quiet_form::awaiter::awaiter(goroutine& g)
    : g_(g), bubble_(*[&g] {
        bubble* b = g.home->owner().its_bubble();
        if (b == nullptr) throw std::logic_error("synctest::wait: goroutine is not in a bubble");
        if (b->waiter != nullptr) throw std::logic_error("synctest::wait: already in progress");
        return b;
      }()) {}

bool quiet_form::awaiter::await_ready() noexcept {
  refused_ = g_.exiting && !g_.shielded;
  return refused_;
}

std::coroutine_handle<> quiet_form::awaiter::await_suspend(std::coroutine_handle<> h) noexcept {
  g_.leaf = h;
  if (!g_.begin_wait(wait_reason::quiet)) {
    refused_ = true;
    return refuse_to_wait(g_, h);
  }
  bubble_.waiter = &g_;
  return g_.home->switch_away();
}

void quiet_form::awaiter::await_resume() {
  if (bubble_.waiter == &g_) bubble_.waiter = nullptr;
  if (refused_ || g_.was_abandoned()) throw goroutine_exit{};
}

}  // namespace burrow::detail

namespace burrow::synctest {

std::uint64_t seed() noexcept { return detail::last_seed; }

task<> sleep(std::chrono::nanoseconds d) {
  co_await burrow::sleep(d);
  co_await wait();
}

}  // namespace burrow::synctest
