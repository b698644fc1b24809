// SPDX-License-Identifier: MIT
//
// select: over two and eight channels, beside a Context that never ends, and with a default.
#include "harness.hpp"

#include <array>
#include <span>

using namespace burrow;

namespace bench {
namespace {

constexpr int messages = 2'000'000;
constexpr int polls = 20'000'000;

void send_from_each(std::span<const chan<int>> channels, int each) {
  for (const chan<int>& c : channels) {
    go([c, each]() -> task<> {
      for (int i = 0; i < each; ++i) co_await c.send(i);
    });
  }
}

task<double> select2(std::size_t capacity) {
  std::array ch{make_chan<int>(capacity), make_chan<int>(capacity)};
  stopwatch watch;
  send_from_each(ch, messages / 2);
  auto& [a, b] = ch;
  for (int got = 0; got < messages; ++got) co_await select(a.recv(), b.recv());
  co_return watch.ns_per(messages);
}

task<double> select8(std::size_t capacity) {
  std::array<chan<int>, 8> ch;
  for (chan<int>& c : ch) c = make_chan<int>(capacity);
  stopwatch watch;
  send_from_each(ch, messages / 8);
  for (int got = 0; got < messages; ++got) {
    co_await select(ch[0].recv(), ch[1].recv(), ch[2].recv(), ch[3].recv(), ch[4].recv(),
                    ch[5].recv(), ch[6].recv(), ch[7].recv());
  }
  co_return watch.ns_per(messages);
}

task<double> select_or_done(std::size_t capacity) {
  auto [ctx, cancel] = with_cancel(background());
  std::array ch{make_chan<int>(capacity)};
  stopwatch watch;
  send_from_each(ch, messages);
  for (int got = 0; got < messages; ++got) {
    switch (co_await select(ch[0].recv(), ctx.done())) {
      case 1: check(false, "ctx done");
    }
  }
  co_return watch.ns_per(messages);
}

// Ping-pong in which both sides select on ctx.done() for send and receive.
task<double> pingpong_or_done() {
  constexpr int n = 500'000;
  auto [ctx, cancel] = with_cancel(background());
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  stopwatch watch;
  go([ctx, a, b]() -> task<> {
    for (int i = 0; i < n; ++i) {
      int v = 0;
      switch (co_await select(a.recv(v), ctx.done())) {
        case 1: co_return;
      }
      switch (co_await select(b.send(v), ctx.done())) {
        case 1: co_return;
      }
    }
  });
  for (int i = 0; i < n; ++i) {
    co_await select(a.send(i), ctx.done());
    co_await select(b.recv(), ctx.done());
  }
  co_return watch.ns_per(n);
}

task<> selects_with_default() {
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  auto [ctx, cancel] = with_cancel(background());
  co_await repeat("select_default_1case", "ns/poll", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < polls; ++i) {
      int chosen = co_await select(a.recv(), otherwise);
      if (chosen != 1) check(false, "default");
    }
    co_return watch.ns_per(polls);
  });
  co_await repeat("select_default_2case", "ns/poll", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < polls; ++i) {
      int chosen = co_await select(a.recv(), b.recv(), otherwise);
      if (chosen != 2) check(false, "default");
    }
    co_return watch.ns_per(polls);
  });
  co_await repeat("select_default_ctxdone", "ns/poll", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < polls; ++i) {
      int chosen = co_await select(ctx.done(), otherwise);
      if (chosen != 1) check(false, "default");
    }
    co_return watch.ns_per(polls);
  });
}

}  // namespace

task<> selects() {
  co_await repeat("select2_cap0", "ns/msg", [] { return select2(0); });
  co_await repeat("select2_cap128", "ns/msg", [] { return select2(128); });
  co_await repeat("select8_cap0", "ns/msg", [] { return select8(0); });
  co_await repeat("select8_cap128", "ns/msg", [] { return select8(128); });
  co_await repeat("select_ctx_cap0", "ns/msg", [] { return select_or_done(0); });
  co_await repeat("select_ctx_cap128", "ns/msg", [] { return select_or_done(128); });
  co_await repeat("pingpong_select_ctx", "ns/roundtrip", pingpong_or_done);
  co_await selects_with_default();
}

}  // namespace bench
