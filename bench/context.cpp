// SPDX-License-Identifier: MIT
//
// Contexts: making and cancelling one, a wide tree, a deep chain, values, and asking for the error.
#include "harness.hpp"

#include <array>

using namespace burrow;
using namespace std::chrono_literals;

namespace bench {
namespace {

constexpr int pairs = 1'000'000;
constexpr int lookups = 10'000'000;

constexpr std::array<context_key<int>, 10> keys{
    context_key<int>{"0"}, context_key<int>{"1"}, context_key<int>{"2"}, context_key<int>{"3"},
    context_key<int>{"4"}, context_key<int>{"5"}, context_key<int>{"6"}, context_key<int>{"7"},
    context_key<int>{"8"}, context_key<int>{"9"}};
constexpr context_key<int> missing_key{"missing"};

/// Contexts with what cancels them. Go drops the cancel functions; here they cancel when they go.
struct family {
  std::vector<context> members;
  std::vector<cancel_function> cancels;

  explicit family(std::size_t size) {
    members.reserve(size);
    cancels.reserve(size);
  }
  void add_child_of(const context& parent) {
    auto [ctx, cancel] = with_cancel(parent);
    members.push_back(std::move(ctx));
    cancels.push_back(std::move(cancel));
  }
};

task<> make_and_cancel(const context& bg, const context& parent) {
  co_await repeat("ctx_withcancel_cancel_bg", "ns", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < pairs; ++i) {
      auto [ctx, cancel] = with_cancel(bg);
      cancel();
    }
    co_return watch.ns_per(pairs);
  });
  co_await repeat("ctx_withcancel_cancel_child", "ns", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < pairs; ++i) {
      auto [ctx, cancel] = with_cancel(parent);
      cancel();
    }
    co_return watch.ns_per(pairs);
  });
  // Go makes the done channel at the first Done(); here that is an operation, and makes nothing.
  co_await repeat("ctx_withcancel_done_cancel_child", "ns", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < pairs; ++i) {
      auto [ctx, cancel] = with_cancel(parent);
      {
        auto done = ctx.done();
        keep(done);
      }
      cancel();
    }
    co_return watch.ns_per(pairs);
  });
  co_await repeat("ctx_withtimeout_cancel_bg", "ns", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < pairs; ++i) {
      auto [ctx, cancel] = with_timeout(bg, 1h);
      cancel();
    }
    co_return watch.ns_per(pairs);
  });
  co_await repeat("ctx_withtimeout_cancel_child", "ns", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < pairs; ++i) {
      auto [ctx, cancel] = with_timeout(parent, 1h);
      cancel();
    }
    co_return watch.ns_per(pairs);
  });
}

void wide_tree(const context& bg) {
  constexpr int children = 100'000;
  std::vector<double> creating;
  std::vector<double> cancelling;
  for (int r = 0; r < config().reps; ++r) {
    auto [root, cancel] = with_cancel(bg);
    family kids(children);
    stopwatch create;
    for (int i = 0; i < children; ++i) kids.add_child_of(root);
    creating.push_back(create.ns_per(children));
    stopwatch end;
    cancel();
    cancelling.push_back(end.ns_per(children));
    check(kids.members.back().err() && kids.members.front().err(), "tree cancelled");
  }
  report("ctx_tree100k_create", creating, "ns/child");
  report("ctx_tree100k_cancel", cancelling, "ns/child");
}

void deep_chain(const context& bg) {
  constexpr int depth = 1000;
  std::vector<double> creating;
  std::vector<double> cancelling;
  for (int r = 0; r < config().reps * 20; ++r) {
    auto [root, cancel] = with_cancel(bg);
    family levels(depth);
    stopwatch create;
    levels.add_child_of(root);
    for (int i = 1; i < depth; ++i) levels.add_child_of(levels.members.back());
    creating.push_back(create.ns_per(depth));
    stopwatch end;
    cancel();
    cancelling.push_back(end.us());
    check(static_cast<bool>(levels.members.back().err()), "chain cancelled");
  }
  report("ctx_chain1000_create", creating, "ns/level");
  report("ctx_chain1000_cancel", cancelling, "us");
}

task<> values_and_errors(const context& parent) {
  context v = parent;
  for (std::size_t i = 0; i < keys.size(); ++i) v = with_value(v, keys[i], static_cast<int>(i));
  co_await repeat("ctx_value_depth10", "ns", [&]() -> task<double> {
    stopwatch watch;
    int sum = 0;
    for (int i = 0; i < lookups; ++i) sum += *v.value(keys[0]);  // the farthest of the ten
    double value = watch.ns_per(lookups);
    check(sum == 0, "value");
    co_return value;
  });
  co_await repeat("ctx_value_missing_depth10", "ns", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < lookups; ++i) {
      if (v.value(missing_key) != nullptr) check(false, "value");
    }
    co_return watch.ns_per(lookups);
  });
  co_await repeat("ctx_err", "ns", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < lookups; ++i) {
      if (parent.err()) check(false, "err");
    }
    co_return watch.ns_per(lookups);
  });
  co_await repeat("ctx_err_depth10values", "ns", [&]() -> task<double> {
    stopwatch watch;
    for (int i = 0; i < lookups; ++i) {
      if (v.err()) check(false, "err");
    }
    co_return watch.ns_per(lookups);
  });
  // Two goroutines share one Context.
  co_await repeat("ctx_err_2threads_ns_per_op", "ns", [&]() -> task<double> {
    wait_group wg;
    stopwatch watch;
    for (int g = 0; g < 2; ++g) {
      wg.add(1);
      go([&]() -> task<> {
        for (int i = 0; i < lookups / 2; ++i) {
          if (parent.err()) check(false, "err");
        }
        wg.done();
        co_return;
      });
    }
    co_await wg.wait();
    co_return watch.ns_per(lookups);
  });
}

}  // namespace

task<> contexts() {
  context bg = background();
  auto [parent, cancel] = with_cancel(bg);
  co_await make_and_cancel(bg, parent);
  wide_tree(bg);
  deep_chain(bg);
  co_await values_and_errors(parent);
}

}  // namespace bench
