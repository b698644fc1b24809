// SPDX-License-Identifier: MIT
// Real signals, sent by this process to itself.
#include "run_test.hpp"

#include <burrow/burrow.hpp>

#include <csignal>
#include <doctest/doctest.h>
#include <string>
#include <system_error>

using namespace burrow;

namespace {

/// What left the Context, as its cause says.
std::string cause_text(const context& ctx) {
  try {
    std::rethrow_exception(ctx.cause());
  } catch (const std::exception& e) {
    return e.what();
  }
}

void (*action_of(int number))(int) {
  struct sigaction action{};
  ::sigaction(number, nullptr, &action);
  return action.sa_handler;
}

}  // namespace

TEST_CASE("SG4 SG5 SG6: a signal ends the Context as canceled, and its cause names the signal") {
  run_test(2, []() -> task<> {
    auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1, SIGUSR2});
    CHECK_FALSE(ctx.err());
    ::raise(SIGUSR2);
    co_await ctx.done();
    CHECK(ctx.err() == errc::canceled);
    CHECK(cause_text(ctx) == "user defined signal 2 signal received");
    bool is_canceled = false;
    try {
      std::rethrow_exception(ctx.cause());
    } catch (const std::system_error& e) {
      is_canceled = e.code() == errc::canceled;
    }
    CHECK(is_canceled);
  });
}

TEST_CASE("SG4 SG6: stop ends it as well, with canceled as the cause") {
  auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1});
  stop();
  CHECK(ctx.err() == errc::canceled);
  CHECK(cause_text(ctx).find("signal") == std::string::npos);
}

TEST_CASE("SG4 SG6: the parent's end is its end, with the parent's cause") {
  auto [parent, cancel] = with_cancel_cause(background());
  auto [ctx, stop] = signal::notify_context(parent, {SIGUSR1});
  cancel(std::runtime_error("enough"));
  CHECK(ctx.err() == errc::canceled);
  CHECK(cause_text(ctx) == "enough");
}

TEST_CASE(
    "SG7 SG8: the handler stays until stop, which restores the former action, any number of "
    "times") {
  const auto before = action_of(SIGUSR1);
  run_test(2, []() -> task<> {
    auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1});
    ::raise(SIGUSR1);
    co_await ctx.done();
    ::raise(SIGUSR1);  // swallowed: the default would end the process
    stop();
    stop();
  });
  CHECK((action_of(SIGUSR1) == before));
}

TEST_CASE("SG8: two subscriptions of a signal; the handler goes with the last") {
  const auto before = action_of(SIGUSR1);
  auto [first, stop_first] = signal::notify_context(background(), {SIGUSR1});
  auto [second, stop_second] = signal::notify_context(background(), {SIGUSR1});
  stop_first();
  CHECK((action_of(SIGUSR1) != before));
  CHECK_FALSE(second.err());
  stop_second();
  CHECK((action_of(SIGUSR1) == before));
}

TEST_CASE("SG9: a parent that has ended gives a Context that has ended; stop still unsubscribes") {
  const auto before = action_of(SIGUSR1);
  auto [parent, cancel] = with_cancel(background());
  cancel();
  auto [ctx, stop] = signal::notify_context(parent, {SIGUSR1});
  CHECK(ctx.err() == errc::canceled);
  stop();
  CHECK((action_of(SIGUSR1) == before));
}

TEST_CASE("SG10: it prints its parent and its signals") {
  auto [ctx, stop] = signal::notify_context(background(), {SIGINT, SIGTERM});
  CHECK(to_string(ctx) == "signal.NotifyContext(context.Background, [interrupt terminated])");
}

TEST_CASE("signals that cannot be caught, none at all, and a nil parent are refused") {
  CHECK_THROWS_AS((void)signal::notify_context(background(), {SIGKILL}), std::invalid_argument);
  CHECK_THROWS_AS((void)signal::notify_context(background(), {0}), std::invalid_argument);
  CHECK_THROWS_AS((void)signal::notify_context(background(), {}), std::invalid_argument);
  CHECK_THROWS_AS((void)signal::notify_context(context(), {SIGUSR1}), std::invalid_argument);
}
