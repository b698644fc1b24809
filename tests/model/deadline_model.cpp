// SPDX-License-Identifier: MIT
// Deadlines of Contexts: the timer's end against a cancel, against the parent's, and against the
// last handle. Whoever is first decides the error; the node is freed once, and not while the timer
// is about to end it.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/context.hpp>

#include <chrono>

using namespace burrow;
using namespace std::chrono_literals;
using detail::scheduler;
using model::stand_ins;

namespace {

/// Stand-ins, whose scheduler plain threads find: its first worker has the timers.
struct with_timers : stand_ins {
  explicit with_timers(int count) : stand_ins(count) { scheduler::list_head() = &its_scheduler(); }
  ~with_timers() { scheduler::list_head() = nullptr; }
  with_timers(const with_timers&) = delete;
  with_timers& operator=(const with_timers&) = delete;

  detail::timer_set& timers() { return its_scheduler().outside_timers(); }
  /// As the worker, when all that was armed is due.
  void poll() {
    detail::wake_list wakes;
    timers().poll(detail::steady_now() + 1'000'000'000, wakes);
    if (!wakes.empty()) detail::wake_all(wakes);
    deliver();
  }
};

}  // namespace

MODEL(deadline_against_cancel, {.executions = 14'000, .random_runs = 700}) {
  with_timers g(1);
  auto [ctx, cancel] = with_timeout(background(), 1us);
  std::error_code seen_by_canceller;
  model::thread("worker", [&] { g.poll(); });
  model::thread("cancels", [&, cancel = std::move(cancel), ctx = ctx]() mutable {
    cancel();
    seen_by_canceller = ctx.err();
    ctx = nullptr;
    const auto gone = std::move(cancel);
  });
  model::join();
  model::check(ctx.err() && ctx.err() == seen_by_canceller, "it ends once, with one error");
  model::check(g.timers().armed() == 0, "nothing is armed");
}

/// Nobody but the timer is left to touch the node.
MODEL(deadline_against_last_handle, {.executions = 14'000, .random_runs = 700}) {
  with_timers g(1);
  auto [made, cancel_made] = with_timeout(background(), 1us);
  model::thread("worker", [&] { g.poll(); });
  model::thread("cancel goes", [cancel = std::move(cancel_made)]() mutable {
    const auto gone = std::move(cancel);
  });
  model::thread("handle goes", [ctx = std::move(made)]() mutable { ctx = nullptr; });
  model::join();
  model::check(g.timers().armed() == 0, "nothing is armed");
}

/// The parent ends while a child with a deadline is made: it is not armed, or disarmed again.
MODEL(deadline_against_parent, {.executions = 14'000, .random_runs = 700}) {
  with_timers g(1);
  auto [root, cancel_root] = with_cancel(background());
  model::thread("cancels", [&] { cancel_root(); });
  model::thread("derives", [&] {
    auto [child, cancel_child] = with_timeout(root, 1us);
    cancel_root();  // returns when all below has ended
    model::check(static_cast<bool>(child.err()), "the child has ended with its parent");
    model::check(g.timers().armed() == 0, "nothing is armed");
  });
  model::join();
  model::check(root.err() == errc::canceled, "it has ended");
}

/// A goroutine waits for the end of a child; the deadline of the parent and a cancel of the child
/// come together.
MODEL(deadline_wakes, {.executions = 4'500, .random_runs = 1'000}) {
  with_timers g(1);
  auto [root, cancel_root] = with_timeout(background(), 1us);
  auto [child, cancel_child] = with_cancel(root);
  model::thread("waits", [&, ctx = std::move(child)]() mutable {
    g[0].await(ctx.done());
    model::check(static_cast<bool>(ctx.err()), "whoever sees done sees the error");
    ctx = nullptr;
  });
  model::thread("worker", [&] { g.poll(); });
  model::thread("drops", [&, cancel = std::move(cancel_child)]() mutable {
    {
      const auto gone = std::move(cancel);
    }
    g.deliver();
  });
  model::join();
  model::check(root.err() == errc::deadline_exceeded, "the deadline has passed");
}
