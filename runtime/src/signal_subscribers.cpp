// SPDX-License-Identifier: MIT
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/scheduler.hpp>
#include <burrow/detail/signal_subscribers.hpp>
#include <burrow/errors.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <new>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace burrow::detail {

namespace {

// What the handler touches.
constinit std::atomic<int> event{-1};
constinit std::atomic<signal_set> wanted{0};
constinit std::atomic<signal_set> pending{0};
constinit std::atomic<int> delivering{0};
static_assert(std::atomic<signal_set>::is_always_lock_free);

void wake_watching_thread() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event.load(), &one, sizeof(one));
}

void handle(int number);

bool is_handled(int number) noexcept {
  struct sigaction action{};
  ::sigaction(number, nullptr, &action);
  return action.sa_handler == &handle;
}

/// As if it had come without burrow: once this handler returns, as all signals are blocked in it.
void raise_unwanted(int number) noexcept {
  if (is_handled(number)) {
    // The program itself has put this handler back, from what it had saved.
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    ::sigaction(number, &action, nullptr);
  }
  ::raise(number);
}

void handle(int number) {
  const int saved = errno;
  delivering.fetch_add(1);
  // Asked again, since a new subscriber makes it wanted before it sets the handler.
  const bool is_wanted = (wanted.load() & signal_bit(number)) != 0 ||
                         (is_handled(number) && (wanted.load() & signal_bit(number)) != 0);
  if (is_wanted) {
    pending.fetch_or(signal_bit(number));
    wake_watching_thread();
  }
  delivering.fetch_sub(1);
  if (!is_wanted) raise_unwanted(number);
  errno = saved;
}

/// Calls f with the number of each.
template <class F>
void for_each_signal(signal_set signals, F f) {
  for (; signals != 0; signals &= signals - 1) f(std::countr_zero(signals) + 1);
}

}  // namespace

signal_subscribers& signal_subscribers::instance() {
  static auto* const all = new signal_subscribers;
  return *all;
}

// --- who subscribes to what ----------------------------------------------------------------------

void signal_subscribers::notify(const send_chan<int>& to, signal_set signals) {
  std::lock_guard hold(mutex_);
  subscribe({.channel = to, .listener = nullptr}, signals);
}

void signal_subscribers::listen(const std::shared_ptr<signal_listener>& to, signal_set signals) {
  std::lock_guard hold(mutex_);
  subscribe({.channel = {}, .listener = to}, signals);
}

void signal_subscribers::stop(const send_chan<int>& to) noexcept {
  std::lock_guard hold(mutex_);
  unsubscribe({.channel = to, .listener = nullptr});
}

void signal_subscribers::stop(const std::shared_ptr<signal_listener>& to) noexcept {
  std::lock_guard hold(mutex_);
  unsubscribe({.channel = {}, .listener = to});
}

void signal_subscribers::subscribe(const subscriber& who, signal_set signals) {
  start_watching();
  auto at = std::find_if(subscribers_.begin(), subscribers_.end(),
                         [&](const subscriber& s) { return s.is_same(who); });
  if (at == subscribers_.end()) at = subscribers_.insert(at, who);
  // Before the handler is there: what it finds is delivered at once.
  const signal_set before = at->wanted;
  at->wanted |= signals;
  try {
    catch_signals(signals);
  } catch (...) {
    at->wanted = before;
    if (before == 0) subscribers_.erase(at);
    throw;
  }
  count_subscribers();
}

void signal_subscribers::unsubscribe(const subscriber& who) noexcept {
  const auto at = std::find_if(subscribers_.begin(), subscribers_.end(),
                               [&](const subscriber& s) { return s.is_same(who); });
  if (at == subscribers_.end()) return;
  signal_set only_here = at->wanted;
  for (const subscriber& s : subscribers_) {
    if (&s != &*at) only_here &= ~s.wanted;
  }
  release_signals(only_here);
  subscribers_.erase(at);
  count_subscribers();
}

void signal_subscribers::reset(signal_set signals) noexcept {
  std::lock_guard hold(mutex_);
  release_signals(signals & caught_);
  for_each_signal(signals & ignored_, [this](int number) { restore_action(number); });
  ignored_ &= ~signals;
  forget(signals);
}

void signal_subscribers::ignore(signal_set signals) noexcept {
  std::lock_guard hold(mutex_);
  release_signals(signals & caught_);
  for_each_signal(signals & ~ignored_, [this](int number) {
    struct sigaction action{};
    action.sa_handler = SIG_IGN;
    ::sigaction(number, &action, &former_[static_cast<std::size_t>(number)]);
  });
  ignored_ |= signals;
  forget(signals);
}

void signal_subscribers::forget(signal_set signals) noexcept {
  for (subscriber& s : subscribers_) s.wanted &= ~signals;
  // A listener stays until it stops, since it may have to be told of what has arrived.
  std::erase_if(subscribers_, [](const subscriber& s) { return s.wanted == 0 && s.channel; });
  count_subscribers();
}

/// For the deadlock report.
void signal_subscribers::count_subscribers() const noexcept {
  const auto n = std::count_if(subscribers_.begin(), subscribers_.end(),
                               [](const subscriber& s) { return s.wanted != 0; });
  signal_subscriptions().store(static_cast<int>(n));
}

// --- the actions ---------------------------------------------------------------------------------

void signal_subscribers::catch_signals(signal_set signals) {
  const signal_set fresh = signals & ~caught_;
  wanted.fetch_or(fresh);
  signal_set done = 0;
  int failed = 0;
  for_each_signal(fresh, [&](int number) {
    if (failed != 0) return;
    struct sigaction action{};
    action.sa_handler = &handle;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    struct sigaction former{};
    if (::sigaction(number, &action, &former) != 0) {
      failed = errno;
      return;
    }
    const bool was_ignored = (ignored_ & signal_bit(number)) != 0;
    if (!was_ignored) former_[static_cast<std::size_t>(number)] = former;
    done |= signal_bit(number);
  });
  caught_ |= done;
  ignored_ &= ~done;
  if (failed == 0) return;
  release_signals(done);
  wanted.fetch_and(~fresh);
  throw std::system_error(failed, std::generic_category(), "sigaction");
}

/// The order is that of the head of signal_subscribers.hpp.
void signal_subscribers::release_signals(signal_set signals) noexcept {
  for_each_signal(signals, [this](int number) { restore_action(number); });
  caught_ &= ~signals;
  wanted.fetch_and(~signals);
  while (delivering.load() != 0) std::this_thread::yield();
  if (collect()) wake_watching_thread();
}

void signal_subscribers::restore_action(int number) noexcept {
  ::sigaction(number, &former_[static_cast<std::size_t>(number)], nullptr);
}

// --- delivery ------------------------------------------------------------------------------------

/// True: listeners have to be told.
bool signal_subscribers::collect() noexcept {
  const signal_set arrived = pending.exchange(0);
  bool has_listeners = false;
  for_each_signal(arrived, [&](int number) {
    for (subscriber& s : subscribers_) {
      if ((s.wanted & signal_bit(number)) == 0) continue;
      if (s.listener != nullptr) {
        s.arrived = number;
        has_listeners = true;
        continue;
      }
      try {
        s.channel.try_send(number);  // a full channel loses it
      } catch (const closed_channel&) {
        fatal("signal: send on closed channel (signal::stop(c) comes before c.close())");
      }
    }
  });
  return has_listeners;
}

void signal_subscribers::start_watching() {
  if (event.load() >= 0) return;
  const int fd = ::eventfd(0, EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd for signals");
  event.store(fd);
  own_threads().fetch_add(1);
  try {
    std::thread([this] { watch(); }).detach();
  } catch (...) {
    own_threads().fetch_sub(1);
    event.store(-1);
    ::close(fd);
    throw;
  }
}

void signal_subscribers::watch() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  for (;;) {
    std::uint64_t count = 0;
    if (::read(event.load(), &count, sizeof(count)) < 0 && errno != EINTR) return;
    {
      std::lock_guard hold(mutex_);
      collect();
    }
    tell_listeners();
  }
}

void signal_subscribers::tell_listeners() {
  for (;;) {
    std::shared_ptr<signal_listener> listener;
    int number = 0;
    {
      std::lock_guard hold(mutex_);
      for (subscriber& s : subscribers_) {
        if (s.arrived == 0) continue;
        listener = s.listener;
        number = std::exchange(s.arrived, 0);
        break;
      }
    }
    if (listener == nullptr) return;
    for (;;) {
      try {
        listener->tell(number);
        break;
      } catch (const std::bad_alloc&) {  // a signal is not lost: again in a moment
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }
}

}  // namespace burrow::detail
