// SPDX-License-Identifier: MIT
// What the model build links in the place of sources that talk to the system: lock.cpp, clock.cpp,
// memory.cpp, back_off.cpp, the drivers, threads.cpp, the monitor, and what ends the process.
#include "checker.hpp"

#include <burrow/detail/context_node.hpp>
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/lock.hpp>
#include <burrow/detail/memory.hpp>
#include <burrow/detail/scheduler.hpp>
#include <burrow/detail/timers.hpp>

#include "seam.hpp"

#include <atomic>
#include <new>

// Any thread may read the clock, which orders nothing.
#define MODEL_UNWATCHED __attribute__((no_sanitize("thread")))

namespace model {

namespace {

std::atomic<burrow::detail::nanoseconds_t> now{0};  // no step of a model
burrow::detail::nanoseconds_t step_of_clock = 0;
void (*deadlock_handler)(burrow::detail::scheduler&) = nullptr;
// What the kernel says is the truth of the moment, and orders nothing.
burrow::detail::atomic<int> process_threads{1};

/// An execution that failed has left it as it was.
template <class T>
void reset(T& object) {
  ::new (&object) T;
}

}  // namespace

void set_clock(burrow::detail::nanoseconds_t to, burrow::detail::nanoseconds_t step) noexcept {
  now.store(to);
  step_of_clock = step;
}

void on_deadlock(void (*handler)(burrow::detail::scheduler&)) noexcept {
  deadlock_handler = handler;
}

void change_process_threads(int by) noexcept {
  process_threads.fetch_add(by, std::memory_order_relaxed);
}

fresh_statics::fresh_statics(int workers, burrow::detail::nanoseconds_t clock_step) noexcept
    : workers_(workers) {
  set_clock(1'000'000, clock_step);
  on_deadlock(nullptr);
  // Before the model starts a thread: nobody can see an older value.
  process_threads.store(1, std::memory_order_relaxed);
  burrow::detail::own_threads().store(0, std::memory_order_relaxed);
  burrow::detail::own_runtimes().store(0, std::memory_order_relaxed);
  burrow::detail::scheduler::list_head() = nullptr;
  reset(burrow::detail::scheduler::list_mutex());
  reset(burrow::detail::timer_set::retired());
}

fresh_statics::~fresh_statics() {
  for (int i = 0; i < workers_; ++i) delete &burrow::detail::timer_set::obtain();
}

}  // namespace model

namespace burrow::detail {

/// As the real one, but that it waits for the flag instead of polling it.
void wait_lock::lock_contended() noexcept {
  do {
    model::wait_while(&held_, sizeof(held_), 1);
  } while (held_.load(relaxed) != 0 || held_.exchange(1, acquire) != 0);
}

nanoseconds_t steady_now() noexcept {
  const nanoseconds_t t = model::now.load() + model::step_of_clock;
  model::now.store(t);
  return t;
}

void back_off(unsigned&) noexcept { model::pause(); }

void* allocate_block(std::size_t size) { return ::operator new(size); }
void free_block_memory(void* memory, std::size_t) noexcept { ::operator delete(memory); }
void set_thread_cache(block_cache*) noexcept {}
block_cache::~block_cache() = default;

void fatal(const char* sentence) noexcept { model::fail(sentence); }
void fatal(const char* sentence, std::source_location) noexcept { model::fail(sentence); }
const char* state_text(const goroutine&) noexcept { return ""; }
void print_goroutine(int, const goroutine&, const char*) noexcept {
  model::fail("the shutdown limit has passed");
}
void fatal_in_forked_child() noexcept { model::fail("forked"); }
void broken_invariant(const char* what, const char*, int) noexcept { model::fail(what); }

// --- the scheduler's ties to the system ----------------------------------------------------------

namespace {

/// The kernel's part of parking; nothing happens-before anything by it.
class model_driver final : public driver {
 public:
  explicit model_driver(driver_group& group) noexcept : driver(group) {}
  MODEL_UNWATCHED void wait(nanoseconds_t timeout) override {
    if (timeout != never) {
      if (token_.exchange(0, relaxed) == 0) model::now.store(later(model::now.load(), timeout));
      return;
    }
    while (token_.exchange(0, relaxed) == 0) model::wait_while(&token_, sizeof(token_), 0);
  }
  void wake() noexcept override { token_.store(1, relaxed); }
  void poll(wake_list& wakes) noexcept override {
    goroutine* g = arrived_.exchange(nullptr, acquire);
    if (g == nullptr) return;
    in_flight.store(0, relaxed);
    wakes.add(g);
  }
  const char* name() const noexcept override { return "model"; }
  bool takes_requests() const noexcept override { return true; }
  void submit(io_request&) noexcept override {}
  void cancel(io_request&) noexcept override {}
  int watch(descriptor&, io_side) noexcept override { return 0; }

  void arrive(goroutine* g) noexcept {
    arrived_.store(g, release);
    wake();
  }

 private:
  atomic<std::uint32_t> token_{0};
  atomic<goroutine*> arrived_{nullptr};
};

}  // namespace

std::unique_ptr<driver> make_uring_driver(driver_group& group) {
  return std::make_unique<model_driver>(group);
}
std::unique_ptr<driver> make_epoll_driver(driver_group& group) {
  return std::make_unique<model_driver>(group);
}
int allowed_cpus() noexcept { return 2; }

}  // namespace burrow::detail

void model::arrive(burrow::detail::worker& at, burrow::detail::goroutine* g) noexcept {
  static_cast<burrow::detail::model_driver&>(at.io()).arrive(g);
}

namespace burrow::detail {

// The calling thread is the only worker, or the model has threads for the others; no monitor.
void scheduler::start_threads() { own_threads().fetch_add(1, seq_cst); }
void scheduler::take_back_threads() noexcept {}
void scheduler::join_monitor() noexcept {}
int threads_of_process() noexcept { return model::process_threads.fetch_add(0, relaxed); }

void scheduler::report_deadlock() noexcept {
  if (model::deadlock_handler == nullptr) model::fail("all goroutines are asleep - deadlock!");
  model::deadlock_handler(*this);
}
void scheduler::monitor_loop() noexcept {}
void scheduler::wake_monitor() noexcept {}

// No model's goroutines leave main's no turn.
void scheduler::watch_end(nanoseconds_t, void (*)(scheduler&)) noexcept {}
bool scheduler::runs(const goroutine&) const noexcept { return false; }

// No model has a bubble.
goroutine* worker::next_in_bubble() noexcept { return nullptr; }
void worker::park_in_bubble() noexcept {}
}  // namespace burrow::detail

/// std::this_thread::yield(). Linked with --wrap.
extern "C" int __real_sched_yield();
extern "C" int __wrap_sched_yield() {
  if (!model::is_running()) return __real_sched_yield();
  model::pause();
  return 0;
}
