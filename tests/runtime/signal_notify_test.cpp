// SPDX-License-Identifier: MIT
// Signals that are sent to channels. Real ones, sent by this process to itself.
//
// What is to be found lost is looked for behind a witness: a channel that subscribed later, and so
// is told later.
#include "run_test.hpp"

#include <burrow/burrow.hpp>
#include <burrow/testing.hpp>

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <initializer_list>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace burrow;

namespace {

std::atomic<int> times_former{0};

/// The action that a test has set for some signals: counts them.
class counting_action {
 public:
  explicit counting_action(std::initializer_list<int> signals) : signals_(signals) {
    times_former = 0;
    for (const int number : signals_) std::signal(number, [](int) { ++times_former; });
  }
  counting_action(const counting_action&) = delete;
  counting_action& operator=(const counting_action&) = delete;
  ~counting_action() {
    for (const int number : signals_) std::signal(number, SIG_DFL);
  }

 private:
  std::vector<int> signals_;
};

void (*action_of(int number))(int) {
  struct sigaction action{};
  ::sigaction(number, nullptr, &action);
  return action.sa_handler;
}

/// What notify() says of what it refuses.
std::string refusal(const send_chan<int>& to, int number) {
  try {
    signal::notify(to, {number});
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing";
}

void wait_for_end(const context& ctx) {
  run_test(1, [&ctx]() -> task<> { co_await ctx.done(); });
}

}  // namespace

// --- notify --------------------------------------------------------------------------------------

TEST_CASE("SG1: each channel gets a copy, however the signal was sent") {
  run_test(2, []() -> task<> {
    auto first = make_chan<int>(1);
    auto second = make_chan<int>(1);
    signal::notify(first, {SIGUSR1, SIGUSR2});
    signal::notify(second, {SIGUSR1});
    const std::array<void (*)(), 3> ways = {[] { ::raise(SIGUSR1); },
                                            [] { ::kill(::getpid(), SIGUSR1); },
                                            [] { ::pthread_kill(::pthread_self(), SIGUSR1); }};
    for (auto send : ways) {
      send();
      const auto one = co_await first.recv();
      const auto two = co_await second.recv();
      CHECK(one == SIGUSR1);
      CHECK(two == SIGUSR1);
    }
    ::raise(SIGUSR2);
    const auto other = co_await first.recv();
    CHECK(other == SIGUSR2);
    signal::stop(first);
    signal::stop(second);
    CHECK(second.size() == 0);
  });
}

TEST_CASE("SG1: a channel that is full, or has no receiver, loses the signal, and nobody waits") {
  run_test(2, []() -> task<> {
    auto full = make_chan<int>(1);
    auto unbuffered = make_chan<int>();
    auto witness = make_chan<int>(1);
    for (const auto& c : {full, unbuffered, witness}) signal::notify(c, {SIGUSR1, SIGUSR2});
    for (const int number : {SIGUSR1, SIGUSR2}) {
      ::raise(number);
      const auto seen = co_await witness.recv();
      CHECK(seen == number);
    }
    for (const auto& c : {full, unbuffered, witness}) signal::stop(c);
    int number = 0;
    CHECK(full.try_recv(number) == recv_status::received);
    CHECK(number == SIGUSR1);
    CHECK(full.try_recv(number) == recv_status::empty);
    CHECK(unbuffered.try_recv(number) == recv_status::empty);
  });
}

TEST_CASE("SG1: a goroutine that waits at an unbuffered channel gets it") {
  run_test(2, []() -> task<> {
    auto c = make_chan<int>();
    signal::notify(c, {SIGUSR1});
    wait_group sent;
    sent.go([]() -> task<> {
      co_await until_quiet();  // main waits
      ::raise(SIGUSR1);
    });
    const auto number = co_await c.recv();
    CHECK(number == SIGUSR1);
    co_await sent.wait();
    signal::stop(c);
  });
}

TEST_CASE("SG1: a second call adds signals to a channel, which gets each of them once") {
  run_test(2, []() -> task<> {
    auto c = make_chan<int>(4);
    signal::notify(c, {SIGUSR1});
    signal::notify(c, {SIGUSR1, SIGUSR2});
    for (const int number : {SIGUSR1, SIGUSR2}) {
      ::raise(number);
      const auto seen = co_await c.recv();
      CHECK(seen == number);
    }
    signal::stop(c);
    CHECK(c.size() == 0);
  });
}

TEST_CASE("SG1: no signals are all, which stop gives back") {
  const auto fault = action_of(SIGSEGV);
  const auto before = action_of(SIGTERM);
  auto c = make_chan<int>(64);
  signal::notify(c);
  for (const int number : {SIGTERM, SIGWINCH, SIGTSTP, SIGRTMIN, SIGRTMAX}) {
    ::raise(number);
    CHECK(c.recv_blocking() == number);
  }
  CHECK((action_of(SIGSEGV) == fault));
  signal::stop(c);
  CHECK((action_of(SIGTERM) == before));
  CHECK((action_of(SIGRTMAX) == SIG_DFL));
}

TEST_CASE("SG1: a case of select") {
  run_test(2, []() -> task<> {
    auto c = make_chan<int>(1);
    signal::notify(c, {SIGUSR1});
    auto never = make_chan<int>();
    int number = 0;
    const int nothing = co_await select(c.recv(number), otherwise);
    CHECK(nothing == 1);
    wait_group sent;
    sent.go([]() -> task<> {
      co_await until_quiet();
      ::kill(::getpid(), SIGUSR1);
    });
    const int chosen = co_await select(never.recv(), c.recv(number));
    CHECK(chosen == 1);
    CHECK(number == SIGUSR1);
    co_await sent.wait();
    signal::stop(c);
  });
}

TEST_CASE("SG1: a nil channel is refused, and what cannot be caught, with a sentence") {
  auto c = make_chan<int>(1);
  CHECK(refusal({}, SIGUSR1) == "notify: nil channel");
  CHECK(refusal(c, SIGKILL) == "notify: signal 9 cannot be caught");
  CHECK(refusal(c, SIGSTOP) == "notify: signal 19 cannot be caught");
  CHECK(refusal(c, SIGSEGV) ==
        "notify: signal 11 cannot be caught: the program could not go on after it");
  CHECK(refusal(c, SIGRTMIN - 1) == "notify: signal 33 cannot be caught: it is the C library's");
  for (const int number : {-1, 0, 65}) {
    CHECK(refusal(c, number) == "notify: signal " + std::to_string(number) + " does not exist");
  }
  // One bad signal refuses them all.
  CHECK_THROWS_AS(signal::notify(c, {SIGUSR1, SIGKILL}), std::invalid_argument);
  CHECK((action_of(SIGUSR1) == SIG_DFL));
  CHECK_THROWS_AS(signal::ignore({SIGKILL}), std::invalid_argument);
  CHECK_THROWS_AS(signal::reset({0}), std::invalid_argument);
}

TEST_CASE("SG1: two runtimes at once each get a copy") {
  std::barrier subscribed(3);
  std::array<int, 2> seen{};
  std::vector<std::thread> runtimes;
  for (int& number : seen) {
    runtimes.emplace_back([&number, &subscribed] {
      run_test(1, [&number, &subscribed]() -> task<> {
        auto c = make_chan<int>(1);
        signal::notify(c, {SIGUSR1});
        subscribed.arrive_and_wait();
        co_await c.recv(number);
        signal::stop(c);
      });
    });
  }
  subscribed.arrive_and_wait();
  ::raise(SIGUSR1);
  for (std::thread& t : runtimes) t.join();
  CHECK(seen == std::array<int, 2>{SIGUSR1, SIGUSR1});
  CHECK((action_of(SIGUSR1) == SIG_DFL));
}

TEST_CASE("SG1: a bubble's own channel is refused; one from outside holds its clock up") {
  auto outside = make_chan<int>(1);
  signal::notify(outside, {SIGUSR1});
  synctest::test([outside]() -> task<> {
    CHECK(refusal(make_chan<int>(1), SIGUSR1) ==
          "notify: the channel was made in a bubble, where no signal comes");
    const auto before = runtime_clock::now();
    go([]() -> task<> {
      co_await sleep(std::chrono::hours(1));  // not reached before the signal
    });
    std::thread([] { ::raise(SIGUSR1); }).detach();
    const auto number = co_await outside.recv();
    CHECK(number == SIGUSR1);
    CHECK(runtime_clock::now() - before < std::chrono::hours(1));
  });
  signal::stop(outside);
}

TEST_CASE("SG1: a bubble that waits for a signal which no thread will send is not stuck") {
  auto outside = make_chan<int>(1);
  signal::notify(outside, {SIGALRM});
  synctest::test([outside]() -> task<> {
    const itimerval soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 20'000}};
    REQUIRE(::setitimer(ITIMER_REAL, &soon, nullptr) == 0);
    const auto number = co_await outside.recv();
    CHECK(number == SIGALRM);
  });
  signal::stop(outside);
}

// --- stop ----------------------------------------------------------------------------------------

TEST_CASE("SG2: after stop the former action is back, and the channel gets nothing more") {
  counting_action counts({SIGUSR1, SIGUSR2});
  auto c = make_chan<int>(4);
  signal::stop(c);  // nothing, as it has not subscribed
  signal::notify(c, {SIGUSR1, SIGUSR2});
  ::raise(SIGUSR1);
  signal::stop(c);
  CHECK(c.size() == 1);  // what came before
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  CHECK(c.size() == 1);
  CHECK(times_former == 2);
  signal::stop(c);
  signal::notify(c, {SIGUSR2});  // again
  ::raise(SIGUSR2);
  signal::stop(c);
  CHECK(c.size() == 2);
  CHECK(times_former == 2);
}

TEST_CASE("SG2: the former action is back when the last of several has stopped") {
  counting_action counts({SIGUSR1});
  auto first = make_chan<int>(4);
  auto second = make_chan<int>(4);
  signal::notify(first, {SIGUSR1});
  signal::notify(second, {SIGUSR1});
  {
    auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1});
    signal::stop(first);
    ::raise(SIGUSR1);
    signal::stop(second);
    CHECK(second.size() == 1);
    ::raise(SIGUSR1);
    wait_for_end(ctx);
    CHECK(times_former == 0);
  }
  ::raise(SIGUSR1);
  CHECK(times_former == 1);
  CHECK(first.size() == 0);
  CHECK(second.size() == 1);
}

TEST_CASE("SG2: a signal that races with stop is sent, or takes the former action: never lost") {
  counting_action counts({SIGUSR1});
  constexpr int rounds = 2000;
  std::barrier turn(2);
  std::thread sender([&turn] {
    for (int i = 0; i < rounds; ++i) {
      turn.arrive_and_wait();
      ::raise(SIGUSR1);
      turn.arrive_and_wait();
    }
  });
  int wrong = 0;
  for (int i = 0; i < rounds; ++i) {
    times_former = 0;
    auto c = make_chan<int>(2);
    signal::notify(c, {SIGUSR1});
    turn.arrive_and_wait();
    signal::stop(c);
    const std::size_t sent = c.size();
    turn.arrive_and_wait();  // the sender's handler has run
    if (c.size() != sent || c.size() + static_cast<std::size_t>(times_former) != 1) ++wrong;
  }
  sender.join();
  CHECK(wrong == 0);
}

TEST_CASE("SG2: signals come while channels and Contexts come and go") {
  counting_action counts({SIGUSR1, SIGUSR2});
  auto all = make_chan<int>(1);
  signal::notify(all, {SIGUSR1, SIGUSR2});
  std::atomic<bool> is_over = false;
  std::vector<std::thread> senders;
  for (const int number : {SIGUSR1, SIGUSR2}) {
    senders.emplace_back([number, &is_over] {
      while (!is_over) {
        ::raise(number);
        std::this_thread::yield();
      }
    });
  }
  run_test(4, [all]() -> task<> {
    co_await scope([&](group& g) -> task<> {
      for (int i = 0; i < 4; ++i) {
        g.go([]() -> task<> {
          for (int n = 0; n < 50; ++n) {
            auto c = make_chan<int>(1);
            signal::notify(c, {n % 2 == 0 ? SIGUSR1 : SIGUSR2});
            co_await c.recv();
            signal::stop(c);
            auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1, SIGUSR2});
            co_await ctx.done();
          }
        });
      }
      co_return;
    });
    co_await all.recv();
  });
  is_over = true;
  for (std::thread& t : senders) t.join();
  CHECK(times_former == 0);  // `all` was there the whole time
  signal::stop(all);
  ::raise(SIGUSR1);
  CHECK(times_former == 1);
}

// --- ignore, reset, ignored ----------------------------------------------------------------------

TEST_CASE("SG3: an ignored signal does nothing and is sent to nobody, until reset") {
  counting_action counts({SIGUSR1});
  auto c = make_chan<int>(4);
  signal::notify(c, {SIGUSR1, SIGUSR2});
  CHECK_FALSE(signal::ignored(SIGUSR1));
  signal::ignore({SIGUSR1});
  CHECK(signal::ignored(SIGUSR1));
  CHECK_FALSE(signal::ignored(SIGUSR2));
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  CHECK(c.recv_blocking() == SIGUSR2);
  signal::reset({SIGUSR1});
  CHECK_FALSE(signal::ignored(SIGUSR1));
  ::raise(SIGUSR1);
  CHECK(times_former == 1);
  signal::stop(c);
  CHECK(c.size() == 0);
}

TEST_CASE("SG3: a channel may subscribe to what was ignored; stop restores what was before both") {
  counting_action counts({SIGUSR1});
  auto c = make_chan<int>(1);
  signal::ignore({SIGUSR1});
  signal::ignore({SIGUSR1});
  signal::notify(c, {SIGUSR1});
  CHECK_FALSE(signal::ignored(SIGUSR1));
  ::raise(SIGUSR1);
  CHECK(c.recv_blocking() == SIGUSR1);
  signal::stop(c);
  ::raise(SIGUSR1);
  CHECK(times_former == 1);
}

TEST_CASE("SG3: reset takes the signals from every subscriber, and what came before is not lost") {
  counting_action counts({SIGUSR1, SIGUSR2});
  auto first = make_chan<int>(4);
  auto second = make_chan<int>(4);
  signal::notify(first, {SIGUSR1});
  signal::notify(second, {SIGUSR1, SIGUSR2});
  auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1});
  auto [other, stop_other] = signal::notify_context(background(), {SIGUSR2});
  ::raise(SIGUSR1);
  signal::reset({SIGUSR1});
  wait_for_end(ctx);
  CHECK(first.size() == 1);
  CHECK(second.size() == 1);
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  wait_for_end(other);
  CHECK(times_former == 1);
  stop();
  signal::reset();
  CHECK(second.size() == 2);
  ::raise(SIGUSR2);
  CHECK(times_former == 2);
}

TEST_CASE("SG3: no signals are all to ignore, but the one that tells of processes") {
  signal::ignore();
  CHECK(signal::ignored(SIGTERM));
  CHECK(signal::ignored(SIGRTMAX));
  CHECK_FALSE(signal::ignored(SIGCHLD));
  CHECK_FALSE(signal::ignored(SIGSEGV));
  signal::reset();
  CHECK_FALSE(signal::ignored(SIGTERM));
}

TEST_CASE("SG3: ignored tells of what the program was started with, and of no other numbers") {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  CHECK(signal::ignored(SIGHUP));
  std::signal(SIGHUP, before);
  CHECK_FALSE(signal::ignored(0));
  CHECK_FALSE(signal::ignored(-1));
  CHECK_FALSE(signal::ignored(65));
}
