// SPDX-License-Identifier: MIT
// A sleeper waits for two sources and may be abandoned: one of the three wakes it, and nothing of
// it is left in the others.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/context.hpp>
#include <burrow/sleep.hpp>

#include <chrono>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;
using model::stand_ins;

namespace {

constexpr auto long_enough = detail::nanoseconds_t{1'000'000'000};

/// As the worker, when all that was armed is due.
void poll(stand_ins& g) {
  detail::wake_list wakes;
  g.its_scheduler().outside_timers().poll(detail::steady_now() + long_enough, wakes);
  if (!wakes.empty()) detail::wake_all(wakes);
  g.deliver();
}

}  // namespace

MODEL(sleep_ends_once, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(1);
  auto [ctx, cancel] = with_cancel(background());
  bool went_on = false;
  std::error_code error;
  model::thread("sleeps", [&, ctx = ctx]() mutable {
    try {
      error = g[0].await(sleep(ctx, 1us).bind(g[0]));
      went_on = true;
    } catch (const goroutine_exit&) {
      went_on = false;
    }
    ctx = nullptr;
  });
  model::thread("worker", [&] {
    poll(g);
    poll(g);
  });
  model::thread("cancels", [&] {
    cancel();
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  model::join();
  model::check(went_on || !error, "an error only if it goes on");
  model::check(!error || error == errc::canceled, "the Context's error");
  model::check(g.its_scheduler().outside_timers().armed() == 0, "nothing is armed");
}

/// Nobody abandons it: it sleeps, or ends with the Context.
MODEL(sleep_against_context, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(1);
  auto [ctx, cancel] = with_cancel(background());
  std::error_code error;
  model::thread("sleeps", [&, ctx = ctx]() mutable {
    error = g[0].await(sleep(ctx, 1us).bind(g[0]));
    ctx = nullptr;
  });
  model::thread("worker", [&] { poll(g); });
  model::thread("drops", [&, cancel = std::move(cancel), ctx = std::move(ctx)]() mutable {
    ctx = nullptr;
    {
      const auto gone = std::move(cancel);
    }
    g.deliver();
  });
  model::join();
  model::check(!error || error == errc::canceled, "it slept, or the Context has ended");
  model::check(g.its_scheduler().outside_timers().armed() == 0, "nothing is armed");
}

/// A sleeper and one that waits for done(): whoever ends the Context while the sleeper goes on by
/// itself may have taken the sleeper off the list in vain, and still the node is freed.
MODEL(sleep_beside_done, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(2);
  auto [ctx, cancel] = with_cancel(background());
  bool slept = false;
  model::thread("sleeps", [&, ctx = ctx]() mutable {
    slept = g[0].try_await(sleep(ctx, 1us).bind(g[0]));
    ctx = nullptr;
  });
  model::thread("waits", [&, ctx = ctx]() mutable {
    g[1].await(ctx.done());
    ctx = nullptr;
  });
  model::thread("cancels", [&] {
    cancel();
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  model::join();
  model::check(g.its_scheduler().outside_timers().armed() == 0, "nothing is armed");
}

/// Abandoned as soon as it waits, and resumed by another worker while its own is still inside
/// await_suspend().
MODEL(sleep_resumed_elsewhere, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(1);
  auto [ctx, cancel] = with_cancel(background());
  auto form = sleep(ctx, 1us);
  auto awaiter = std::move(form).bind(g[0]);
  bool went_on = false;
  const auto resume = [&] {
    try {
      static_cast<void>(awaiter.await_resume());
      went_on = true;
    } catch (const goroutine_exit&) {
      went_on = false;
    }
  };
  model::thread("sleeps", [&] {
    if (awaiter.await_suspend(g[0].frame()) == g[0].frame()) resume();  // refused
  });
  model::thread("abandons", [&] {
    if (g[0].word.abandon()) resume();
  });
  model::join();
  model::check(!went_on, "it was abandoned");
  model::check(g.its_scheduler().outside_timers().armed() == 0, "nothing is armed");
}
