// SPDX-License-Identifier: MIT
// The Context tree: who cancels, who adds a child, who takes one away, and who waits. When a cancel
// has returned, all below has ended; nothing is freed twice, too early, or never.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/chan.hpp>
#include <burrow/context.hpp>
#include <burrow/select.hpp>

#include <optional>

using namespace burrow;
using model::stand_ins;

MODEL(context_cancel_against_new_child, {}) {
  auto [root, cancel_root] = with_cancel(background());
  model::thread("cancels", [&] { cancel_root(); });
  model::thread("derives", [&] {
    auto [child, cancel_child] = with_cancel(root);
    if (!root.err()) return;
    cancel_root();  // returns when all below has ended
    model::check(static_cast<bool>(child.err()), "the child has ended with its parent");
  });
  model::join();
  model::check(root.err() == errc::canceled, "it has ended");
}

/// Two end a branch, one from above and one below, while it loses its owners.
MODEL(context_cancel_above_and_below, {}) {
  auto [root_ctx, cancel_root] = with_cancel(background());
  auto [middle_ctx, cancel_middle] = with_cancel(root_ctx);
  auto [leaf_ctx, cancel_leaf] = with_cancel(middle_ctx);
  model::thread("above", [&] {
    cancel_root();
    model::check(middle_ctx.err() && leaf_ctx.err(), "all below has ended");
  });
  model::thread("below", [&] {
    cancel_middle();
    model::check(static_cast<bool>(leaf_ctx.err()), "all below has ended");
  });
  model::thread("drops", [&, cancel = std::move(cancel_leaf)]() mutable {
    {
      const auto gone = std::move(cancel);
    }
    model::check(static_cast<bool>(leaf_ctx.err()), "a cancel object ends what it owns");
  });
  model::join();
}

/// Owners of siblings go while the parent ends: the list of children loses no node.
MODEL(context_siblings_go, {.executions = 60'000}) {
  auto [root_ctx, cancel_root] = with_cancel(background());
  std::optional<cancel_function> first;
  std::optional<cancel_function> second;
  {
    auto [ctx, cancel] = with_cancel(root_ctx);
    first.emplace(std::move(cancel));
  }
  {
    auto [ctx, cancel] = with_cancel(root_ctx);
    second.emplace(std::move(cancel));
  }
  model::thread("cancels", [&] { cancel_root(); });
  model::thread("drops 1", [&] { first.reset(); });
  model::thread("drops 2", [&] { second.reset(); });
  model::join();
}

/// A goroutine waits for the end; the handles go meanwhile.
MODEL(context_done, {.executions = 20'000}) {
  stand_ins g(1);
  auto [root_ctx, cancel_root] = with_cancel(background());
  auto [child_ctx, cancel_child] = with_cancel(root_ctx);
  model::thread("waits", [&, ctx = std::move(child_ctx)]() mutable {
    g[0].await(ctx.done());
    model::check(ctx.err() == errc::canceled, "whoever sees done sees the error");
    ctx = nullptr;
  });
  model::thread("cancels", [&] {
    cancel_root();
    g.deliver();
  });
  model::thread("drops", [&, cancel = std::move(cancel_child)]() mutable {
    {
      const auto gone = std::move(cancel);
    }
    g.deliver();
  });
  model::join();
}

/// A select between the end of a Context and a channel.
MODEL(context_done_in_select, {.executions = 20'000}) {
  stand_ins g(1);
  auto [ctx, cancel] = with_cancel(background());
  auto c = make_chan<int>(1);
  int chosen = -1;
  int v = 0;
  model::thread("select", [&, ctx = std::move(ctx)]() mutable {
    chosen = g[0].await(select(ctx.done(), c.recv(v)).bind(g[0]));
    ctx = nullptr;
  });
  model::thread("cancels", [&, cancel = std::move(cancel)]() mutable {
    {
      const auto gone = std::move(cancel);
    }
    g.deliver();
  });
  model::thread("sends", [&] {
    c.try_send(7);
    g.deliver();
  });
  model::join();
  int rest = 0;
  const bool is_left = c.try_recv(rest) == recv_status::received;
  model::check((chosen == 1) == (v == 7) && (chosen == 1) != is_left, "received once, or not");
}

/// after_func() is called, or stopped: one of the two.
MODEL(context_after_func, {.executions = 20'000}) {
  static int started;
  started = 0;
  detail::goroutine_starter.store(
      [](detail::plain_call& call) noexcept {
        ++started;
        call.run(call);
        call.release(call);
        return true;
      },
      std::memory_order_release);
  auto [ctx, cancel] = with_cancel(background());
  bool stopped = false;
  int calls = 0;
  auto stop = after_func(ctx, [&] { ++calls; });
  model::thread("cancels", [&, cancel = std::move(cancel)]() mutable {
    {
      const auto gone = std::move(cancel);
    }
  });
  model::thread("stops", [&, stop = std::move(stop)]() mutable {
    stopped = stop();
    stop = {};
  });
  model::join();
  model::check(calls == (stopped ? 0 : 1) && started == calls, "called, or stopped");
}
