// SPDX-License-Identifier: MIT
// One cancel for many: it stops three monitors and the two probes that each of these started.
#include <burrow/burrow.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

constexpr int monitors = 3;
constexpr int probes = 2;
constexpr int goroutines = monitors * (1 + probes);

struct reports {
  chan<std::string> started = make_chan<std::string>();
  chan<std::string> ended = make_chan<std::string>();
};

// [cancel_tree]
task<> probe(context ctx, std::string name, reports to) {
  co_await to.started.send(name);
  while (!ctx.err()) co_await sleep(1ms);  // look at something, again and again
  co_await to.ended.send(name);
}

task<> monitor(context ctx, std::string name, reports to) {
  for (int i = 1; i <= probes; ++i) {
    go(probe, ctx, name + ", probe " + std::to_string(i), to);
  }
  co_await to.started.send(name);
  for (;;) {
    switch (co_await select(ctx.done(), after(1ms))) {
      case 0: co_await to.ended.send(name); co_return;
      case 1: break;  // look at what the probes found
    }
  }
}
// [/cancel_tree]

task<> main_goroutine() {
  reports from;
  auto [ctx, cancel] = with_cancel(background());
  for (int i = 1; i <= monitors; ++i) go(monitor, ctx, "monitor " + std::to_string(i), from);
  for (int i = 0; i < goroutines; ++i) co_await from.started.recv();
  std::printf("%d goroutines are at work\n", goroutines);

  cancel();  // all of them, wherever they are

  std::vector<std::string> ended;
  for (int i = 0; i < goroutines; ++i) {
    auto name = co_await from.ended.recv();
    ended.push_back(std::move(*name));
  }
  std::ranges::sort(ended);
  for (const std::string& name : ended) std::printf("%s: stopped\n", name.c_str());
}

int main() { return run(main_goroutine); }
