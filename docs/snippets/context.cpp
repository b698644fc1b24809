// SPDX-License-Identifier: MIT
// Chapter 5 of the guide: the Context.
#include <burrow/burrow.hpp>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace burrow;
using namespace std::chrono_literals;

// [with_cancel]
task<> until_told(context ctx, chan<> ended) {
  co_await ctx.done();  // Go: <-ctx.Done()
  std::puts(ctx.err().message().c_str());
  co_await ended.send();
}

task<> cancels() {
  auto [ctx, cancel] = with_cancel(background());
  auto ended = make_chan<>();
  go(until_told, ctx, ended);
  cancel();  // returns when ctx and everything derived from it is done
  co_await ended.recv();
}
// [/with_cancel]

// [trigger]
task<> first_to_fail() {
  auto [ctx, cancel] = with_cancel(background());
  auto stop = cancel.trigger();  // copied freely; cancels, and owns nothing
  go([stop]() -> task<> {
    stop();
    co_return;
  });
  co_await ctx.done();
}
// [/trigger]

// [deadlines]
task<> has_a_deadline() {
  auto [ctx, cancel] = with_timeout(background(), 5ms);
  auto [inner, cancel_inner] = with_timeout(ctx, 1h);  // the earlier of the two counts
  if (auto when = inner.deadline()) {
    bool soon = *when < std::chrono::steady_clock::now() + 1min;
    std::puts(soon ? "soon" : "in an hour");
  }
  co_await inner.done();
  if (inner.err() == errc::deadline_exceeded) std::puts("too late");
  if (inner.err() == std::errc::timed_out) std::puts("as the standard says it");
}
// [/deadlines]

// [causes]
task<> says_why() {
  auto [ctx, cancel] = with_cancel_cause(background());
  auto [inner, cancel_inner] = with_cancel(ctx);
  cancel(std::runtime_error("the client hung up"));
  try {
    std::rethrow_exception(inner.cause());  // the cause comes down the tree
  } catch (const std::exception& e) {
    std::printf("%s: %s\n", inner.err().message().c_str(), e.what());
  }
  co_return;
}
// [/causes]

// [carried]
task<> query() {                               // takes no Context, and yet
  std::error_code error = co_await sleep(1h);  // ends early: sleep watches the carried one
  std::puts(error.message().c_str());
}

task<> handle(context) {  // a first parameter of type context: runs under it
  co_await query();       // an await stays in the goroutine, and so under ctx
}

task<> carries() {
  auto [ctx, cancel] = with_timeout(background(), 1ms);
  co_await handle(ctx);          // by the parameter
  co_await under(ctx, query());  // or said outright
}
// [/carried]

// [after_func]
task<> runs_when_done() {
  auto [ctx, cancel] = with_cancel(background());
  auto ran = make_chan<>(1);
  auto stop = after_func(ctx, [ran] { ran.try_send(); });  // in a goroutine of its own
  cancel();
  co_await ran.recv();
  bool prevented = stop();  // too late to prevent it
  std::printf("%d\n", prevented);
}
// [/after_func]

// [without_cancel]
task<> write_log(context ctx, std::string line) {
  co_await this_goroutine::yield();
  std::printf("%s (%d)\n", line.c_str(), bool(ctx.err()));
}

task<> finish(context request) {
  co_await request.done();
  context detached = without_cancel(request);  // its values, not its end
  co_await write_log(detached, "the request is over");
}
// [/without_cancel]

// [custom_context]
class lease : public custom_context {
 public:
  explicit lease(const context& parent) : custom_context(parent) {}
  void revoke() { end(std::make_error_code(std::errc::owner_dead)); }
};

task<> loses_its_lease() {
  context ctx = make_context<lease>(background());
  auto [work, cancel] = with_timeout(ctx, 1h);
  custom_cast<lease>(ctx)->revoke();  // ends what was derived from it, too
  co_await work.done();
  if (work.err() == std::errc::owner_dead) std::puts("somebody else has it now");
}
// [/custom_context]

// [signals]
task<> until_interrupted(send_chan<> ready) {
  auto [ctx, stop] = signal::notify_context(background(), {SIGINT, SIGTERM});
  co_await ready.send();
  co_await ctx.done();
  std::puts("interrupted: winding up");
}
// [/signals]

task<> main_goroutine() {
  co_await cancels();
  co_await first_to_fail();
  co_await has_a_deadline();
  co_await says_why();
  co_await carries();
  co_await runs_when_done();
  co_await loses_its_lease();
  {
    auto [request, cancel] = with_cancel(background());
    cancel();
    co_await finish(request);
  }
  co_await scope([](group& g) -> task<> {
    auto ready = make_chan<>();
    g.go(until_interrupted, ready);
    co_await ready.recv();
    kill(getpid(), SIGTERM);
    co_await g.wait();
  });
}

int main() { return run(main_goroutine); }
