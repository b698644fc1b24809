// SPDX-License-Identifier: MIT
// Channel timers: stop() and reset() against the moment at which the timer fires, with a receiver.
// A value is received, or stop() and reset() say that they have prevented it.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/ticker.hpp>
#include <burrow/timer.hpp>

#include <chrono>
#include <optional>

using namespace burrow;
using namespace std::chrono_literals;
using detail::scheduler;
using model::stand_ins;

namespace {

/// Stand-ins with a timer in the set of the first one's worker.
struct with_timer : stand_ins {
  std::optional<timer> its_timer;
  bool received = false;

  explicit with_timer(int count) : stand_ins(count) {
    scheduler::list_head() = &its_scheduler();
    its_timer.emplace(1us);
  }
  ~with_timer() { scheduler::list_head() = nullptr; }
  with_timer(const with_timer&) = delete;
  with_timer& operator=(const with_timer&) = delete;

  void poll() {
    detail::wake_list wakes;
    its_scheduler().outside_timers().poll(detail::steady_now() + 1'000'000'000, wakes);
    if (!wakes.empty()) detail::wake_all(wakes);
    deliver();
  }
  void poll_until(const detail::atomic<int>& is_through) {
    while (is_through.load(std::memory_order_acquire) == 0) {
      poll();
      model::pause();
    }
  }
  void receive(unsigned i, const timer& t) {
    std::chrono::steady_clock::time_point at;
    if ((*this)[i].try_await(t.recv(at))) received = true;
  }
};

}  // namespace

MODEL(timer_core_stop, {.executions = 14'000, .random_runs = 700}) {
  with_timer g(1);
  bool stopped = false;
  model::thread("receives", [&] { g.receive(0, *g.its_timer); });
  model::thread("worker", [&] { g.poll(); });
  model::thread("stops", [&] {
    stopped = g.its_timer->stop();
    g.abandon(0);  // if it was stopped, nothing comes any more
  });
  model::join();
  g.poll();
  model::check(!stopped || !g.received, "what was stopped is not received");
  model::check(stopped || g.received, "what was not stopped is received");
  model::check(!g.its_timer->stop(), "it is not active any more");
}

/// reset() tells whether a value was still to come; the one that it sets anew is received.
MODEL(timer_core_reset, {.executions = 14'000, .random_runs = 700}) {
  with_timer g(1);
  detail::atomic<int> is_through{0};
  bool was_active = false;
  model::thread("receives", [&] {
    g.receive(0, *g.its_timer);
    is_through.store(1, std::memory_order_release);
  });
  model::thread("worker", [&] { g.poll_until(is_through); });
  model::thread("resets", [&] { was_active = g.its_timer->reset(1us); });
  model::join();
  model::check(g.received, "a value was received");
  model::check(g.its_timer->stop() != was_active, "as many values as it was set");
}

/// The last handle goes while somebody receives, and the timer fires.
MODEL(timer_core_last_handle, {.executions = 14'000, .random_runs = 700}) {
  with_timer g(1);
  detail::atomic<int> is_through{0};
  model::thread("receives", [&, t = *g.its_timer]() mutable {
    g.receive(0, t);
    t = {};
    is_through.store(1, std::memory_order_release);
  });
  model::thread("worker", [&] { g.poll_until(is_through); });
  model::thread("drops", [&] { g.its_timer.reset(); });
  model::join();
  model::check(g.received, "it was received");
}
