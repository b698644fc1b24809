// SPDX-License-Identifier: MIT
// Chapter 3 of the guide: channels.
#include <burrow/burrow.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;

// [make_chan]
task<> makes() {
  auto unbuffered = make_chan<int>();          // Go: make(chan int)
  auto buffered = make_chan<std::string>(16);  // Go: make(chan string, 16)
  auto signal_only = make_chan<>();            // Go: make(chan struct{})
  chan<int> nil;                               // Go: var c chan int
  chan<int> same = unbuffered;                 // a handle: both are the one channel
  std::printf("%d %d %zu %zu\n", same == unbuffered, same == nil, buffered.capacity(),
              signal_only.size());
  co_return;
}
// [/make_chan]

// [send_and_recv]
task<> producer(send_chan<int> out) {
  for (int n = 0; n < 3; ++n) co_await out.send(n);  // Go: out <- n
  out.close();
}

task<> consumer() {
  auto c = make_chan<int>();
  go(producer, c);

  int v = 0;
  bool ok = co_await c.recv(v);              // Go: v, ok := <-c
  std::optional<int> w = co_await c.recv();  // the same, as an optional
  std::printf("%d %d %d\n", ok, v, w.value_or(-1));

  while (auto n = co_await c.recv()) {  // Go: for n := range c
    std::printf("%d\n", *n);
  }
}
// [/send_and_recv]

// [moves]
task<> passes_ownership() {
  auto c = make_chan<std::unique_ptr<int>>(1);
  auto p = std::make_unique<int>(7);
  co_await c.send(std::move(p));
  auto q = co_await c.recv();  // an optional of a unique_ptr
  std::printf("%d\n", **q);
}
// [/moves]

// [closing]
task<> closes() {
  auto c = make_chan<int>(1);
  co_await c.send(1);
  c.close();
  auto left = co_await c.recv();  // what was buffered still comes
  auto none = co_await c.recv();  // then nullopt, for ever and at once
  std::printf("%d %d\n", left.has_value(), none.has_value());
  try {
    co_await c.send(2);
  } catch (const closed_channel& e) {
    std::puts(e.what());  // send on closed channel
  }
}
// [/closing]

// [try_forms]
void tries(chan<int> c) {  // no await: these never wait, and work on any thread
  bool sent = c.try_send(1);
  int v = 0;
  switch (c.try_recv(v)) {
    case recv_status::received: std::printf("%d %d\n", sent, v); break;
    case recv_status::empty: std::puts("nothing there"); break;
    case recv_status::closed: std::puts("closed and drained"); break;
  }
}
// [/try_forms]

// [plain_thread]
task<> talks_to_a_thread() {
  auto questions = make_chan<int>();
  auto answers = make_chan<int>();
  std::thread plain([questions, answers]() mutable {
    int n = 0;
    while (questions.recv_blocking(n)) answers.send_blocking(n + 1);
    answers.close();
  });
  co_await questions.send(41);
  auto answer = co_await answers.recv();
  std::printf("%d\n", *answer);
  questions.close();
  co_await blocking([&] { plain.join(); });
}
// [/plain_thread]

// [context_first]
task<> gives_up() {
  auto [ctx, cancel] = with_timeout(this_goroutine::context(), 1ms);
  auto c = make_chan<int>();
  int v = 0;
  std::error_code error = co_await c.recv(ctx, v);  // tests ctx first, then waits for either
  if (error == errc::deadline_exceeded) std::puts("nobody sent in time");
  std::error_code sent = co_await c.send(ctx, 1);  // no exception, whatever happens
  std::puts(sent.message().c_str());
}
// [/context_first]

task<> main_goroutine() {
  co_await makes();
  co_await consumer();
  co_await passes_ownership();
  co_await closes();
  tries(make_chan<int>(1));
  co_await talks_to_a_thread();
  co_await gives_up();
}

int main() { return run(main_goroutine); }
