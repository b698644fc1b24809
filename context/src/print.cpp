// SPDX-License-Identifier: MIT
// to_string() of a Context, in Go's format.
#include <burrow/context.hpp>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

namespace burrow {

namespace detail {

namespace {

/// As Go prints a time.Duration: "1h0m0.5s", "50ms", "-1.5us", "0s".
std::string print_duration(nanoseconds_t d) {
  if (d == 0) return "0s";
  std::string text = d < 0 ? "-" : "";
  const auto ns = d < 0 ? 0 - static_cast<std::uint64_t>(d) : static_cast<std::uint64_t>(d);
  const auto decimal = [&text](std::uint64_t value, std::uint64_t unit, int digits,
                               const char* name) {
    char buffer[48];
    std::snprintf(buffer, sizeof(buffer), "%llu.%0*llu",
                  static_cast<unsigned long long>(value / unit), digits,
                  static_cast<unsigned long long>(value % unit));
    std::string number = buffer;
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
    text += number + name;
  };
  constexpr std::uint64_t second = 1'000'000'000;
  if (ns < 1'000) {
    text += std::to_string(ns) + "ns";
  } else if (ns < 1'000'000) {
    decimal(ns, 1'000, 3, "us");
  } else if (ns < second) {
    decimal(ns, 1'000'000, 6, "ms");
  } else {
    const std::uint64_t minutes = ns / second / 60;
    if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
    if (minutes != 0) text += std::to_string(minutes % 60) + "m";
    decimal(ns % (60 * second), second, 9, "s");
  }
  return text;
}

/// The time of day that a time of the steady clock amounts to now, to the millisecond, in UTC.
std::string print_time(nanoseconds_t due, nanoseconds_t now) {
  using namespace std::chrono;
  const auto today = duration_cast<milliseconds>(system_clock::now().time_since_epoch());
  const milliseconds t = today + duration_cast<milliseconds>(nanoseconds(due - now));
  const auto s = static_cast<std::time_t>(floor<seconds>(t).count());
  std::tm fields{};
  if (::gmtime_r(&s, &fields) == nullptr) return "?";
  char date[64];
  std::strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &fields);
  char all[96];
  std::snprintf(all, sizeof(all), "%s.%03d +0000 UTC", date,
                static_cast<int>((t - floor<seconds>(t)).count()));
  return all;
}

void append_node(std::string& text, const context_node& n) {
  switch (n.kind) {
    case context_kind::background: text += "context.Background"; break;
    case context_kind::todo: text += "context.TODO"; break;
    case context_kind::cancel:
    case context_kind::cancel_cause: text += ".WithCancel"; break;
    case context_kind::without_cancel: text += ".WithoutCancel"; break;
    case context_kind::after_func: text += ".AfterFunc"; break;
    case context_kind::custom: text += static_cast<const custom_node&>(n).self->to_string(); break;
    case context_kind::deadline: {
      const nanoseconds_t now = steady_now();
      text += ".WithDeadline(" + print_time(n.deadline, now) + " [" +
              print_duration(n.deadline - now) + "])";
      break;
    }
    case context_kind::value: {
      auto& value = static_cast<const value_node&>(n);
      text +=
          std::string(".WithValue(") + value.key_name + ", " + value.print_value(value.value) + ")";
      break;
    }
  }
}

}  // namespace

}  // namespace detail

std::string to_string(const context& ctx) {
  const detail::context_node* n = detail::node_of(ctx);
  if (n == nullptr) return "<nil>";
  std::vector<const detail::context_node*> path;
  for (; n != nullptr; n = n->parent) {
    path.push_back(n);
    if (n->kind == detail::context_kind::custom) break;  // prints what is above it as it likes
  }
  std::string text;
  for (; !path.empty(); path.pop_back()) detail::append_node(text, *path.back());
  return text;
}

}  // namespace burrow
