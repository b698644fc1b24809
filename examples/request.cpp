// SPDX-License-Identifier: MIT
// A request handler with a deadline. It fans out to a database goroutine and to an RPC goroutine,
// and ends both when the deadline passes or the client goes away.
#include <burrow/burrow.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

using namespace burrow;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

std::atomic<int> at_work = 0;  // back ends that have begun and not ended

// [request]
struct answer {
  std::string text;
  std::error_code error;
};

// A back end that takes `latency` to answer, and gives up as soon as its Context ends.
task<answer> ask(context ctx, std::string text, milliseconds latency, send_chan<> started) {
  ++at_work;
  co_await started.send();
  answer a;
  switch (co_await select(ctx.done(), after(latency))) {
    case 0: a.error = ctx.err(); break;
    case 1: a.text = std::move(text); break;
  }
  --at_work;
  co_return a;
}

task<answer> handle(context client, milliseconds limit, milliseconds latency, send_chan<> started) {
  auto [ctx, cancel] = with_timeout(client, limit);
  answer row;
  answer price;
  co_await scope([&](group& g) -> task<> {  // it returns when both have ended
    auto database = g.async(ask, ctx, std::string("a teapot"), latency, started);
    auto rpc = g.async(ask, ctx, std::string("42 coins"), latency, started);
    row = co_await database;
    price = co_await rpc;
  });
  answer reply{row.text + " for " + price.text, row.error};
  co_return reply;
}

task<> serve(context client, milliseconds limit, milliseconds latency, send_chan<> started,
             send_chan<answer> replies) {
  answer reply = co_await handle(client, limit, latency, started);
  co_await replies.send(std::move(reply));
}
// [/request]

task<> client(const char* name, milliseconds limit, milliseconds latency, bool goes_away) {
  auto [connection, hang_up] = with_cancel(background());
  auto started = make_chan<>();
  auto replies = make_chan<answer>();
  go(serve, connection, limit, latency, started, replies);

  co_await started.recv();  // the database goroutine and the RPC goroutine are at work
  co_await started.recv();
  if (goes_away) hang_up();
  auto reply = co_await replies.recv();
  const std::string text = reply->error ? reply->error.message() : reply->text;
  std::printf("%s: %s; %d back ends at work\n", name, text.c_str(), at_work.load());
}

task<> main_goroutine() {
  co_await client("answered in time", 1min, 1ms, false);
  co_await client("client gone", 1min, 1h, true);
  co_await client("deadline passed", 20ms, 1h, false);
}

int main() { return run(main_goroutine); }
