// SPDX-License-Identifier: MIT
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/scheduler.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace burrow::detail {

namespace {

constexpr int most_workers = 1024;
atomic<bool> forked_child{false};

int workers_from(const options& opt) {
  if (const char* text = std::getenv("BURROW_PROCS"); text != nullptr && *text != '\0') {
    int n = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, n);
    if (error != std::errc() || stop != end || n < 1 || n > most_workers) {
      throw std::invalid_argument("BURROW_PROCS must be a number from 1 to 1024, and is \"" +
                                  std::string(text) + "\"");
    }
    return n;
  }
  if (opt.workers < 0 || opt.workers > most_workers) {
    throw std::invalid_argument("options.workers must be from 0 to 1024");
  }
  return opt.workers != 0 ? opt.workers : allowed_cpus();
}

void watch_for_forks() {
  static std::once_flag once;
  std::call_once(once, [] {
    ::pthread_atfork(nullptr, nullptr, [] {
      if (own_threads().load(relaxed) != 0) forked_child.store(true, relaxed);
    });
  });
}

}  // namespace

atomic<int>& own_threads() noexcept {
  static atomic<int> count{0};
  return count;
}

atomic<int>& own_runtimes() noexcept {
  static atomic<int> count{0};
  return count;
}

atomic<int>& signal_subscriptions() noexcept {
  static atomic<int> count{0};
  return count;
}

bool in_forked_child() noexcept { return forked_child.load(relaxed); }

std::mutex& scheduler::list_mutex() noexcept {
  static std::mutex mutex;
  return mutex;
}

scheduler*& scheduler::list_head() noexcept {
  static scheduler* head = nullptr;
  return head;
}

void scheduler::close_to_outside() noexcept {
  std::lock_guard hold(list_mutex());
  is_open_ = false;
}

/// Under the lock of the list.
scheduler* scheduler::latest_open() noexcept {
  const std::uint16_t number = bubble_here();
  scheduler* s = list_head();
  while (s != nullptr && !(s->is_open_ && s->is_meant_by(number))) s = s->next_scheduler_;
  return s;
}

bool scheduler::any_open() noexcept {
  std::lock_guard hold(list_mutex());
  return latest_open() != nullptr;
}

/// Under the lock to the end: who has closed a runtime sees all slots that were taken before.
goroutine* scheduler::new_goroutine_in_latest() {
  std::lock_guard hold(list_mutex());
  scheduler* s = latest_open();
  return s != nullptr ? s->new_goroutine_outside() : nullptr;
}

// --- construction --------------------------------------------------------------------------------

/// As Go sees to: where 0, 1 or 2 was closed, what is opened next would pass for a standard stream.
static void have_standard_streams() noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
  }
}

scheduler::scheduler(const options& opt, bubble* b)
    : options_(opt), bubble_(b), slab_(bubble_number()) {
  if (in_forked_child()) fatal_in_forked_child();
  if (opt.shutdown_grace.count() < 0 || opt.shutdown_limit.count() < 0) {
    throw std::invalid_argument("options.shutdown_grace and shutdown_limit must not be negative");
  }
  watch_for_forks();
  const int count = b != nullptr ? 1 : workers_from(opt);
  idle_.reserve(static_cast<std::size_t>(count));
  sampled_turns_.resize(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<worker>(*this, static_cast<std::uint32_t>(i)));
    workers_.back()->left_alone_.resize(static_cast<std::size_t>(count));
  }
  have_standard_streams();
  choose_driver();
}

/// Makes all drivers, so that a runtime that cannot wait for the kernel fails at its start.
void scheduler::choose_driver() {
  std::string_view forced;
  if (const char* text = std::getenv("BURROW_IO"); text != nullptr) forced = text;
  if (!forced.empty() && forced != "uring" && forced != "epoll") {
    throw std::invalid_argument("BURROW_IO must be \"uring\" or \"epoll\", and is \"" +
                                std::string(forced) + "\"");
  }
  const bool only_uring = forced == "uring" || (forced.empty() && options_.io == io_driver::uring);
  const bool only_epoll = forced == "epoll" || (forced.empty() && options_.io == io_driver::epoll);
  use_uring_ = !only_epoll;
  if (use_uring_) {
    try {
      for (auto& w : workers_) w->driver_ = make_uring_driver(drivers_);
    } catch (const std::system_error& e) {
      const int error = e.code().value();
      const bool refused = error == EPERM || error == EACCES || error == ENOSYS ||
                           error == EINVAL || error == ENOMEM || error == EOPNOTSUPP;
      if (only_uring || !refused) throw;
      use_uring_ = false;
      static std::once_flag said;
      std::call_once(said, [&] {
        std::fprintf(stderr, "burrow: io_uring is refused (%s%s); using epoll\n", e.what(),
                     error == EPERM ? "; by a seccomp filter or kernel.io_uring_disabled" : "");
      });
    }
  }
  if (!use_uring_) {
    for (auto& w : workers_) w->driver_ = make_epoll_driver(drivers_);
  }
  driver_name_ = workers_.front()->driver_->name();
}

scheduler::~scheduler() = default;

// --- running -------------------------------------------------------------------------------------

void scheduler::run(goroutine* main) {
  struct counted_runtime {
    counted_runtime() noexcept { own_runtimes().fetch_add(1, seq_cst); }
    ~counted_runtime() { own_runtimes().fetch_sub(1, seq_cst); }
  } const counted;
  start_threads();
  {
    std::lock_guard hold(list_mutex());
    next_scheduler_ = list_head();
    list_head() = this;
  }
  global_.push({main, main, 1});
  workers_.front()->run();
  for (auto& t : threads_) t.join();
  const int threads = static_cast<int>(threads_.size()) + (monitor_.joinable() ? 2 : 1);
  if (monitor_.joinable()) join_monitor();
  own_threads().fetch_sub(threads, seq_cst);
  {
    std::lock_guard hold(list_mutex());
    scheduler** link = &list_head();
    while (*link != this) link = &(*link)->next_scheduler_;
    *link = next_scheduler_;
  }
  // A plain thread that woke the last goroutine may still be on its way out.
  while (outside_calls_.load(seq_cst) != 0) std::this_thread::yield();
}

void scheduler::stop() noexcept {
  stopping_.store(true, seq_cst);
  for (auto& w : workers_) w->unpark();
}

// --- from outside --------------------------------------------------------------------------------

goroutine* scheduler::new_goroutine_outside() {
  std::size_t count = 0;
  goroutine* g = slab_.take_batch(count);
  if (g->next != nullptr) slab_.give_batch(g->next, count - 1);
  g->home = workers_.front().get();
  outside_started_.fetch_add(1, relaxed);
  // Later than all that the calling thread may know of: it may serve a goroutine, by blocking().
  std::uint64_t before = outside_clock_.load(relaxed);
  std::uint64_t latest = 0;
  do {
    latest = before;
    for (auto& w : workers_) latest = std::max(latest, w->clock());
  } while (!outside_clock_.compare_exchange_weak(before, latest + 1, relaxed));
  g->id.store(latest * (workers_.size() + 1) + 1, release);
  return g;
}

void scheduler::inject(goroutine* g) noexcept {
  if (in_forked_child()) fatal_in_forked_child();
  if (bubble_ != nullptr) check_wake_from(*g);
  outside_call hold(*this);
  global_.push({g, g, 1});
  notify();
}

/// By a thread that is not the bubble's worker; it owns the goroutine.
void scheduler::check_wake_from(const goroutine& g) const noexcept {
  if (bubble_here() == bubble_->number() || !is_durable(g.reason.load(relaxed))) return;
  fatal("a goroutine of a test's bubble was woken from outside of it");
}

void scheduler::notify() noexcept {
  if (!idle_.should_wake()) return;
  if (worker* w = idle_.take_one()) w->unpark();
}

std::uint64_t scheduler::live() const noexcept {
  std::uint64_t ended = 0;
  for (auto& w : workers_) ended += w->finished.load(acquire);
  std::uint64_t begun = outside_started_.load(acquire);
  for (auto& w : workers_) begun += w->started.load(relaxed);
  return begun > ended ? begun - ended : 0;
}

}  // namespace burrow::detail
