// SPDX-License-Identifier: MIT
// The typed face of detail::signal_subscribers, and the Contexts that signals end.
#include <burrow/custom_context.hpp>
#include <burrow/detail/signal_subscribers.hpp>
#include <burrow/signal.hpp>

#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

namespace burrow::signal {

namespace d = burrow::detail;

namespace {

std::string name_of(int number) {
  const char* text = ::sigdescr_np(number);
  std::string name = text != nullptr ? text : "signal " + std::to_string(number);
  if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') name[0] += 'a' - 'A';
  return name;
}

// --- which signals -------------------------------------------------------------------------------

bool is_signal(int number) noexcept { return number >= 1 && number <= d::most_signals; }

/// Why nobody can subscribe to it; null: one can.
const char* refusal(int number) noexcept {
  if (!is_signal(number)) return " does not exist";
  switch (number) {
    case SIGKILL:
    case SIGSTOP: return " cannot be caught";
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS: return " cannot be caught: the program could not go on after it";
    default:
      // The first real-time signals are the C library's.
      return number > SIGSYS && number < SIGRTMIN ? " cannot be caught: it is the C library's"
                                                  : nullptr;
  }
}

d::signal_set all_signals() noexcept {
  d::signal_set all = 0;
  for (int number = 1; number <= d::most_signals; ++number) {
    if (refusal(number) == nullptr) all |= d::signal_bit(number);
  }
  return all;
}

d::signal_set set_of(const std::string& function, std::initializer_list<int> signals) {
  d::signal_set set = 0;
  for (const int number : signals) {
    if (const char* why = refusal(number)) {
      throw std::invalid_argument(function + ": signal " + std::to_string(number) + why);
    }
    set |= d::signal_bit(number);
  }
  return set;
}

}  // namespace

// --- channels ------------------------------------------------------------------------------------

void notify(const send_chan<int>& to, std::initializer_list<int> signals) {
  if (!to) throw std::invalid_argument("notify: nil channel");
  if (to.core()->bubble() != 0) {
    throw std::invalid_argument("notify: the channel was made in a bubble, where no signal comes");
  }
  d::signal_subscribers::instance().notify(
      to, signals.size() == 0 ? all_signals() : set_of("notify", signals));
}

void stop(const send_chan<int>& to) noexcept {
  if (to) d::signal_subscribers::instance().stop(to);
}

void ignore(std::initializer_list<int> signals) {
  d::signal_subscribers::instance().ignore(
      signals.size() == 0 ? all_signals() & ~d::signal_bit(SIGCHLD) : set_of("ignore", signals));
}

void reset(std::initializer_list<int> signals) {
  d::signal_subscribers::instance().reset(signals.size() == 0 ? all_signals()
                                                              : set_of("reset", signals));
}

bool ignored(int number) noexcept {
  struct sigaction action{};
  return is_signal(number) && ::sigaction(number, nullptr, &action) == 0 &&
         action.sa_handler == SIG_IGN;
}

// --- Contexts ------------------------------------------------------------------------------------

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

class detail::subscription final : public d::signal_listener {
 public:
  subscription(const context& parent, const std::vector<int>& signals)
      : ctx_(make_context<notified_context>(parent, signals)) {}

  const context& ctx() const noexcept { return ctx_; }
  void cancel(std::exception_ptr cause) const {
    custom_cast<notified_context>(ctx_)->cancel(std::move(cause));
  }
  void tell(int number) override { cancel(std::make_exception_ptr(received(number))); }

 private:
  context ctx_;
};

stop_function& stop_function::operator=(stop_function&& other) noexcept {
  if (this != &other) {
    (*this)();
    subscription_ = std::move(other.subscription_);
  }
  return *this;
}

void stop_function::operator()() const noexcept {
  if (subscription_ == nullptr) return;
  d::signal_subscribers::instance().stop(subscription_);
  subscription_->cancel(nullptr);
}

derived_context<stop_function> notify_context(const context& parent,
                                              std::initializer_list<int> signals) {
  if (signals.size() == 0) throw std::invalid_argument("notify_context: no signals");
  const d::signal_set set = set_of("notify_context", signals);
  stop_function stop;
  stop.subscription_ = std::make_shared<detail::subscription>(parent, std::vector<int>(signals));
  d::signal_subscribers::instance().listen(stop.subscription_, set);
  context ctx = stop.subscription_->ctx();  // before `stop` is moved: arguments have no order
  return derived_context<stop_function>(std::move(ctx), std::move(stop));
}

}  // namespace burrow::signal
