// SPDX-License-Identifier: MIT
// Chapter 6 of the guide: locks and time.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

// [mutex]
struct counters {
  mutex mu;
  std::map<std::string, int> by_name;
};

task<> count(counters& c, std::string name) {
  auto held = co_await c.mu.guard();  // unlocks at the end of the block, also after an await
  ++c.by_name[name];
}
// [/mutex]

// [rw_mutex]
task<int> look_up(rw_mutex& mu, const std::map<std::string, int>& all, std::string name) {
  auto held = co_await mu.rguard();  // many readers, or one writer
  auto it = all.find(name);
  co_return it == all.end() ? 0 : it->second;
}
// [/rw_mutex]

// [cond]
struct queue {
  mutex mu;
  cond not_empty{mu};
  std::vector<int> items;
};

task<int> take(queue& q) {
  auto held = co_await q.mu.guard();
  while (q.items.empty()) co_await q.not_empty.wait();  // unlocks, waits, locks again
  int item = q.items.back();
  q.items.pop_back();
  co_return item;
}

task<> put(queue& q, int item) {
  auto held = co_await q.mu.guard();
  q.items.push_back(item);
  q.not_empty.signal();
}
// [/cond]

// [once]
task<> set_up(once& o) {
  co_await o.call([] { std::puts("set up, whoever comes first"); });
}
// [/once]

// [semaphore]
task<> heavy(semaphore& memory, int megabytes) {
  co_await memory.acquire(megabytes);  // first come, first served: a big request is not overtaken
  co_await sleep(1ms);
  memory.release(megabytes);
}
// [/semaphore]

// [latch_barrier]
task<> phase_by_phase(latch& ready, barrier& phase) {
  ready.count_down();
  for (int i = 0; i < 2; ++i) {
    co_await phase.arrive_and_wait();  // nobody goes on before all have arrived
  }
}

task<> in_step() {
  latch ready(3);
  barrier phase(3);
  co_await scope([&](group& g) -> task<> {
    for (int i = 0; i < 3; ++i) g.go(phase_by_phase, std::ref(ready), std::ref(phase));
    co_await ready.wait();  // all three have begun
    co_await g.wait();
  });
}
// [/latch_barrier]

// [sleep]
task<> naps() {
  co_await sleep(1ms);
  std::error_code error = co_await sleep(1ms);  // set when the carried Context ended it
  if (error) co_return;
  std::puts("slept");
}
// [/sleep]

// [timers]
task<> timers() {
  timer t(1h);
  bool stopped = t.stop();  // true: no value will come, and none is left behind
  t.reset(1ms);
  co_await t.recv();

  ticker tick(1ms);
  for (int i = 0; i < 3; ++i) co_await tick.recv();
  tick.stop();

  auto ran = make_chan<>();
  timer later = after_func(1ms, [ran]() -> task<> { co_await ran.send(); });
  co_await ran.recv();
  std::printf("%d\n", stopped);
}
// [/timers]

task<> main_goroutine() {
  counters c;
  wait_group wg;
  for (int i = 0; i < 10; ++i) {
    wg.go([&c]() -> task<> { co_await count(c, "gopher"); });
  }
  co_await wg.wait();
  rw_mutex rw;
  int gophers = co_await look_up(rw, c.by_name, "gopher");

  queue q;
  int taken = co_await scope([&](group& g) -> task<int> {
    auto item = g.async(take, std::ref(q));
    co_await put(q, 5);
    int n = co_await item;
    co_return n;
  });

  once o;
  co_await set_up(o);
  co_await set_up(o);
  semaphore memory(100);
  co_await all(heavy(memory, 60), heavy(memory, 60));
  co_await in_step();
  co_await naps();
  co_await timers();
  if (gophers != 10 || taken != 5) throw std::logic_error("sync");
}

int main() { return run(main_goroutine); }
