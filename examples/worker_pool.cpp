// SPDX-License-Identifier: MIT
// A pool of three workers that share one channel of jobs and one of results.
#include <burrow/burrow.hpp>

#include <cstdio>
#include <functional>

using namespace burrow;

// [worker_pool]
struct result {
  int job;
  int value;
};

task<> worker(recv_chan<int> jobs, send_chan<result> results) {
  while (auto job = co_await jobs.recv()) {  // Go: for job := range jobs
    result r{*job, *job * *job};
    co_await results.send(r);
  }
}

task<> main_goroutine() {
  constexpr int count = 100;
  auto jobs = make_chan<int>(8);
  auto results = make_chan<result>(8);

  co_await scope([&](group& g) -> task<> {
    for (int i = 0; i < 3; ++i) g.go(worker, jobs, results);
    g.go([&]() -> task<> {
      for (int job = 1; job <= count; ++job) co_await jobs.send(job);
      jobs.close();  // no more: each worker drains what is left and ends
    });
    int sum = 0;
    for (int i = 0; i < count; ++i) {
      auto r = co_await results.recv();
      sum += r->value;
    }
    std::printf("%d jobs, the squares sum up to %d\n", count, sum);
    co_await g.wait();
  });
  std::puts("all workers have ended");
}
// [/worker_pool]

int main() { return run(main_goroutine); }
