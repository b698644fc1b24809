// SPDX-License-Identifier: MIT
// Chapter 7 of the guide: how goroutines and programs end. With an argument, the program ends as
// that part of the chapter says: deadlock, unhandled.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;

struct file {
  explicit file(const char* n) : name(n) {}
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  ~file() { std::printf("%s closed\n", name); }
  const char* name;
};

// [abandoned]
task<int> quick() {
  co_await sleep(1ms);
  co_return 1;
}

task<int> stuck(recv_chan<int> never) {
  file log("log");
  auto v = co_await never.recv();  // abandoned here: goroutine_exit unwinds it, `log` is closed
  co_return *v;
}

task<> abandons() {
  auto never = make_chan<int>();
  int n = co_await race(quick(), stuck(never));  // returns when both have ended
  std::printf("the winner says %d\n", n);
}
// [/abandoned]

// [cleanup]
task<> say_goodbye(send_chan<std::string> log) {
  co_await log.send("goodbye");  // may wait, although the goroutine is abandoned
}

task<int> polite(recv_chan<int> never, send_chan<std::string> log) {
  bool left = false;
  try {
    co_await never.recv();
  } catch (const goroutine_exit&) {
    left = true;  // C++ allows no await in here
  }
  if (left) {
    context ctx = without_cancel(this_goroutine::context());
    co_await under(ctx, say_goodbye(log));  // abandonment does not reach in there
  }
  co_return 0;  // nobody wants it
}
// [/cleanup]

// [goexit]
task<> leaves_early(send_chan<> done) {
  co_await done.send();
  this_goroutine::exit();  // Go: runtime.Goexit(); the destructors of every frame run
}
// [/goexit]

// [unhandled]
task<> throws() {
  this_goroutine::set_name("loader");
  throw std::runtime_error("no such file");
  co_return;
}

task<> dies() {
  go(throws);  // nobody can catch it: the program ends with the goroutine's name and the message
  co_await sleep(1h);
}
// [/unhandled]

// [deadlock]
task<> asleep() {
  auto c = make_chan<int>();
  co_await c.recv();  // and nobody is left who could send
}
// [/deadlock]

// [shutdown]
task<> background_work(recv_chan<int> numbers) {
  file journal("journal");
  while (auto n = co_await numbers.recv()) std::printf("%d\n", *n);
}

task<> brief_main() {
  auto numbers = make_chan<int>();
  go(background_work, numbers);
  co_await numbers.send(1);
}

int ends_in_order() {
  options opt;
  opt.shutdown_grace = 10ms;    // the root Context has ended: time to finish
  opt.shutdown_limit = 1s;      // for what cannot be unwound
  return run(opt, brief_main);  // the receive is unwound, the journal closed, then `run` returns
}
// [/shutdown]

task<> main_goroutine() {
  co_await abandons();
  auto never = make_chan<int>();
  auto log = make_chan<std::string>(1);
  co_await race(quick(), polite(never, log));
  auto text = co_await log.recv();
  std::puts(text->c_str());
  auto done = make_chan<>();
  go(leaves_early, done);
  co_await done.recv();
}

int main(int argc, char** argv) {
  const std::string end = argc > 1 ? argv[1] : "";
  if (end == "deadlock") return run(asleep);
  if (end == "unhandled") return run(dies);
  int status = run(main_goroutine);
  return status + ends_in_order();
}
