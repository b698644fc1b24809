// SPDX-License-Identifier: MIT
// The stream of the context package's documentation: values go out until the Context ends, and the
// function returns why it ended.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <system_error>

using namespace burrow;
using namespace std::chrono_literals;

// [stream]
task<int> next_value(int last) {
  co_await this_goroutine::yield();  // some work
  co_return 2 * last;
}

task<std::error_code> stream(context ctx, send_chan<int> out) {
  int value = 1;
  for (;;) {
    switch (co_await select(ctx.done(), out.send(value))) {
      case 0: co_return ctx.err();
      case 1: break;
    }
    value = co_await next_value(value);
  }
}
// [/stream]

task<> streamer(context ctx, send_chan<int> out, send_chan<std::error_code> ended) {
  std::error_code why = co_await stream(ctx, out);
  co_await ended.send(why);
}

// Takes `count` values, then lets `stop` end the stream.
template <class Stop>
task<> take(context ctx, int count, Stop stop) {
  auto values = make_chan<int>();
  auto ended = make_chan<std::error_code>();
  go(streamer, ctx, values, ended);
  for (int i = 0; i < count; ++i) {
    auto value = co_await values.recv();
    std::printf("%d ", *value);
  }
  stop();
  auto why = co_await ended.recv();
  std::printf("-> %s\n", why->message().c_str());
}

task<> main_goroutine() {
  auto [ctx, cancel] = with_cancel(background());
  co_await take(ctx, 5, cancel.trigger());

  auto [brief, give_up] = with_timeout(background(), 20ms);
  co_await take(brief, 0, [] {});  // nobody takes a value: the send waits, the deadline ends it
}

int main() { return run(main_goroutine); }
