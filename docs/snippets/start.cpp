// SPDX-License-Identifier: MIT
// Chapter 1 of the guide: running a program.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;

// [first_task]
task<std::string> greeting(std::string name) {
  co_await sleep(1ms);
  co_return "hello, " + name;
}

task<> greet(std::string name) {
  std::string text = co_await greeting(std::move(name));
  std::puts(text.c_str());
}
// [/first_task]

// [run_status]
task<int> start(std::string name) {
  co_await greet(std::move(name));
  co_return 0;  // what `run` returns; a task<> counts as 0
}
// [/run_status]

// [run_options]
int run_with_options() {
  options opt;
  opt.workers = 2;             // 0, the default: as many as the process may use CPUs
  opt.shutdown_grace = 100ms;  // how long the goroutines may go on when main has returned
  return run(opt, start, "gopher");
}
// [/run_options]

int main() {
  int status = run(start, "world");
  return status + run_with_options();
}
