// SPDX-License-Identifier: MIT
// Names are looked up by getaddrinfo(3), which blocks, maybe for many seconds, and cannot be
// interrupted. So threads of their own do it, which belong to no runtime: whoever gives up lets go
// of the lookup, and the end of a runtime does not wait for it. A thread begins when there is more
// to look up than threads, and ends when there is nothing.
//
// A lookup is shared by its goroutine and its thread. `done`, and who waits, are under its lock.
//
// Rejected: blocking(), whose calls the end of a runtime waits for, up to shutdown_limit.
#include <burrow/detail/io_core.hpp>
#include <burrow/detail/scheduler.hpp>
#include <burrow/net/listener.hpp>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <netdb.h>
#include <new>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <utility>

namespace burrow::net {

namespace d = burrow::detail;

namespace {

class resolver_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int value) const override { return ::gai_strerror(value); }
};

const std::error_category& resolver_errors() noexcept {
  // Never destroyed: an error may outlive main().
  alignas(resolver_category) static std::byte storage[sizeof(resolver_category)];
  static const auto* category = new (storage) resolver_category;
  return *category;
}

using addresses = std::vector<address>;

std::error_code error_of_lookup(int error, int number) noexcept {
  if (error == EAI_SYSTEM) return d::system_error_code(number);
  return {error, resolver_errors()};
}

result<addresses> look_up(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;  // is not looked up, and counts whatever the machine has
  addrinfo* found = nullptr;
  int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error == EAI_NONAME) {
    hints.ai_flags = AI_ADDRCONFIG;
    error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  }
  if (error != 0) return error_of_lookup(error, errno);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, &::freeaddrinfo);
  addresses all;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    all.emplace_back(a->ai_addr, a->ai_addrlen);
  }
  return all;
}

struct lookup : d::wait_source {
  std::string host;
  std::string port;
  d::waiter* waiting = nullptr;  // under the lock
  d::atomic<bool> done{false};   // written under the lock
  std::optional<result<addresses>> found;
  std::exception_ptr failure;  // no memory

  /// By its thread.
  void run() noexcept {
    try {
      found = look_up(host, port);
    } catch (...) {
      failure = std::current_exception();
    }
    d::goroutine* claimed = nullptr;
    {
      d::locked hold(lock);
      done.store(true, d::release);  // release: publishes what was found; pairs with ready()
      if (d::waiter* const w = std::exchange(waiting, nullptr)) {
        w->linked = false;
        if (w->claim()) claimed = w->who;
      }
    }
    if (claimed != nullptr) d::wake(claimed);
  }
};

/// Waits until a lookup is done.
class lookup_operation : public d::operation<lookup_operation> {
 public:
  static constexpr d::wait_reason reason = d::wait_reason::io_wait;

  explicit lookup_operation(lookup& l) noexcept : lookup_(l) {}

  d::wait_source* source() const noexcept { return &lookup_; }
  bool ready() const noexcept { return lookup_.done.load(d::acquire); }
  bool attempt(d::goroutine*&) const noexcept { return ready(); }
  void enlist() noexcept {
    lookup_.waiting = this;
    this->linked = true;
  }
  void delist() noexcept {
    lookup_.waiting = nullptr;
    this->linked = false;
  }
  void result() const noexcept {}

 private:
  lookup& lookup_;
};

/// The lookups of the process, and their threads.
class lookups {
 public:
  static lookups& all() noexcept {
    // Never destroyed: its threads may outlive main().
    alignas(lookups) static std::byte storage[sizeof(lookups)];
    static auto* const one = new (storage) lookups;
    return *one;
  }

  /// Throws std::system_error where no thread runs and none can be started.
  void add(std::shared_ptr<lookup> l) {
    std::lock_guard hold(mutex_);
    queue_.push_back(std::move(l));
    if (threads_ == most_threads) return;
    try {
      std::thread([this] { serve(); }).detach();
      ++threads_;
    } catch (...) {
      if (threads_ != 0) return;
      queue_.pop_back();
      throw;
    }
  }

 private:
  static constexpr int most_threads = 64;

  void serve() noexcept {
    for (;;) {
      std::shared_ptr<lookup> next;
      {
        std::lock_guard hold(mutex_);
        if (queue_.empty()) {
          --threads_;
          return;
        }
        next = std::move(queue_.front());
        queue_.pop_front();
      }
      if (next.use_count() != 1) next->run();  // else nobody wants it any more
    }
  }

  std::mutex mutex_;
  std::deque<std::shared_ptr<lookup>> queue_;  // under the mutex, as below
  int threads_ = 0;
};

/// The C library would cut names off at a zero, and take ports modulo 65536.
bool is_sound(std::string_view host, std::string_view port) noexcept {
  if (host.find('\0') != host.npos || port.find('\0') != port.npos) return false;
  const bool is_number = !port.empty() && port.find_first_not_of("0123456789") == port.npos;
  std::uint16_t number = 0;
  return !is_number ||
         std::from_chars(port.data(), port.data() + port.size(), number).ec == std::errc();
}

}  // namespace

task<result<std::vector<address>>> resolve(std::string_view host, std::string_view port) {
  const d::goroutine& g = co_await d::io_entry();
  if (!is_sound(host, port)) co_return std::make_error_code(std::errc::invalid_argument);
  d::cancellable_node* const watched = d::watched_by(g);
  if (watched != nullptr && watched->has_ended()) co_return d::error_of(*watched);
  const auto l = std::make_shared<lookup>();
  l->host = host;
  l->port = port;
  const d::outside_call expected(g.home->owner());  // it is no deadlock to wait for it
  lookups::all().add(l);
  lookup_operation done(*l);
  const bool has_come = co_await d::io_wait(done);
  if (!has_come) co_return d::error_of(*watched);
  if (l->failure) std::rethrow_exception(l->failure);
  co_return std::move(*l->found);
}

task<result<std::vector<address>>> resolve(context, std::string_view host, std::string_view port) {
  co_return co_await resolve(host, port);
}

}  // namespace burrow::net
