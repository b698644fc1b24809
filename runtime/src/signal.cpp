// SPDX-License-Identifier: MIT
// The handler adds the signal to a set of bits and writes to an eventfd: both may be done there. A
// thread of burrow's own, started with the first subscription, reads the eventfd and ends the
// Contexts. A signal's former action is kept while anybody subscribes to it, and restored by the
// last to stop.
#include <burrow/custom_context.hpp>
#include <burrow/detail/scheduler.hpp>
#include <burrow/signal.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <mutex>
#include <new>
#include <stdexcept>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace burrow::signal {

namespace {

constexpr int most_signals = 64;

std::string name_of(int number) {
  const char* text = ::sigdescr_np(number);
  std::string name = text != nullptr ? text : "signal " + std::to_string(number);
  if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') name[0] += 'a' - 'A';
  return name;
}

}  // namespace

received::received(int number)
    : std::system_error(make_error_code(errc::canceled)),
      text_(name_of(number) + " signal received"),
      number_(number) {}

namespace {

/// Prints like Go's, and ends when its subscription says so.
class notified_context final : public custom_context {
 public:
  notified_context(const context& parent, const std::vector<int>& signals)
      : custom_context(parent), text_("signal.NotifyContext(" + burrow::to_string(parent) + ", [") {
    for (std::size_t i = 0; i < signals.size(); ++i) {
      text_ += (i != 0 ? " " : "") + name_of(signals[i]);
    }
    text_ += "])";
  }
  std::string to_string() const override { return text_; }
  void cancel(std::exception_ptr cause) { end(errc::canceled, std::move(cause)); }

 private:
  std::string text_;
};

}  // namespace

class detail::subscription {
 public:
  subscription(const context& parent, std::vector<int> signals)
      : signals_(std::move(signals)), ctx_(make_context<notified_context>(parent, signals_)) {}

  const std::vector<int>& signals() const noexcept { return signals_; }
  const context& ctx() const noexcept { return ctx_; }
  bool wants(int number) const noexcept {
    return std::find(signals_.begin(), signals_.end(), number) != signals_.end();
  }
  void cancel(std::exception_ptr cause) const {
    custom_cast<notified_context>(ctx_)->cancel(std::move(cause));
  }

 private:
  std::vector<int> signals_;
  context ctx_;
};

namespace {

using detail::subscription;

/// All subscriptions of the process. Never destroyed: the watching thread ends with the process.
class registry {
 public:
  static registry& instance() {
    static registry* all = new registry;
    return *all;
  }

  void add(const std::shared_ptr<subscription>& s) {
    std::lock_guard hold(mutex_);
    start_watching();
    std::size_t caught = 0;
    try {
      subscriptions_.push_back(s);
      for (const int number : s->signals()) {
        catch_signal(number);
        ++caught;
      }
    } catch (...) {
      for (std::size_t i = 0; i < caught; ++i) release_signal(s->signals()[i]);
      std::erase(subscriptions_, s);
      throw;
    }
    burrow::detail::signal_subscriptions().fetch_add(1);
  }

  /// False: it was removed before.
  bool remove(const std::shared_ptr<subscription>& s) noexcept {
    std::lock_guard hold(mutex_);
    if (std::erase(subscriptions_, s) == 0) return false;
    for (const int number : s->signals()) release_signal(number);
    burrow::detail::signal_subscriptions().fetch_sub(1);
    return true;
  }

 private:
  struct caught_signal {
    int users = 0;
    struct sigaction before{};
  };

  static void handle(int number) {
    const int saved = errno;
    pending().fetch_or(std::uint64_t{1} << (number - 1));
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event(), &one, sizeof(one));
    errno = saved;
  }

  static std::atomic<std::uint64_t>& pending() noexcept {
    static std::atomic<std::uint64_t> bits{0};
    return bits;
  }
  static std::atomic<int>& event_storage() noexcept {
    static std::atomic<int> fd{-1};
    return fd;
  }
  static int event() noexcept { return event_storage().load(); }

  void start_watching() {
    if (event() >= 0) return;
    const int fd = ::eventfd(0, EFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd for signals");
    pending().store(0);
    event_storage().store(fd);
    burrow::detail::own_threads().fetch_add(1);
    try {
      std::thread([this] { watch(); }).detach();
    } catch (...) {
      burrow::detail::own_threads().fetch_sub(1);
      event_storage().store(-1);
      ::close(fd);
      throw;
    }
  }

  void catch_signal(int number) {
    caught_signal& c = caught_[static_cast<std::size_t>(number)];
    if (c.users == 0) {
      struct sigaction action{};
      action.sa_handler = &registry::handle;
      action.sa_flags = SA_RESTART;
      sigfillset(&action.sa_mask);
      if (::sigaction(number, &action, &c.before) != 0) {
        throw std::system_error(errno, std::generic_category(), "sigaction");
      }
    }
    ++c.users;
  }

  void release_signal(int number) noexcept {
    caught_signal& c = caught_[static_cast<std::size_t>(number)];
    if (--c.users == 0) ::sigaction(number, &c.before, nullptr);
  }

  void watch() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    for (;;) {
      std::uint64_t count = 0;
      if (::read(event(), &count, sizeof(count)) < 0 && errno != EINTR) return;
      const std::uint64_t arrived = pending().exchange(0);
      for (int number = 1; number <= most_signals; ++number) {
        if ((arrived >> (number - 1) & 1) == 0) continue;
        try {
          dispatch(number);
        } catch (const std::bad_alloc&) {  // a signal is not lost: again in a moment
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          handle(number);
        }
      }
    }
  }

  void dispatch(int number) {
    std::vector<std::shared_ptr<subscription>> told;
    {
      std::lock_guard hold(mutex_);
      for (const auto& s : subscriptions_) {
        if (s->wants(number)) told.push_back(s);
      }
    }
    for (const auto& s : told) s->cancel(std::make_exception_ptr(received(number)));
  }

  std::mutex mutex_;
  std::vector<std::shared_ptr<subscription>> subscriptions_;
  std::array<caught_signal, most_signals + 1> caught_{};
};

}  // namespace

stop_function& stop_function::operator=(stop_function&& other) noexcept {
  if (this != &other) {
    (*this)();
    subscription_ = std::move(other.subscription_);
  }
  return *this;
}

void stop_function::operator()() const noexcept {
  if (subscription_ == nullptr) return;
  registry::instance().remove(subscription_);
  subscription_->cancel(nullptr);
}

derived_context<stop_function> notify_context(const context& parent,
                                              std::initializer_list<int> signals) {
  if (signals.size() == 0) throw std::invalid_argument("notify_context: no signals");
  for (const int number : signals) {
    if (number < 1 || number > most_signals || number == SIGKILL || number == SIGSTOP) {
      throw std::invalid_argument("notify_context: signal " + std::to_string(number) +
                                  " cannot be caught");
    }
  }
  stop_function stop;
  stop.subscription_ = std::make_shared<detail::subscription>(parent, std::vector<int>(signals));
  registry::instance().add(stop.subscription_);
  context ctx = stop.subscription_->ctx();  // before `stop` is moved: arguments have no order
  return derived_context<stop_function>(std::move(ctx), std::move(stop));
}

}  // namespace burrow::signal
