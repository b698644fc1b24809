// SPDX-License-Identifier: MIT
//
// A chat server: everybody hears what anybody says. Two goroutines a client, one in and one out;
// when either ends, so does the other. Try it with `nc localhost 4000` in a few terminals:
//
//     chat_server 4000      serves until Ctrl-C
//     chat_server           plays a short scene on a port of its own
#include <burrow/broadcast.hpp>
#include <burrow/buffered_reader.hpp>
#include <burrow/burrow.hpp>
#include <burrow/net/listener.hpp>

#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>

using namespace burrow;

using room = broadcast<std::string>;

/// What this client says, to all.
task<> hear(net::stream client, room all) {
  buffered_reader in(client);
  std::string name;
  for (;;) {
    auto line = co_await in.read_line(1000);
    if (!line || !*line) break;
    if (name.empty()) {
      name = **line;
      all.send(name + " joins");
    } else {
      all.send(name + ": " + **line);
    }
  }
  if (!name.empty()) all.send(name + " leaves");
}

/// What all say, to this client. One that is too slow misses something, and holds up nobody.
task<> tell(net::stream client, room::subscription heard) {
  std::string line;
  while (co_await heard.recv(line)) {
    auto sent = co_await client.write_all(line + "\n");
    if (!sent) co_return;
  }
}

task<> serve_client(net::stream client, room all) {
  auto heard = all.subscribe();
  // The first to end ends the other.
  co_await race(hear(client, all), tell(client, std::move(heard)));
}

task<> serve(context ctx, net::listener listener) {
  room all(100);
  co_await scope([&](group& clients) -> task<> {
    for (;;) {
      auto client = co_await listener.accept(ctx);
      if (!client) break;  // the Context has ended
      clients.go(serve_client, *client, all);
    }
    all.close();
  });
}

// --- the scene -----------------------------------------------------------------------------------

struct actor {
  explicit actor(net::stream s) : stream(s), in(s) {}

  task<> says(std::string line) {
    auto sent = co_await stream.write_all(line + "\n");
    sent.value();
  }
  /// Waits until it has heard that line.
  task<> hears(std::string expected) {
    for (;;) {
      auto line = co_await in.read_line();
      if (!line.value()) throw std::runtime_error("not heard: " + expected);
      if (**line == expected) break;
    }
    std::printf("%s\n", expected.c_str());
  }

  net::stream stream;
  buffered_reader<net::stream> in;
};

task<actor> enter(net::address where, std::string name) {
  auto s = co_await net::dial(where);
  actor a(s.value());
  co_await a.says(name);
  co_await a.hears(name + " joins");
  co_return a;
}

task<> play(net::address where) {
  actor ada = co_await enter(where, "Ada");
  actor bob = co_await enter(where, "Bob");
  co_await bob.says("hello, Ada");
  co_await ada.hears("Bob: hello, Ada");
  co_await ada.says("hello, Bob");
  co_await bob.hears("Ada: hello, Bob");
  bob.stream.close().value();
  co_await ada.hears("Bob leaves");
}

task<int> start(std::string port) {
  auto [ctx, stop] = signal::notify_context(background(), {SIGINT, SIGTERM});
  auto listener = co_await net::listen("tcp", port.empty() ? "127.0.0.1:0" : ":" + port);
  if (!listener) {
    std::fprintf(stderr, "chat_server: %s\n", listener.error().message().c_str());
    co_return 1;
  }
  if (!port.empty()) {
    std::printf("serving on port %s, until Ctrl-C\n", port.c_str());
    co_await serve(ctx, *listener);
    co_return 0;
  }
  auto [serving, cancel] = with_cancel(ctx);
  co_await scope([&](group& g) -> task<> {
    g.go(serve, serving, *listener);
    co_await play(listener->local_address());
    cancel();
  });
  std::printf("the server has ended\n");
  co_return 0;
}

int main(int argc, char** argv) { return run(start, std::string(argc > 1 ? argv[1] : "")); }
