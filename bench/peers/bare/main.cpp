// SPDX-License-Identifier: MIT
//
// What the kernel leaves to any runtime: the echo of bench/echo.cpp without one. Each thread has a
// set of epoll and its share of the connections, both ends of each, so that nothing is ever handed
// from thread to thread, and a message costs a receive, a send and its part of an epoll_wait.
#include "../../measure.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <latch>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t message_size = 64;
using message = std::array<char, message_size>;

struct connection {
  int client;
  int server;
};

int new_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(fd >= 0, "socket");
  return fd;
}

void send_at_once(int fd) {
  const int yes = 1;
  check(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0, "TCP_NODELAY");
}

std::vector<connection> connect(int count) {
  const int listener = new_socket();
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const to = reinterpret_cast<sockaddr*>(&at);
  socklen_t size = sizeof(at);
  check(::bind(listener, to, size) == 0 && ::listen(listener, 128) == 0, "listen");
  check(::getsockname(listener, to, &size) == 0, "getsockname");
  std::vector<connection> connections;
  for (int i = 0; i < count; ++i) {
    const int client = new_socket();
    check(::connect(client, to, size) == 0, "connect");
    const int server = ::accept(listener, nullptr, nullptr);
    check(server >= 0, "accept");
    send_at_once(client);
    send_at_once(server);
    connections.push_back({client, server});
  }
  ::close(listener);
  return connections;
}

void send_message(int fd, const message& m) {
  check(::send(fd, m.data(), m.size(), MSG_NOSIGNAL) == std::ssize(m), "send");
}

/// One thread's connections, `round_trips` on each.
void exchange(const std::vector<connection>& own, int round_trips) {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  check(set >= 0, "epoll_create1");
  std::vector<int> left(own.size(), round_trips);
  for (std::size_t i = 0; i < own.size(); ++i) {
    for (const bool is_client : {true, false}) {
      epoll_event event{};
      event.events = EPOLLIN | EPOLLET;
      event.data.u64 = i << 1 | (is_client ? 1 : 0);
      const int fd = is_client ? own[i].client : own[i].server;
      check(::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
    }
    send_message(own[i].client, {});
  }
  message m;
  std::array<epoll_event, 128> events;
  for (std::size_t running = own.size(); running != 0;) {
    const int count = ::epoll_wait(set, events.data(), static_cast<int>(events.size()), -1);
    for (int e = 0; e < count; ++e) {
      const std::size_t i = events[e].data.u64 >> 1;
      const bool is_client = (events[e].data.u64 & 1) != 0;
      const int fd = is_client ? own[i].client : own[i].server;
      const ssize_t n = ::recv(fd, m.data(), m.size(), MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) continue;  // it could also be sent: the first event
      check(n == std::ssize(m), "recv");
      if (is_client && --left[i] == 0) {
        --running;
      } else {
        send_message(fd, m);
      }
    }
  }
  ::close(set);
}

double round_trips_a_second(int connections, int workers) {
  constexpr int total = 300'000;
  const std::vector<connection> all = connect(connections);
  std::vector<std::vector<connection>> shares(workers);
  for (std::size_t i = 0; i < all.size(); ++i) shares[i % workers].push_back(all[i]);
  std::latch begin(workers);
  stopwatch watch;
  {
    std::vector<std::jthread> threads;
    for (const auto& share : shares) {
      threads.emplace_back([&share, &begin, connections] {
        begin.arrive_and_wait();
        exchange(share, total / connections);
      });
    }
  }
  const double seconds = watch.ms() / 1000;
  for (const connection& c : all) {
    ::close(c.client);
    ::close(c.server);
  }
  return total / seconds;
}

void echo(int workers) {
  raise_descriptor_limit();
  for (const int connections : {64, 1000}) {
    std::vector<double> values;
    for (int rep = 0; rep < config().reps; ++rep) {
      values.push_back(round_trips_a_second(connections, workers));
    }
    report("echo_" + std::to_string(connections) + "conn_64B", values, "req/s", better::higher);
  }
}

constexpr std::array<benchmark<void (*)(int)>, 1> benchmarks{{{"echo", echo}}};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto bodies = bench::chosen(argc, argv, bench::benchmarks);
  const int workers = bench::config().workers > 0 ? bench::config().workers : bench::allowed_cpus();
  std::printf("# bare epoll workers=%d reps=%d\n", workers, bench::config().reps);
  for (const auto body : bodies) body(workers);
}
