// SPDX-License-Identifier: MIT
// What the model build links in the place of sources that talk to the system: lock.cpp, clock.cpp,
// memory.cpp, back_off.cpp, the drivers, the monitor, and what ends the process.
#include "checker.hpp"

#include <burrow/detail/context_node.hpp>
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/lock.hpp>
#include <burrow/detail/memory.hpp>
#include <burrow/detail/scheduler.hpp>
#include <burrow/detail/spawn.hpp>
#include <burrow/detail/timers.hpp>

#include "seam.hpp"

#include <atomic>
#include <new>

namespace model {

namespace {

std::atomic<burrow::detail::nanoseconds_t> now{0};  // no step of a model
burrow::detail::nanoseconds_t step_of_clock = 0;

}  // namespace

void set_clock(burrow::detail::nanoseconds_t to, burrow::detail::nanoseconds_t step) noexcept {
  now.store(to);
  step_of_clock = step;
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
void fatal_in_forked_child() noexcept { model::fail("forked"); }
void broken_invariant(const char* what, const char*, int) noexcept { model::fail(what); }

// --- the scheduler's ties to the system ----------------------------------------------------------

namespace {

/// The kernel's part of parking; nothing happens-before anything by it.
class model_driver final : public driver {
 public:
  void wait(nanoseconds_t timeout) override {
    if (timeout != never) {
      if (token_.exchange(0, relaxed) == 0) model::now.store(later(model::now.load(), timeout));
      return;
    }
    while (token_.exchange(0, relaxed) == 0) model::wait_while(&token_, sizeof(token_), 0);
  }
  void wake() noexcept override { token_.store(1, relaxed); }
  const char* name() const noexcept override { return "model"; }

 private:
  atomic<std::uint32_t> token_{0};
};

}  // namespace

std::unique_ptr<driver> make_uring_driver() { return std::make_unique<model_driver>(); }
std::unique_ptr<driver> make_epoll_driver() { return std::make_unique<model_driver>(); }
int allowed_cpus() noexcept { return 2; }

blocking_pool::~blocking_pool() = default;

// The checker itself finds when nothing can go on.
scheduler::verdict scheduler::judge_deadlock() noexcept { return verdict::alive; }
void scheduler::report_deadlock() noexcept {}
void scheduler::monitor_loop() noexcept {}
void scheduler::wake_monitor() noexcept {}

// No model has a bubble.
goroutine* worker::next_in_bubble() noexcept { return nullptr; }
void worker::park_in_bubble() noexcept {}

// No goroutine of a model ends with an exception.
bool is_goroutine_exit(const std::exception_ptr&) noexcept { return false; }
void report_unhandled(goroutine&, std::exception_ptr) noexcept { model::fail("an exception"); }

}  // namespace burrow::detail
