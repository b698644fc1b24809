// SPDX-License-Identifier: MIT
//
// Which ports of a machine accept connections: at most so many attempts a second, at most so many
// at the same time, and Ctrl-C stops it at once and says how far it came.
//
//     port_scanner HOST FIRST LAST [PER_SECOND]
//     port_scanner                                scans what it has opened itself
#include <burrow/burrow.hpp>
#include <burrow/net/listener.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

struct findings {
  std::vector<int> open;
  int tried = 0;
};

task<> try_port(net::address where, findings& found, mutex& mu) {
  auto [soon, cancel] = with_timeout(this_goroutine::context(), 500ms);
  const auto s = co_await under(soon, net::dial(where));
  auto held = co_await mu.guard();
  ++found.tried;
  if (s) found.open.push_back(where.port());
}

/// True: all ports were tried.
task<bool> scan(context ctx, net::address host, int first, int last, double per_second,
                findings& found) {
  rate_limiter limiter(per_second, 100);
  mutex mu;
  bool is_complete = true;
  co_await scope([&](group& attempts) -> task<> {
    attempts.limit(64);
    for (int port = first; port <= last; ++port) {
      if (co_await limiter.acquire(ctx)) {
        is_complete = false;
        break;
      }
      co_await attempts.slot();  // back-pressure: no more than 64 at the same time
      const auto where = host.with_port(static_cast<std::uint16_t>(port));
      attempts.go(try_port, where, std::ref(found), std::ref(mu));
    }
  });
  std::sort(found.open.begin(), found.open.end());
  co_return is_complete;
}

task<int> scan_host(std::string name, int first, int last, double per_second) {
  auto [ctx, stop] = signal::notify_context(background(), {SIGINT});
  const auto host = co_await net::resolve(name, "0");
  if (!host) {
    std::fprintf(stderr, "port_scanner: %s: %s\n", name.c_str(), host.error().message().c_str());
    co_return 1;
  }
  findings found;
  const bool is_complete = co_await scan(ctx, host->front(), first, last, per_second, found);
  for (int port : found.open) std::printf("%d open\n", port);
  if (!is_complete) std::printf("stopped after %d of %d ports\n", found.tried, last - first + 1);
  co_return is_complete ? 0 : 130;
}

/// Three listeners on loopback, and the ports around them.
task<int> scan_own() {
  std::vector<net::listener> listeners;
  std::vector<int> expected;
  for (int i = 0; i < 3; ++i) {
    listeners.push_back((co_await net::listen("tcp", "127.0.0.1:0")).value());
    expected.push_back(listeners.back().local_address().port());
  }
  std::sort(expected.begin(), expected.end());
  const int first = std::max(expected.front() - 20, 1);
  const int last = std::min(expected.back() + 20, 65'535);
  findings found;
  co_await scan(background(), listeners.front().local_address(), first, last, 1e6, found);
  const bool all_found =
      std::includes(found.open.begin(), found.open.end(), expected.begin(), expected.end());
  std::printf("%s\n", all_found ? "found all three" : "missed one");
  std::printf("%s\n", found.tried == last - first + 1 ? "tried each port" : "left some out");
  co_return all_found ? 0 : 1;
}

task<int> start(std::vector<std::string> args) {
  if (args.empty()) co_return co_await scan_own();
  if (args.size() < 3) {
    std::fprintf(stderr, "usage: port_scanner HOST FIRST LAST [PER_SECOND]\n");
    co_return 2;
  }
  const double per_second = args.size() > 3 ? std::atof(args[3].c_str()) : 1000;
  const int first = std::atoi(args[1].c_str());
  const int last = std::atoi(args[2].c_str());
  if (first < 1 || last > 65'535 || first > last || per_second <= 0) {
    std::fprintf(stderr, "port_scanner: ports are from 1 to 65535, the rate is positive\n");
    co_return 2;
  }
  co_return co_await scan_host(args[0], first, last, per_second);
}

int main(int argc, char** argv) {
  return run(start, std::vector<std::string>(argv + 1, argv + argc));
}
