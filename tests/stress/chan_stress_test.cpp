// SPDX-License-Identifier: MIT
// Channels under load: nothing is lost, nothing comes twice, everybody ends. With 1, 2 and 8
// workers.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <run_test.hpp>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace burrow;

namespace {

#if BURROW_ASAN || BURROW_TSAN
constexpr int factor = 1;
#else
constexpr int factor = 30;
#endif

constexpr int all_workers[] = {1, 2, 8};

struct pcg {
  std::uint64_t state;
  std::uint32_t operator()(std::uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33) % n;
  }
};

struct item {
  int producer = 0;
  int number = 0;
};

// An element that goes by copying bytes, and one that has a destructor.
item make_item(item i, item*) { return i; }
std::unique_ptr<item> make_item(item i, std::unique_ptr<item>*) {
  return std::make_unique<item>(i);
}
item look(const item& i) { return i; }
item look(const std::unique_ptr<item>& i) { return *i; }

/// What all consumers have seen.
struct tally {
  std::atomic<long> count{0};
  std::atomic<long> sum{0};
  std::atomic<long> disorder{0};
};

template <class T>
task<> produce(chan<T> to, int producer, int count, chan<> ended) {
  for (int i = 0; i < count; ++i) {
    switch (i % 3) {
      case 0: co_await to.send(make_item({producer, i}, static_cast<T*>(nullptr))); break;
      case 1:
        co_await select(to.send(make_item({producer, i}, static_cast<T*>(nullptr))),
                        chan<int>().recv());
        break;
      default: {
        T value = make_item({producer, i}, static_cast<T*>(nullptr));
        if (!to.try_send(std::move(value))) co_await to.send(std::move(value));
      }
    }
  }
  co_await ended.send();
}

template <class T>
task<> consume(chan<T> from, int producers, std::reference_wrapper<tally> result, chan<> ended) {
  tally& t = result;
  std::vector<int> last(static_cast<std::size_t>(producers), -1);
  for (int i = 0;; ++i) {
    T value{};
    bool ok = true;
    if (i % 3 == 0) {
      ok = co_await from.recv(value);
    } else if (i % 3 == 1) {
      co_await select(from.recv(value, ok), chan<int>().recv());
    } else if (from.try_recv(value) != recv_status::received) {
      ok = co_await from.recv(value);
    }
    if (!ok) break;
    const item got = look(value);
    ++t.count;
    t.sum += got.number;
    // Of each producer a consumer sees growing numbers (CH8).
    int& before = last[static_cast<std::size_t>(got.producer)];
    if (got.number <= before) ++t.disorder;
    before = got.number;
  }
  co_await ended.send();
}

template <class T>
void conserve(int workers, std::size_t capacity) {
  static constexpr int producers = 4;
  static constexpr int consumers = 3;
  static constexpr int each = 500 * factor;
  tally t;
  run_test(workers, [&t, capacity]() -> task<> {
    auto c = make_chan<T>(capacity);
    auto produced = make_chan<>();
    auto consumed = make_chan<>();
    for (int p = 0; p < producers; ++p) go(produce<T>, c, p, each, produced);
    for (int i = 0; i < consumers; ++i) go(consume<T>, c, producers, std::ref(t), consumed);
    for (int p = 0; p < producers; ++p) co_await produced.recv();
    c.close();
    for (int i = 0; i < consumers; ++i) co_await consumed.recv();
    CHECK(c.size() == 0);
  });
  CHECK(t.count == long{producers} * each);
  CHECK(t.sum == long{producers} * each * (each - 1) / 2);
  CHECK(t.disorder == 0);
}

}  // namespace

TEST_CASE("CH8 CH38: producers and consumers lose nothing and see nothing twice") {
  for (int workers : all_workers) {
    for (std::size_t capacity : {0, 1, 2, 64}) {
      CAPTURE(workers);
      CAPTURE(capacity);
      conserve<item>(workers, capacity);
      conserve<std::unique_ptr<item>>(workers, capacity);
    }
  }
}

TEST_CASE("CH38: plain threads among the goroutines") {
  for (int workers : all_workers) {
    auto c = make_chan<std::unique_ptr<item>>(3);
    auto results = make_chan<long>(8);
    constexpr int each = 300 * factor;
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([c] {
        for (int i = 0; i < each; ++i) c.send_blocking(std::make_unique<item>(item{9, i}));
      });
      threads.emplace_back([c, results] {
        long sum = 0;
        std::unique_ptr<item> p;
        while (c.recv_blocking(p)) sum += p->number;
        results.send_blocking(sum);
      });
    }
    long total = 0;
    run_test(workers, [&]() -> task<> {
      auto produced = make_chan<>();
      for (int g = 0; g < 2; ++g) {
        go(
            [](chan<std::unique_ptr<item>> to, chan<> ended) -> task<> {
              for (int i = 0; i < each; ++i) co_await to.send(std::make_unique<item>(item{8, i}));
              co_await ended.send();
            },
            c, produced);
        go(
            [](chan<std::unique_ptr<item>> from, chan<long> out) -> task<> {
              long sum = 0;
              while (std::optional<std::unique_ptr<item>> p = co_await from.recv()) {
                sum += (*p)->number;
              }
              co_await out.send(sum);
            },
            c, results);
      }
      for (int g = 0; g < 2; ++g) co_await produced.recv();
      co_await blocking([&] {
        threads[0].join();
        threads[2].join();
      });
      c.close();
      for (int i = 0; i < 4; ++i) {
        std::optional<long> sum = co_await results.recv();
        total += *sum;
      }
    });
    threads[1].join();
    threads[3].join();
    CHECK(total == 4L * each * (each - 1) / 2);
  }
}

TEST_CASE("CH18 CH20 CH24: a close among senders: each value is received, or its sender told") {
  for (int workers : all_workers) {
    CAPTURE(workers);
    run_test(workers, [workers]() -> task<> {
      pcg random{static_cast<std::uint64_t>(workers)};
      for (int round = 0; round < 150 * factor; ++round) {
        constexpr int senders = 6;
        auto c = make_chan<std::unique_ptr<int>>(random(3));
        auto outcomes = make_chan<int>(senders);
        for (int i = 0; i < senders; ++i) {
          go(
              [](chan<std::unique_ptr<int>> to, int value, chan<int> out) -> task<> {
                auto p = std::make_unique<int>(value);
                int sent = value;
                try {
                  co_await to.send(std::move(p));
                } catch (const closed_channel&) {
                  sent = 0;
                }
                CHECK((p != nullptr) == (sent == 0));
                co_await out.send(sent);
              },
              c, 1 << i, outcomes);
        }
        int received = 0;
        for (std::uint32_t i = random(senders); i > 0; --i) {
          std::optional<std::unique_ptr<int>> p = co_await c.recv();
          received += **p;
        }
        c.close();
        while (std::optional<std::unique_ptr<int>> p = co_await c.recv()) received += **p;
        int sent = 0;
        for (int i = 0; i < senders; ++i) {
          std::optional<int> outcome = co_await outcomes.recv();
          sent += *outcome;
        }
        CHECK(sent == received);
      }
    });
  }
}

TEST_CASE("CH33 CH34: what does not wait never fails on a channel that has a value or is closed") {
  // Go's TestNonblockRecvRace. A thread closes one channel after the other and then takes what is
  // in it; a goroutine looks at each once, when its turn is or has just been.
  constexpr std::size_t rounds = std::size_t{5000} * factor;
  std::vector<chan<int>> channels;
  for (std::size_t i = 0; i < rounds; ++i) {
    channels.push_back(make_chan<int>(1));
    channels.back().try_send(1);
  }
  std::atomic<std::size_t> turn{0};
  std::thread closer([&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      turn = i;
      channels[i].close();
      int v = 0;
      channels[i].try_recv(v);
    }
    turn = rounds;
  });
  int failures = 0;
  run_test(1, [&]() -> task<> {
    std::size_t last = rounds;
    for (;;) {
      const std::size_t i = turn;
      if (i == rounds) break;
      if (i == last) continue;
      last = i;
      int v = 0;
      if (i % 2 == 0) {
        failures += channels[i].try_recv(v) == recv_status::empty;
      } else {
        const int chosen = co_await select(channels[i].recv(v), otherwise);
        failures += chosen;
      }
    }
  });
  closer.join();
  CHECK(failures == 0);
}

TEST_CASE("CH33: a send that does not wait never fails while there is room at every instant") {
  auto c = make_chan<int>(2);
  std::atomic<bool> over{false};
  std::thread taker([&] {  // takes one out and puts it back: never more than one is inside
    int v = 0;
    while (!over) {
      if (c.try_recv(v) == recv_status::received) c.try_send(v);
    }
  });
  int failures = 0;
  for (int i = 0; i < 20'000 * factor; ++i) {
    failures += !c.try_send(i);
    int v = 0;
    while (c.try_recv(v) != recv_status::received) std::this_thread::yield();
  }
  over = true;
  taker.join();
  CHECK(failures == 0);
  CHECK(c.size() == 0);
}

TEST_CASE("CH36: a hundred thousand selects wait on one channel, and leave it in any order") {
  static constexpr std::size_t many = 100'000;
  run_test(2, []() -> task<> {
    auto popular = make_chan<int>();
    auto left = make_chan<>(64);
    std::vector<chan<int>> own;
    own.reserve(many);
    for (std::size_t i = 0; i < many; ++i) {
      own.push_back(make_chan<int>());
      go(
          [](chan<int> shared, chan<int> mine, chan<> out) -> task<> {
            const int chosen = co_await select(shared.recv(), mine.recv());
            CHECK(chosen == 1);
            co_await out.send();
          },
          popular, own.back(), left);
    }
    co_await until_quiet();
    // From the middle of the queue, where a search would take longest.
    pcg random{36};
    for (std::size_t i = many - 1; i > 0; --i) {
      std::swap(own[i], own[random(static_cast<std::uint32_t>(i) + 1)]);
    }
    for (auto& c : own) c.close();
    for (std::size_t i = 0; i < many; ++i) co_await left.recv();
    CHECK_FALSE(popular.try_send(1));
  });
}

TEST_CASE("CH17: a close wakes a hundred thousand receivers") {
  static constexpr int many = 100'000;
  run_test(2, []() -> task<> {
    auto c = make_chan<int>();
    auto results = make_chan<bool>(64);
    for (int i = 0; i < many; ++i) {
      go(
          [](chan<int> from, chan<bool> out) -> task<> {
            int v = 5;
            bool ok = co_await from.recv(v);
            co_await out.send(!ok && v == 0);
          },
          c, results);
    }
    co_await until_quiet();
    c.close();
    int right = 0;
    for (int i = 0; i < many; ++i) {
      std::optional<bool> told = co_await results.recv();
      right += *told;
    }
    CHECK(right == many);
  });
}

TEST_CASE("SE17 CH38: Contexts end while their goroutines send and receive") {
  for (int workers : all_workers) {
    CAPTURE(workers);
    run_test(workers, [workers]() -> task<> {
      pcg random{static_cast<std::uint64_t>(workers) + 7};
      for (int round = 0; round < 60 * factor; ++round) {
        constexpr int pairs = 5;
        auto c = make_chan<std::unique_ptr<int>>(random(2));
        auto sent = make_chan<int>(pairs);
        auto received = make_chan<int>(pairs);
        std::vector<cancel_function> cancels;
        for (int i = 0; i < pairs; ++i) {
          auto [ctx, cancel] = with_cancel(background());
          go(
              [](context own, chan<std::unique_ptr<int>> to, int value, chan<int> out) -> task<> {
                auto p = std::make_unique<int>(value);
                std::error_code error = co_await to.send(own, std::move(p));
                CHECK((p != nullptr) == static_cast<bool>(error));
                co_await out.send(error ? 0 : value);
              },
              ctx, c, 1 << i, sent);
          go(
              [](context own, chan<std::unique_ptr<int>> from, chan<int> out) -> task<> {
                std::optional<std::unique_ptr<int>> p = co_await from.recv(own);
                co_await out.send(p ? **p : 0);
              },
              ctx, c, received);
          cancels.push_back(std::move(cancel));
        }
        if (random(2) == 0) co_await this_goroutine::yield();
        for (auto& cancel : cancels) cancel();
        int out = 0;
        int in = 0;
        for (int i = 0; i < pairs; ++i) {
          std::optional<int> s = co_await sent.recv();
          std::optional<int> r = co_await received.recv();
          out += *s;
          in += *r;
        }
        c.close();
        while (std::optional<std::unique_ptr<int>> p = co_await c.recv()) in += **p;
        CHECK(out == in);
      }
    });
  }
}

TEST_CASE("channels are made, used and dropped at once on all workers") {
  auto held = std::make_shared<int>(0);
  for (int workers : all_workers) {
    run_test(workers, [held]() -> task<> {
      auto ended = make_chan<>();
      for (int g = 0; g < 8; ++g) {
        go(
            [](std::shared_ptr<int> value, chan<> end) -> task<> {
              for (int i = 0; i < 200 * factor; ++i) {
                // The handle of the one side is gone before the other side has run.
                auto c = make_chan<std::shared_ptr<int>>(static_cast<std::size_t>(i % 2));
                go([](chan<std::shared_ptr<int>> to,
                      std::shared_ptr<int> v) -> task<> { co_await to.send(v); },
                   c, value);
                std::optional<std::shared_ptr<int>> got = co_await std::exchange(c, {}).recv();
                CHECK(got);
              }
              co_await end.send();
            },
            held, ended);
      }
      for (int g = 0; g < 8; ++g) co_await ended.recv();
    });
    CHECK(held.use_count() == 1);
  }
}
