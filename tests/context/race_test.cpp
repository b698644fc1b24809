// SPDX-License-Identifier: MIT
// Threads that derive, cancel, await and give back at the same time.
#include <doctest/doctest.h>

#include <atomic>
#include <burrow/context.hpp>
#include <context_test.hpp>
#include <cstddef>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using namespace burrow;

namespace {

constexpr int rounds = 400;

/// Lets threads begin together: spins until `count` of them are here.
class starting_line {
 public:
  explicit starting_line(int count) : missing_(count) {}
  void wait() {
    missing_.fetch_sub(1);
    while (missing_.load() > 0) std::this_thread::yield();
  }

 private:
  std::atomic<int> missing_;
};

/// A tree with `fan` children a node, made breadth first.
struct tree {
  std::vector<context> nodes;
  std::vector<cancel_function> cancels;

  tree(const context& root, std::size_t size, std::size_t fan) {
    for (std::size_t i = 0; i < size; ++i) {
      auto [ctx, cancel] = with_cancel(i == 0 ? root : nodes[(i - 1) / fan]);
      nodes.push_back(std::move(ctx));
      cancels.push_back(std::move(cancel));
    }
  }
  std::size_t alive() const {
    std::size_t n = 0;
    for (const context& ctx : nodes) n += ctx.err() ? 0 : 1;
    return n;
  }
  /// Of the nodes below (and with) the first child of the root; for a fan of 2.
  std::size_t alive_below_first_child() const {
    std::size_t n = 0;
    for (std::size_t begin = 1, count = 1; begin < nodes.size();
         begin = 2 * begin + 1, count *= 2) {
      for (std::size_t i = begin; i < begin + count && i < nodes.size(); ++i) {
        n += nodes[i].err() ? 0 : 1;
      }
    }
    return n;
  }
};

}  // namespace

TEST_CASE("CX10 CX11: every caller of cancel returns only when all below is done") {
  for (int round = 0; round < rounds; ++round) {
    auto [root, cancel] = with_cancel(background());
    const tree t(root, 500, round % 2 == 0 ? 2 : 499);
    starting_line line(3);
    std::atomic<std::size_t> alive{0};
    const auto cancel_and_count = [&, trigger = cancel.trigger()] {
      line.wait();
      trigger();
      alive += t.alive();
    };
    std::thread a(cancel_and_count);
    std::thread b(cancel_and_count);
    cancel_and_count();
    a.join();
    b.join();
    CHECK(alive == 0);
  }
}

TEST_CASE("CX10 CX11: cancels that begin at a node and above it wait for each other") {
  for (int round = 0; round < rounds; ++round) {
    auto [root, cancel] = with_cancel(background());
    tree t(root, 1023, 2);
    starting_line line(3);
    std::atomic<std::size_t> alive{0};
    std::thread below([&] {
      line.wait();
      t.cancels[1]();
      alive += t.alive_below_first_child();
    });
    std::thread far_below([&] {
      line.wait();
      for (std::size_t i = 1000; i < 1023; ++i) t.cancels[i]();
      for (std::size_t i = 3; i < 30; ++i) t.cancels[i]();
    });
    line.wait();
    cancel();
    alive += t.alive();
    below.join();
    far_below.join();
    CHECK(alive == 0);
  }
}

TEST_CASE("CX16: children cancelled by those who see the parent done, while it propagates") {
  for (int round = 0; round < rounds; ++round) {
    auto [root, cancel] = with_cancel(background());
    tree t(root, 400, 20);
    std::vector<std::thread> threads;
    for (std::size_t k = 0; k < 3; ++k) {
      threads.emplace_back([&t, k, root = root] {
        while (!root.err()) std::this_thread::yield();
        for (std::size_t i = k; i < t.cancels.size(); i += 3) t.cancels[i]();
      });
    }
    cancel();
    CHECK(t.alive() == 0);
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_CASE("CX19: a child that is derived while its parent is being cancelled is not missed") {
  for (int round = 0; round < rounds; ++round) {
    auto [root, cancel] = with_cancel_cause(background());
    starting_line line(3);
    std::atomic<int> missed{0};
    const auto derive = [&, through = cancel.trigger()] {
      line.wait();
      std::vector<context> kids;
      std::vector<cancel_function> cancels;
      do {
        auto [ctx, k] = with_cancel(kids.size() % 2 == 0 ? root : kids.back());
        kids.push_back(std::move(ctx));
        cancels.push_back(std::move(k));
      } while (!root.err() && kids.size() < 2000);
      while (!root.err()) std::this_thread::yield();
      auto [born_late, k] = with_cancel(kids.back());
      k();
      through();  // returns when who cancels the root is through
      for (const context& ctx : kids) {
        if (!ctx.err() || ctx.cause() != root.cause()) ++missed;
      }
    };
    std::thread a(derive);
    std::thread b(derive);
    line.wait();
    for (int spin = 0; spin < round % 50; ++spin) std::this_thread::yield();
    cancel(std::runtime_error("the cause"));
    a.join();
    b.join();
    CHECK(missed == 0);
    CHECK(children_of(root) == 0);
  }
}

TEST_CASE("cancel objects and handles go while the parent is being cancelled") {
  for (int round = 0; round < rounds; ++round) {
    auto [root, cancel] = with_cancel(background());
    std::optional<tree> t(std::in_place, root, 200, 6);
    starting_line line(3);
    std::thread front([&, some = std::vector<cancel_function>(
                              std::make_move_iterator(t->cancels.begin()),
                              std::make_move_iterator(t->cancels.begin() + 100))]() mutable {
      line.wait();
      some.clear();
    });
    std::thread back([&, all = std::move(t)]() mutable {
      line.wait();
      all->nodes.clear();
      while (!all->cancels.empty()) all->cancels.pop_back();
    });
    t.reset();
    line.wait();
    cancel();
    front.join();
    back.join();
    CHECK(children_of(root) == 0);
  }
}

TEST_CASE("CX4 CX5: done and the error agree at every instant, on every thread") {
  for (int round = 0; round < rounds; ++round) {
    auto [root, cancel] = with_cancel(background());
    auto [child, cancel_child] = with_cancel(root);
    std::atomic<int> wrong{0};
    std::thread watcher([&, child = child, root = root] {
      for (;;) {
        const bool done = child.done().ready();
        const bool failed = static_cast<bool>(child.err());
        if (done && !failed) ++wrong;
        if (failed && !child.done().ready()) ++wrong;
        if (failed && !child.cause()) ++wrong;
        if (failed && !root.err()) ++wrong;  // the parent ends first
        if (failed) break;
      }
    });
    cancel();
    watcher.join();
    CHECK(wrong == 0);
  }
}

TEST_CASE("with_cancel and cancel under one parent, from several threads") {
  auto [root, cancel] = with_cancel(background());
  std::vector<std::thread> threads;
  for (int k = 0; k < 3; ++k) {
    threads.emplace_back([root = root] {
      for (int i = 0; i < 20'000; ++i) {
        auto [ctx, cancel_it] = with_cancel(root);
        cancel_it();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(children_of(root) == 0);
}
