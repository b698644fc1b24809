// SPDX-License-Identifier: MIT
// Contexts: what Go's own tests assert and no other test here does. docs/go-tests.md tells which is
// which.
#include <doctest/doctest.h>
// behind doctest.h
#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>
#include <chrono>
#include <context_test.hpp>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <run_test.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

using namespace burrow;
using namespace std::chrono_literals;

namespace {

/// Adds nothing but a node, and can be ended from outside.
class wrapper : public custom_context {
 public:
  using custom_context::custom_context;
  wrapper() = default;
  using custom_context::end;
};

context wrapped(const context& parent) { return make_context<wrapper>(parent); }
void end(const context& ctx) { custom_cast<wrapper>(ctx)->end(errc::canceled); }

task<bool> has_ended(context ctx) {
  const int chosen = co_await select(ctx.done(), otherwise);
  co_return chosen == 0;
}

/// Cancel objects that live until the case ends, whatever they cancel.
using cancels = std::vector<std::variant<cancel_function, cancel_cause_function>>;

std::runtime_error because(const char* text) { return std::runtime_error(text); }

/// How a Context came to its end, and what has to be seen of it.
struct ending {
  const char* name;
  std::function<context(cancels&)> make;
  std::error_code err;
  const char* cause;
};

const std::error_code canceled = errc::canceled;
const std::error_code exceeded = errc::deadline_exceeded;
constexpr const char* by_cancel = "context canceled";
constexpr const char* by_deadline = "context deadline exceeded";
constexpr auto forever = 1'000'000s;

/// A child below a parent that takes a cause, after `f(cancel of the parent, cancel of the child)`.
template <class MakeChild, class F>
context below_parent(cancels& kept, MakeChild make_child, F f) {
  auto [up, cancel_up] = with_cancel_cause(background());
  auto [ctx, cancel] = make_child(up);
  f(cancel_up, cancel);
  context result = ctx;
  kept.emplace_back(std::move(cancel_up));
  kept.emplace_back(std::move(cancel));
  return result;
}

context with_own_cause(cancels& kept, bool parent_first) {
  return below_parent(kept, with_cancel_cause, [&](auto& up, auto& own) {
    if (parent_first) up(because("parent"));
    own(because("child"));
    up(because("parent"));
  });
}

context without_own_cause(cancels& kept, bool parent_first) {
  return below_parent(kept, with_cancel, [&](auto& up, auto& own) {
    if (parent_first) up(because("parent"));
    own();
    up(because("parent"));
  });
}

context below_one_without_cause(cancels& kept, bool parent_first) {
  return below_parent(kept, with_cancel_cause, [&](auto& up, auto& own) {
    if (parent_first) up();
    own(because("child"));
    up();
  });
}

context timed(cancels& kept, std::chrono::seconds d, bool finished_early) {
  const auto slow = [d](const context& up) {
    return with_timeout_cause(up, d, because("too slow"));
  };
  return below_parent(kept, slow, [&](auto& up, auto& own) {
    if (finished_early) up(because("finished"));
    own();
  });
}

context custom_below(cancels& kept, bool parent_first, bool parent_at_all) {
  auto [up, cancel] = with_cancel_cause(background());
  context ctx = wrapped(up);
  if (parent_first) cancel(because("parent"));
  end(ctx);
  if (parent_at_all) cancel(because("parent"));
  kept.emplace_back(std::move(cancel));
  return ctx;
}

std::vector<ending> endings() {
  return {
      {"background", [](cancels&) { return background(); }, {}, "none"},
      {"todo", [](cancels&) { return todo(); }, {}, "none"},
      {"a cause, parent first", [](cancels& c) { return with_own_cause(c, true); }, canceled,
       "parent"},
      {"a cause, child first", [](cancels& c) { return with_own_cause(c, false); }, canceled,
       "child"},
      {"no cause, parent first", [](cancels& c) { return without_own_cause(c, true); }, canceled,
       "parent"},
      {"no cause, child first", [](cancels& c) { return without_own_cause(c, false); }, canceled,
       by_cancel},
      {"parent without a cause first", [](cancels& c) { return below_one_without_cause(c, true); },
       canceled, by_cancel},
      {"parent without a cause later", [](cancels& c) { return below_one_without_cause(c, false); },
       canceled, "child"},
      {"timeout passed", [](cancels& c) { return timed(c, 0s, false); }, exceeded, "too slow"},
      {"timeout passed, then the parent", [](cancels& c) { return timed(c, 0s, true); }, exceeded,
       "too slow"},
      {"timeout cancelled", [](cancels& c) { return timed(c, forever, false); }, canceled,
       by_cancel},
      {"timeout cancelled by the parent", [](cancels& c) { return timed(c, forever, true); },
       canceled, "finished"},
      {"custom alone", [](cancels& c) { return custom_below(c, false, false); }, canceled,
       by_cancel},
      {"custom, parent first", [](cancels& c) { return custom_below(c, true, true); }, canceled,
       "parent"},
      // Go finds the parent's cause here, and calls that not really right.
      {"custom, parent later", [](cancels& c) { return custom_below(c, false, true); }, canceled,
       by_cancel},
      {"cut off from a cause",
       [](cancels& c) { return without_cancel(with_own_cause(c, true)); },
       {},
       "none"},
      {"cut off from a timeout",
       [](cancels& c) { return without_cancel(timed(c, 0s, true)); },
       {},
       "none"},
  };
}

/// Ways to derive what ends with its parent.
using derivation = derived_context<cancel_function> (*)(const context&);
constexpr derivation derivations[] = {
    [](const context& up) { return with_cancel(up); },
    [](const context& up) { return with_timeout(up, forever); },
};

}  // namespace

TEST_CASE("CX28 CX30 CX31 CX32 CX34 CX36: error and cause of every way to end") {
  synctest::test([]() -> task<> {
    for (const ending& one : endings()) {
      CAPTURE(one.name);
      cancels kept;
      const context ctx = one.make(kept);
      CHECK(ctx.err() == one.err);
      CHECK(why(ctx) == one.cause);
    }
    auto [ctx, cancel] = with_timeout(background(), 0s);
    cancel();
    CHECK(why(ctx) == by_deadline);
    co_return;
  });
}

TEST_CASE("CX10 CX53: cancel has ended what stands behind a custom Context when it returns") {
  synctest::test([]() -> task<> {
    auto [first, cancel] = with_cancel(background());
    const context custom = wrapped(first);
    auto [last, cancel_last] = with_cancel(custom);
    const std::vector<context> all{first, custom, last};
    for (const context& ctx : all) {
      const bool ended = co_await has_ended(ctx);
      CHECK_FALSE(ended);
      CHECK_FALSE(ctx.err());
    }
    cancel();
    for (const context& ctx : all) {
      const bool ended = co_await has_ended(ctx);
      CHECK(ended);
      CHECK(ctx.err() == errc::canceled);
    }
  });
}

TEST_CASE("CX21 CX24 CX25 CX53: a deadline ends what it is for, through custom Contexts, too") {
  synctest::test([]() -> task<> {
    const auto begin = runtime_clock::now();
    auto [plain, cancel_plain] = with_deadline(background(), begin + 1s);
    CHECK(to_string(plain).starts_with("context.Background.WithDeadline("));
    auto [timeout, cancel_timeout] = with_timeout(background(), 1s);
    CHECK(to_string(timeout).starts_with("context.Background.WithDeadline("));
    const context custom = wrapped(plain);
    auto [late, cancel_late] = with_timeout(custom, 1000h);
    for (const context& ctx : {plain, timeout, custom, late}) CHECK(ctx.deadline() == begin + 1s);
    for (const context& ctx : {plain, timeout, custom, late}) {
      co_await ctx.done();
      CHECK(ctx.err() == errc::deadline_exceeded);
      CHECK(runtime_clock::now() == begin + 1s);
    }
    for (auto d : {0s, -1s}) {
      auto [past, cancel] = with_timeout(background(), d);
      const bool ended = co_await has_ended(past);
      CHECK(ended);
      CHECK(past.err() == errc::deadline_exceeded);
    }
  });
}

TEST_CASE("CX26: a timeout below a custom Context with an earlier one is cancelled at once") {
  synctest::test([]() -> task<> {
    auto [up, cancel_up] = with_timeout(background(), 1s);
    auto [ctx, cancel] = with_timeout(wrapped(up), 1000h);
    cancel();
    const bool ended = co_await has_ended(ctx);
    CHECK(ended);
    CHECK(ctx.err() == errc::canceled);
    CHECK_FALSE(up.err());
  });
}

namespace {

/// Thirty layers or more of values, cancels and timeouts, in any order.
struct layers {
  using value_key = context_key<std::size_t>;

  layers(std::uint64_t seed, std::chrono::nanoseconds timeout) : random(seed) {
    while (made < 30 || keys.empty() || cancels.empty() || !timed) {
      switch (random() % 3) {
        case 0:
          keys.push_back(std::make_unique<value_key>("layer"));
          ctx = with_value(ctx, *keys.back(), keys.size());
          break;
        case 1: put([this] { return with_cancel(ctx); }); break;
        default:
          put([this, timeout] { return with_timeout(ctx, timeout); });
          timed = true;
          break;
      }
      ++made;
    }
  }

  bool has_all_values() const {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::size_t* found = ctx.value(*keys[i]);
      if (found == nullptr || *found != i + 1) return false;
    }
    return true;
  }

  std::mt19937_64 random;
  context ctx = background();
  std::vector<std::unique_ptr<value_key>> keys;
  std::vector<cancel_function> cancels;
  int made = 0;
  bool timed = false;

 private:
  template <class Derive>
  void put(Derive derive) {
    auto [next, cancel] = derive();
    ctx = next;
    cancels.push_back(std::move(cancel));
  }
};

}  // namespace

TEST_CASE("CX10 CX42: many layers end by the cancel of any of them, and keep their values") {
  synctest::test({.runs = 50}, []() -> task<> {
    layers all(synctest::seed(), 1000h);
    CHECK(to_string(all.ctx).starts_with("context.Background."));
    bool ended = co_await has_ended(all.ctx);
    CHECK_FALSE(ended);
    CHECK(all.has_all_values());
    all.cancels[all.random() % all.cancels.size()]();
    ended = co_await has_ended(all.ctx);
    CHECK(ended);
    CHECK(all.has_all_values());
  });
}

TEST_CASE("CX25 CX42: many layers end by their timeouts, and keep their values") {
  synctest::test({.runs = 50}, []() -> task<> {
    layers all(synctest::seed(), 1ms);
    CHECK(all.has_all_values());
    co_await all.ctx.done();
    CHECK(all.ctx.err() == errc::deadline_exceeded);
    CHECK(all.has_all_values());
  });
}

// --- what Go reaches through the method AfterFunc of a custom Context ----------------------------

TEST_CASE("CX55: what is derived from a custom Context ends with it") {
  synctest::test([]() -> task<> {
    for (const derivation derive : derivations) {
      const context custom = make_context<wrapper>();
      auto [ctx, cancel] = derive(custom);
      auto called = make_chan<>();
      auto stop = after_func(custom, [called] { called.close(); });
      CHECK(children_of(custom) == 2);
      end(custom);
      CHECK(ctx.err() == errc::canceled);
      co_await ctx.done();
      co_await called.recv();
      CHECK_FALSE(stop());
    }
  });
}

TEST_CASE("CX55 CX58: what is derived from a custom Context leaves it when it ends before") {
  synctest::test([]() -> task<> {
    const context custom = make_context<wrapper>();
    for (const derivation derive : derivations) {
      auto [ctx, cancel] = derive(custom);
      CHECK(children_of(custom) == 1);
      cancel();
      CHECK(ctx.err() == errc::canceled);
      CHECK(children_of(custom) == 0);
    }
    auto [timed, cancel] = with_timeout(custom, 1s);
    co_await timed.done();
    CHECK(timed.err() == errc::deadline_exceeded);
    CHECK(children_of(custom) == 0);
    bool called = false;
    auto stop = after_func(custom, [&called] { called = true; });
    CHECK(children_of(custom) == 1);
    CHECK(stop());
    CHECK(children_of(custom) == 0);
    CHECK_FALSE(custom.err());
    end(custom);
    co_await synctest::wait();
    CHECK_FALSE(called);
  });
}

TEST_CASE("CX33 CX56: a child has the cause from above its custom parent") {
  synctest::test([]() -> task<> {
    auto [top, cancel_top] = with_cancel_cause(background());
    const context custom = wrapped(top);
    auto [child, cancel] = with_cancel(custom);
    cancel_top(because("from above"));
    end(custom);
    co_await child.done();
    CHECK(child.err() == errc::canceled);
    CHECK(why(child) == "from above");
  });
}

// --- signals -------------------------------------------------------------------------------------

TEST_CASE("SG7: signals that come at once, and later ones, end a Context and not the program") {
  for (int times : {1, 10}) {
    run_test(2, [times]() -> task<> {
      auto [ctx, stop] = signal::notify_context(background(), {SIGINT});
      wait_group wg;
      for (int i = 0; i < times; ++i) {
        wg.go([] { ::raise(SIGINT); });
      }
      co_await wg.wait();
      co_await ctx.done();
      CHECK(why(ctx) == "interrupt signal received");
      ::raise(SIGINT);
    });
  }
}

TEST_CASE("SG8: stop from ten goroutines at once") {
  run_test(4, []() -> task<> {
    auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1});
    const auto& stop_it = stop;
    wait_group wg;
    for (int i = 0; i < 10; ++i) {
      wg.go([&stop_it] { stop_it(); });
    }
    co_await wg.wait();
    co_await ctx.done();
    CHECK(ctx.err() == errc::canceled);
    CHECK(why(ctx) == by_cancel);
  });
}

TEST_CASE("SG8: a signal that was ignored is ignored again after stop") {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  {
    auto [parent, cancel] = with_cancel(background());
    auto [ctx, stop] = signal::notify_context(parent, {SIGHUP});
    CHECK(to_string(ctx) == "signal.NotifyContext(context.Background.WithCancel, [hangup])");
    ::raise(SIGHUP);
    run_test(1, [&ctx = ctx]() -> task<> { co_await ctx.done(); });
    CHECK(why(ctx) == "hangup signal received");
    stop();
    ::raise(SIGHUP);
  }
  const bool ignored = std::signal(SIGHUP, before) == SIG_IGN;
  CHECK(ignored);
}
