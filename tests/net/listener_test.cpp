// SPDX-License-Identifier: MIT
// Listeners, dial and resolve: what is accepted, what is refused, and that nothing is left over.
#include "child.hpp"
#include "sockets.hpp"

#include <burrow/io.hpp>
#include <burrow/testing.hpp>

#include <chrono>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <vector>

namespace {

using namespace burrow;
using namespace std::chrono_literals;
using net::listener;
using net::stream;

task<result<stream>> accept_one(listener l) {
  result<stream> got = co_await l.accept();
  co_return got;
}

// --- accept --------------------------------------------------------------------------------------

TEST_CASE("listener: accept is a case of select, beside a channel and the end of a Context") {
  for (const int workers : {1, 3}) {
    run_test(workers, []() -> task<> {
      listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
      auto words = make_chan<int>(1);
      auto [ctx, cancel] = with_cancel(background());
      result<stream> next;
      int word = 0;

      co_await words.send(7);
      const int first = co_await select(l.accept(next), words.recv(word), ctx.done());
      CHECK(first == 1);
      CHECK(word == 7);
      for (int i = 0; i < 5; ++i) {
        const stream dialled = (co_await net::dial(l.local_address())).value();
        const int second = co_await select(l.accept(next), words.recv(word), ctx.done());
        CHECK(second == 0);
        CHECK(next.value().peer_address() == dialled.local_address());
      }
      cancel();
      const int third = co_await select(l.accept(next), words.recv(word), ctx.done());
      CHECK(third == 2);
      l.close().value();
      const int fourth = co_await select(l.accept(next), words.recv(word));
      CHECK(fourth == 0);
      CHECK(next.error() == errc::not_open);
    });
  }
}

TEST_CASE("listener: one that is a case of select does not hold up the end of the runtime") {
  options opt;
  opt.workers = 2;
  opt.shutdown_grace = 1h;  // far beyond the limit of a case
  run(opt, []() -> task<> {
    listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    result<stream> next;
    const int chosen = co_await select(l.accept(next), otherwise);
    CHECK(chosen == 1);
    go([l]() mutable -> task<> {
      result<stream> connection;
      const context ctx = this_goroutine::context();
      const int what = co_await select(l.accept(connection), ctx.done());
      CHECK(what == 1);
    });
    co_await until_quiet();
  });
}

TEST_CASE(
    "listener: closed while it accepts for select, it tells all that wait and all that come") {
  run_test(2, []() -> task<> {
    listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    int told = 0;
    mutex mu;
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 3; ++i) {
        g.go([&]() -> task<> {
          result<stream> next;
          const int chosen = co_await select(l.accept(next), chan<int>().recv());
          auto held = co_await mu.guard();
          if (chosen == 0 && next.error() == errc::not_open) ++told;
        });
      }
      co_await until_quiet();
      l.close().value();
      co_await g.wait();
    });
    CHECK(told == 3);
  });
}

TEST_CASE("listener: without descriptors it waits until there are some") {
  const child_end end = in_child([] {
    return run_test(2, []() -> task<int> {
      listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
      int status = 0;
      co_await scope([&](group& g) -> task<> {
        // The client is connected before, so that only the accepted end is missing.
        const stream client = (co_await net::dial(l.local_address())).value();
        std::vector<int> all;
        const rlimit few{64, 64};
        if (::setrlimit(RLIMIT_NOFILE, &few) != 0) status = 1;
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) all.push_back(fd);
        auto accepting = g.async(accept_one, l);
        co_await until_quiet();
        ::close(all.back());
        all.pop_back();
        result<stream> got = co_await accepting;
        if (!got || got->peer_address() != client.local_address()) status = 2;

        // And a close during that pause ends it, as it ends a wait for the kernel.
        const int last = ::dup(0);
        auto again = g.async(accept_one, l);
        co_await until_quiet();
        l.close().value();
        const result<stream> ended = co_await again;
        if (ended.error() != errc::not_open) status = 3;
        if (last >= 0) ::close(last);
        for (const int fd : all) ::close(fd);
      });
      co_return status;
    });
  });
  CHECK(end.status == 0);
  CHECK(end.said == "");
}

TEST_CASE("listener: thousands of accepts and dials that are cancelled leave no descriptor") {
  const int before = open_descriptors();
  for (const int workers : {1, 4}) {
    run_test(workers, []() -> task<> {
      listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
      const net::address at = l.local_address();
      co_await scope([&](group& g) -> task<> {
        for (int k = 0; k < 10; ++k) {
          g.go([&]() -> task<> {
            for (int i = 0; i < 500; ++i) {
              auto [ctx, cancel] = with_cancel(background());
              co_await scope([&](group& pair) -> task<> {
                auto accepted = pair.async(
                    [](context within, listener from) -> task<bool> {
                      const result<stream> got = co_await from.accept(within);
                      co_return got.has_value() || got.error() == errc::canceled;
                    },
                    ctx, l);
                auto dialled = pair.async(
                    [](context within, std::string where) -> task<bool> {
                      const result<stream> got = co_await net::dial(within, "tcp", where);
                      co_return got.has_value() || got.error() == errc::canceled;
                    },
                    ctx, to_string(at));
                if (i % 2 == 0) co_await this_goroutine::yield();
                cancel();
                const bool accept_is_sound = co_await accepted;
                const bool dial_is_sound = co_await dialled;
                CHECK(accept_is_sound);
                CHECK(dial_is_sound);
              });
            }
          });
        }
        co_return;
      });
    });
    CHECK(open_descriptors() == before);
  }
}

// --- addresses -----------------------------------------------------------------------------------

TEST_CASE("listener: Unix sockets: a path, which its close removes, and an abstract one") {
  run_test(2, []() -> task<> {
    const std::string path = "burrow-test-" + std::to_string(::getpid()) + ".socket";
    for (const std::string& where : {path, "@" + path}) {
      listener l = (co_await net::listen("unix", where)).value();
      CHECK(to_string(l.local_address()) == where);
      const result<listener> second = co_await net::listen("unix", where);
      CHECK(second.error() == std::errc::address_in_use);
      stream client = (co_await net::dial("unix", where)).value();
      stream server = (co_await l.accept()).value();
      (co_await client.write_all("hello")).value();
      std::string got(5, '\0');
      (co_await server.read_full(got)).value();
      CHECK(got == "hello");
      CHECK(to_string(client.peer_address()) == where);
      struct stat status{};
      CHECK((::stat(path.c_str(), &status) == 0) == (where == path));
      l.close().value();
      CHECK(::stat(path.c_str(), &status) != 0);
      const result<stream> late = co_await net::dial("unix", where);
      CHECK(late.error());
    }
    const result<listener> too_long = co_await net::listen("unix", std::string(200, 'x'));
    CHECK(too_long.error() == std::errc::filename_too_long);
  });
}

TEST_CASE("listener: the path of a Unix socket that another has taken over is left to that one") {
  run_test(1, []() -> task<> {
    const std::string path = "burrow-test-" + std::to_string(::getpid()) + ".moved";
    listener first = (co_await net::listen("unix", path + ".1")).value();
    listener second = (co_await net::listen("unix", path + ".2")).value();
    REQUIRE(::rename((path + ".2").c_str(), (path + ".1").c_str()) == 0);
    first.close().value();
    const result<stream> client = co_await net::dial("unix", path + ".1");
    CHECK(client);
    second.close().value();  // its path is another now
    CHECK(::unlink((path + ".1").c_str()) == 0);
  });
}

TEST_CASE("dial: one that finds the queue of a Unix listener full waits for its turn") {
  run_test(2, []() -> task<> {
    const net::address at = net::address::of_path(own_abstract_path()).value();
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    REQUIRE(::bind(fd, at.data(), static_cast<socklen_t>(at.size())) == 0);
    REQUIRE(::listen(fd, 0) == 0);
    constexpr int count = 20;
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < count; ++i) {
        g.go([&]() -> task<> {
          const result<stream> s = co_await net::dial(at);
          CHECK(s);
        });
      }
      const result<io::watcher> waiting = io::watch(fd);
      for (int i = 0; i < count;) {
        (co_await waiting->readable()).value();
        const int accepted = ::accept(fd, nullptr, nullptr);
        if (accepted < 0) continue;
        ++i;
        ::close(accepted);
      }
    });
    const stream last = (co_await net::dial(at)).value();
    const auto [ctx, cancel] = with_cancel(this_goroutine::context());
    co_await scope([&, ctx = ctx, cancel = cancel.trigger()](group& g) -> task<> {
      g.go([&]() -> task<> {
        const result<stream> s = co_await net::dial(ctx, at);
        CHECK(s.error() == errc::canceled);
      });
      co_await this_goroutine::yield();
      cancel();
    });
    ::close(fd);
  });
}

TEST_CASE("listener: networks and addresses that are none, or not each other's") {
  run_test(1, []() -> task<> {
    const result<listener> network = co_await net::listen("carrier pigeon", "127.0.0.1:0");
    CHECK(network.error() == std::errc::protocol_not_supported);
    const result<listener> address = co_await net::listen("tcp", "127.0.0.1");
    CHECK(address.error() == std::errc::invalid_argument);
    const result<listener> family = co_await net::listen("tcp6", "127.0.0.1:0");
    CHECK(family.error() == std::errc::address_family_not_supported);
    const result<stream> no_network = co_await net::dial("sctp", "127.0.0.1:1");
    CHECK(no_network.error() == std::errc::protocol_not_supported);
    const result<stream> no_port = co_await net::dial("tcp", "localhost");
    CHECK(no_port.error() == std::errc::invalid_argument);
    const result<stream> no_family = co_await net::dial("tcp6", "127.0.0.1:1");
    CHECK(no_family.error() == std::errc::address_family_not_supported);
    const result<stream> empty = co_await net::dial(net::address());
    CHECK(empty.error() == std::errc::invalid_argument);
    for (const char* const where : {"127.0.0.1:65536", "127.0.0.1:", "127.0.0.1:-1", "[::1]:1e3"}) {
      const result<stream> port = co_await net::dial("tcp", where);
      CAPTURE(where);
      CHECK(port.error());
      const result<listener> at = co_await net::listen("tcp", where);
      CHECK(at.error() == std::errc::invalid_argument);
    }
  });
}

TEST_CASE("dial: a port that nobody listens at refuses; the next address of a name is tried") {
  run_test(2, []() -> task<> {
    listener gone = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    const std::string port = std::to_string(gone.local_address().port());
    gone.close().value();
    const result<stream> refused = co_await net::dial("tcp", "127.0.0.1:" + port);
    CHECK(refused.error() == std::errc::connection_refused);
    const result<stream> all_refuse = co_await net::dial("tcp", "localhost:" + port);
    CHECK(all_refuse.error());

    listener l = (co_await net::listen("tcp4", "localhost:0")).value();
    const std::string where = "localhost:" + std::to_string(l.local_address().port());
    const result<stream> found = co_await net::dial("tcp", where);
    REQUIRE(found.has_value());
    CHECK(found->peer_address() == l.local_address());
    const result<stream> four = co_await net::dial("tcp4", where);
    CHECK(four.has_value());
  });
}

TEST_CASE("listener: all addresses, of both families where there are two") {
  run_test(2, []() -> task<> {
    listener l = (co_await net::listen("tcp", ":0")).value();
    const std::string port = std::to_string(l.local_address().port());
    const result<stream> four = co_await net::dial("tcp", "127.0.0.1:" + port);
    CHECK(four.has_value());
    const result<stream> accepted = co_await l.accept();
    CHECK(accepted.has_value());
  });
}

// --- names ---------------------------------------------------------------------------------------

TEST_CASE("addresses of one interface alone name it") {
  const result<net::address> local = net::address::parse("[fe80::1%lo]:80");
  REQUIRE(local);
  CHECK(to_string(*local) == "[fe80::1%lo]:80");
  CHECK(local->with_port(81).host() == "fe80::1%lo");
  const result<net::address> by_number = net::address::parse("[fe80::1%1]:80");
  CHECK(by_number.value() == *local);  // the loopback interface is the first
  const result<net::address> none = net::address::parse("[fe80::1%nowhere]:80");
  CHECK(none.error() == std::errc::no_such_device);
}

TEST_CASE("resolve: names, numbers, and what is neither") {
  run_test(2, []() -> task<> {
    const auto local = co_await net::resolve("localhost", "80");
    REQUIRE(local.has_value());
    REQUIRE_FALSE(local->empty());
    for (const net::address& a : *local) {
      CHECK(a.port() == 80);
      CHECK((a.host() == "127.0.0.1" || a.host() == "::1"));
    }
    const auto six = co_await net::resolve("::1", "443");
    REQUIRE(six.has_value());
    CHECK(to_string(six->front()) == "[::1]:443");
    const auto none = co_await net::resolve("no-such-name.invalid", "80");
    CHECK(std::string(none.error().category().name()) == "getaddrinfo");
    CHECK_FALSE(none.error().message().empty());
  });
}

// --- what others make of waits for the kernel ----------------------------------------------------

TEST_CASE("deadlock: none is reported while a read, an accept or a lookup waits") {
  options opt;
  opt.workers = 2;
  opt.deadlock = deadlock_report::always;
  const int status = run(opt, []() -> task<int> {
    connection c = socket_pair();
    std::thread late([peer = c.client.native_handle()] {
      std::this_thread::sleep_for(30ms);  // not needed to pass: it lets a wrong report be made
      if (::send(peer, "x", 1, MSG_NOSIGNAL) != 1) std::abort();
    });
    std::array<char, 1> some;
    const result<std::size_t> got = co_await c.server.read(some);
    late.join();
    const auto found = co_await net::resolve("localhost", "80");
    co_return got && *got == 1 && found ? 0 : 1;
  });
  CHECK(status == 0);
}

TEST_CASE("bubble: I/O works in real time, and holds the clock") {
  synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    connection c = socket_pair();
    std::error_code error = errc::closed;
    go([&error, s = c.server]() mutable -> task<> {
      std::array<char, 1> some;
      const result<std::size_t> got = co_await s.read(some);
      error = got.error();
    });
    co_await until_quiet();
    // Were the read durable, the clock would move to the timer before the byte has come.
    std::thread late([peer = c.client.native_handle()] {
      std::this_thread::sleep_for(10ms);  // not needed to pass: it lets such a clock move
      if (::send(peer, "x", 1, MSG_NOSIGNAL) != 1) std::abort();
    });
    co_await sleep(1h);
    late.join();
    CHECK_FALSE(error);
    CHECK(runtime_clock::now() - begin == 1h);
  });
}

TEST_CASE("accept takes what its form as a case of select has accepted meanwhile") {
  run_test(2, []() -> task<> {
    net::listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    result<net::stream> none;
    const int chosen = co_await select(l.accept(none), otherwise);
    CHECK(chosen == 1);
    net::stream client = (co_await net::dial(l.local_address())).value();
    net::stream server = (co_await l.accept()).value();
    (co_await client.write_all("x")).value();
    std::array<char, 1> some{};
    (co_await server.read_full(some)).value();
    CHECK(some[0] == 'x');
    l.close().value();
    const auto closed = co_await l.accept();
    CHECK(closed.error() == errc::not_open);
  });
}

TEST_CASE("one accept after the other empties the queue of a busy worker") {
  run_test(1, []() -> task<> {
    net::listener l = (co_await net::listen("tcp", "127.0.0.1:0")).value();
    constexpr int count = 200;
    std::vector<net::stream> clients;
    for (int i = 0; i < count; ++i)
      clients.push_back((co_await net::dial(l.local_address())).value());
    bool is_through = false;
    int turns = 0;
    co_await scope([&](group& g) -> task<> {
      g.go([&]() -> task<> {
        while (!is_through) {
          ++turns;
          co_await this_goroutine::yield();
        }
      });
      for (int i = 0; i < count; ++i) static_cast<void>((co_await l.accept()).value());
      is_through = true;
    });
    CHECK(turns < 10 * count);  // 61 each where the driver has to be asked for each of them
  });
}

}  // namespace
