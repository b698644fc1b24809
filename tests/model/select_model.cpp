// SPDX-License-Identifier: MIT
// Select: one case happens and the others have not begun, against plain operations, against another
// select, and against abandonment.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/chan.hpp>
#include <burrow/select.hpp>

using namespace burrow;
using model::stand_in;
using model::stand_ins;

namespace {

/// co_await select(...), by a stand-in.
template <class... Cases>
int await_select(stand_in& g, Cases&&... cases) {
  return g.await(select(std::forward<Cases>(cases)...).bind(g));
}

}  // namespace

/// One goroutine selects from two channels, each of which has a sender: each value arrives once.
MODEL(select_two_receives, {.executions = 10'000, .random_runs = 1'000}) {
  stand_ins g(1);
  auto a = make_chan<int>(0);
  auto b = make_chan<int>(0);
  int from_a = 0;
  int from_b = 0;
  model::thread("select", [&] {
    for (int i = 0; i < 2; ++i) {
      int v = 0;
      int w = 0;
      const int chosen = await_select(g[0], a.recv(v), b.recv(w));
      (chosen == 0 ? from_a : from_b) += chosen == 0 ? v : w;
    }
  });
  const auto send = [&](const chan<int>& c, int value) {
    c.send_blocking(value);
    g.deliver();
  };
  model::thread("sender a", [&] { send(a, 1); });
  model::thread("sender b", [&] { send(b, 2); });
  model::join();
  model::check(from_a == 1 && from_b == 2, "each was received once");
}

/// Two selects that want the opposite of each other, on two channels: one element passes.
MODEL(select_against_select, {.executions = 10'000, .random_runs = 2'000}) {
  stand_ins g(2);
  auto a = make_chan<int>(0);
  auto b = make_chan<int>(0);
  int first = -1;
  int second = -1;
  int v = 0;
  int w = 0;
  model::thread("first", [&] { first = await_select(g[0], a.send(1), b.recv(v)); });
  model::thread("second", [&] { second = await_select(g[1], b.send(2), a.recv(w)); });
  model::join();
  const bool by_a = first == 0 && second == 1 && w == 1 && v == 0;
  const bool by_b = first == 1 && second == 0 && v == 2 && w == 0;
  model::check(by_a || by_b, "the two have met on one channel");
}

/// A select that is abandoned has received nothing, or it has received and goes on.
MODEL(select_abandoned, {.executions = 10'000, .random_runs = 1'000}) {
  stand_ins g(1);
  auto a = make_chan<int>(1);
  auto b = make_chan<int>(0);
  int v = 0;
  int w = 0;
  bool went_on = false;
  model::thread("select",
                [&] { went_on = g[0].try_await(select(a.recv(v), b.recv(w)).bind(g[0])); });
  model::thread("sender", [&] {
    a.try_send(7);
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  model::join();
  int rest = 0;
  const bool is_left = a.try_recv(rest) == recv_status::received;
  model::check(went_on == (v == 7), "it goes on with the element");
  model::check(went_on != is_left, "the element is received once, or still there");
}

/// Abandoned as soon as it waits, and resumed by another worker while its own is still inside
/// await_suspend(), which may not ask for its home any more.
MODEL(select_resumed_elsewhere, {.executions = 4'500, .random_runs = 1'000}) {
  stand_ins g(1);
  auto c = make_chan<int>(0);
  int v = 0;
  int w = 0;
  auto first = c.recv(v);
  auto second = c.recv(w);
  auto both = select(std::move(first), std::move(second)).bind(g[0]);
  bool went_on = false;
  const auto resume = [&] {
    try {
      both.await_resume();
      went_on = true;
    } catch (const goroutine_exit&) {
      went_on = false;
    }
  };
  model::thread("waits", [&] {
    if (both.await_ready()) return resume();
    if (both.await_suspend(g[0].frame()) == g[0].frame()) resume();  // refused
  });
  model::thread("abandons", [&] {
    if (!g[0].word.abandon()) return;
    g[0].home = nullptr;  // who asks for it from here on fails
    resume();
  });
  model::join();
  model::check(!went_on, "it was abandoned");
  model::check(!c.try_send(1), "nobody waits any more");
}

// In the following three, one of the two cases is ready at each instant, so `otherwise` is never
// right. The looks of select may all be old but for one, so more stale reads are allowed.

MODEL(select_otherwise_receive, {.preemptions = 1, .stale_reads = 3, .random_runs = 1'000}) {
  stand_ins g(1);
  auto a = make_chan<int>(1);
  auto b = make_chan<int>(1);
  b.try_send(1);
  int chosen = -1;
  model::thread("select", [&] {
    int v = 0;
    int w = 0;
    chosen = await_select(g[0], a.recv(v), b.recv(w), otherwise);
  });
  model::thread("peer", [&] {
    a.try_send(1);
    int v = 0;
    b.try_recv(v);
  });
  model::join();
  model::check(chosen == 0 || chosen == 1, "one was ready at each instant");
}

MODEL(select_otherwise_send, {.preemptions = 1, .stale_reads = 3, .random_runs = 1'000}) {
  stand_ins g(1);
  auto a = make_chan<int>(1);
  auto b = make_chan<int>(1);
  a.try_send(1);
  int chosen = -1;
  model::thread("select", [&] { chosen = await_select(g[0], a.send(2), b.send(2), otherwise); });
  model::thread("peer", [&] {
    int v = 0;
    a.try_recv(v);
    b.try_send(1);
  });
  model::join();
  model::check(chosen == 0 || chosen == 1, "one was ready at each instant");
}

namespace {

/// A send that waits, of a goroutine that nobody runs.
struct waiting_send {
  detail::parked_thread sender;
  detail::chan_waiter node;
  int value = 5;

  void enlist(const chan<int>& c) {
    node.who = &sender;
    node.value = &value;
    const detail::locked hold(c.core()->lock);
    sender.begin_firm_wait(detail::wait_reason::chan_send);
    c.core()->enlist_sender(node);
  }
};

}  // namespace

/// A sender waits at a before the one that waits at b is gone.
MODEL(select_otherwise_waiters, {.preemptions = 1, .stale_reads = 3, .random_runs = 1'000}) {
  stand_ins g(1);
  auto a = make_chan<int>(0);
  auto b = make_chan<int>(0);
  waiting_send at_a;
  waiting_send at_b;
  at_b.enlist(b);
  int chosen = -1;
  model::thread("select", [&] {
    int v = 0;
    int w = 0;
    chosen = await_select(g[0], a.recv(v), b.recv(w), otherwise);
  });
  model::thread("peer", [&] {
    at_a.enlist(a);
    int v = 0;
    b.try_recv(v);
  });
  model::join();
  model::check(chosen == 0 || chosen == 1, "one was ready at each instant");
  int rest = 0;
  if (chosen == 1) a.try_recv(rest);
}

/// A receive of a goroutine, against a send, a close and abandonment.
MODEL(select_receive_abandoned, {.executions = 10'000, .random_runs = 1'000}) {
  stand_ins g(2);
  auto c = make_chan<int>(0);
  int v = 0;
  bool received = false;
  bool sent = false;
  model::thread("receiver", [&] { received = g[0].try_await(c.recv(v)) && v == 7; });
  model::thread("sender", [&] {
    try {
      sent = g[1].try_await(c.send(7));
    } catch (const closed_channel&) {
      sent = false;
    }
  });
  model::thread("abandons", [&] {
    g.abandon(0);
    c.close();
    g.deliver();
  });
  model::join();
  model::check(received == sent, "received if sent");
}
