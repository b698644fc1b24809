// SPDX-License-Identifier: MIT
// Two goroutines that answer each other through the kernel, see park.cpp.
#include "sockets.hpp"

#include <atomic>
#include <cstdint>
#include <functional>

using namespace burrow;

namespace {

constexpr int nowhere = -1;

int own_worker() { return static_cast<int>(detail::current_worker()->index()); }

task<> answer(net::stream s, std::atomic<int>& at) {
  std::uint32_t message = 0;
  auto* const bytes = reinterpret_cast<char*>(&message);
  do {
    ++message;
    at = own_worker();
    (co_await s.write_all({bytes, sizeof(message)})).value();
  } while ((co_await s.read_full({bytes, sizeof(message)})).has_value());
}

/// Starts one that answers, on another worker.
task<bool> start_elsewhere(group& g, net::stream s, std::atomic<int>& at) {
  g.go(answer, std::move(s), std::ref(at));
  while (at == nowhere) {  // a whole turn long, so that another worker takes it
  }
  while (detail::current_worker()->stuck) co_await this_goroutine::yield();
  co_return at != own_worker();
}

/// How many are exchanged until both run on one worker, `most` at most. 0: one was wrong.
task<std::uint32_t> exchange(net::stream& s, const std::atomic<int>& at, std::uint32_t most) {
  std::uint32_t message = 0;
  auto* const bytes = reinterpret_cast<char*>(&message);
  for (std::uint32_t n = 1; n < most; ++n) {
    (co_await s.read_full({bytes, sizeof(message)})).value();
    if (message != n) co_return 0;
    if (at == own_worker()) co_return n;
    (co_await s.write_all({bytes, sizeof(message)})).value();
  }
  co_return most;
}

}  // namespace

TEST_CASE("partners: two that begin on two workers come to share one, and lose no message") {
  run_test(2, []() -> task<> {
    if (detail::current_worker()->owner().worker_count() < 2) {
      MESSAGE("only with two workers");
      co_return;
    }
    // With epoll a descriptor stays with the worker whose goroutine has waited for it first.
    const bool can_move = detail::current_worker()->io().takes_requests();
    const std::uint32_t most = can_move ? 100'000 : 1'000;
    for (bool are_apart = false; !are_apart;) {
      connection c = co_await connect_here();
      std::atomic<int> at = nowhere;
      co_await scope([&](group& g) -> task<> {
        are_apart = co_await start_elsewhere(g, c.server, at);
        if (are_apart) {
          const std::uint32_t exchanged = co_await exchange(c.client, at, most);
          CHECK(exchanged > 0);
          CHECK((exchanged < most || !can_move));
        }
        c.client.close().value();
      });
    }
  });
}
