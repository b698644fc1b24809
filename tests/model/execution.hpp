// SPDX-License-Identifier: MIT
// One execution of a model: its threads, what they may do next, what they see of memory, and what
// they have done. Internal to the checker.
//
// Every operation on an atomic, a lock or a park is preceded by a *scheduling point*, at which the
// chooser says who goes on. Where a load may see more than one store, the chooser says which. So an
// execution is determined by the sequence of those choices, and that is what replays it.
#pragma once

#include "checker.hpp"
#include "fiber.hpp"
#include "model_atomic.hpp"
#include "races.hpp"
#include "views.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace model {

/// Who decides. The options of a choice are numbered; 0 is the usual one: the same thread goes on,
/// the newest store is seen.
class chooser {
 public:
  virtual ~chooser() = default;
  /// Of `count` threads, the first of which runs now if `can_stay`. `who` are their numbers.
  virtual unsigned choose_thread(const unsigned* who, unsigned count, bool can_stay) = 0;
  /// How many stores older than the newest one is seen.
  virtual unsigned choose_store(unsigned count) = 0;
  virtual unsigned choose_value(unsigned count) = 0;
  /// The thread has nothing to do for now.
  virtual void paused(unsigned) {}
};

/// Weakens one site, or notes those that there are. `part` 1 is the order of a failed exchange.
class order_filter {
 public:
  virtual ~order_filter() = default;
  virtual std::memory_order apply(std::memory_order order, const place& where, unsigned part) = 0;
};

struct event {
  enum class kind : std::uint8_t {
    load,
    store,
    modify,
    compare_failed,
    wait,
    notify,
    started,
    blocked,
    paused,
    ended,
    joined
  };
  kind what;
  std::uint8_t thread;
  std::uint8_t back;  // load: so many stores older than the newest
  std::memory_order order;
  std::uint16_t object;
  std::uint64_t before;
  std::uint64_t after;
  place where;
};

/// While one lives, the checker itself runs: what it allocates outlives the execution. Every switch
/// between threads of a model happens in one.
class checker_scope {
 public:
  checker_scope() noexcept : was_inside_(std::exchange(is_inside, true)) {}
  ~checker_scope() { is_inside = was_inside_; }
  checker_scope(const checker_scope&) = delete;
  checker_scope& operator=(const checker_scope&) = delete;

  static inline bool is_inside = false;

 private:
  bool was_inside_;
};

/// Takes back all that models have allocated.
void reset_arena() noexcept;
/// How many blocks a model has allocated, and not freed yet.
std::size_t live_blocks_in_arena() noexcept;

class execution {
 public:
  struct outcome {
    bool failed = false;
    std::string reason;
    place where;                     // line 0: unknown
    const void* by = nullptr;        // of a race: the instruction,
    const void* other_by = nullptr;  // and that of the other thread; null: an atomic operation
  };

  static execution& instance();

  /// Runs `body` to its end, or to its first failure.
  outcome run(void (*body)(), chooser& chooser, order_filter* filter, unsigned max_steps);
  static bool is_running() noexcept { return running_; }
  unsigned current() const noexcept { return current_; }
  std::uint64_t number() const noexcept { return number_; }
  const std::vector<event>& trace() const noexcept { return trace_; }
  const std::string& thread_name(unsigned i) const { return threads_[i]->name; }

  // --- by the threads of a model ---
  std::uint64_t load(const void* at, unsigned size, std::memory_order order, const place& where);
  void store(void* at, unsigned size, std::uint64_t value, std::memory_order order,
             const place& where);
  /// `next` says what becomes of the value, or refuses (false): then it was but a load.
  template <class Next>
  bool modify(void* at, unsigned size, std::uint64_t& seen, Next next, std::memory_order order,
              std::memory_order if_refused, const place& where);
  void wait(const void* at, unsigned size, std::uint64_t old, std::memory_order order,
            const place& where);
  void notify(const void* at, const place& where);
  void destroyed(const void* at, unsigned size) noexcept;
  void plain_access(const void* at, unsigned size, bool is_write, const void* by) noexcept;
  void freed(const void* at, std::size_t size) noexcept { races_.freed(at, size); }

  void start_thread(const char* name, thread_body* body);
  void join();
  void pause();
  void wait_while(const void* at, unsigned size, std::uint64_t value);
  unsigned choose(unsigned n) {
    const checker_scope guard;
    return n > 1 ? chooser_->choose_value(n) : 0;
  }
  [[noreturn]] void fail(std::string reason, const place& where);

 private:
  enum class state : std::uint8_t { ready, value, notified, paused, joining, ended };

  struct thread {
    fiber stack;
    std::string name;
    thread_body* body = nullptr;  // its own; null: the body of the model
    view now;
    state waits = state::ready;
    std::uint16_t object = 0;  // of state::value and state::notified
    std::uint64_t mark = 0;    // the value, the count of notifications, or that of stores
  };

  static void thread_main();
  thread& self() noexcept { return *threads_[current_]; }
  bool can_run(const thread& t) const noexcept;
  bool is_impatient() noexcept;
  void schedule(bool can_stay);
  void block(state why, std::uint16_t object, std::uint64_t mark);
  void revive_paused();
  void go_to(unsigned next);
  /// What every operation begins with. Returns the location's number.
  std::uint16_t enter(const void* at, unsigned size, const place& where);
  void publish(std::uint16_t object, std::uint64_t value, std::memory_order order, bool is_rmw);
  void acquire_from(const store_record& s, std::memory_order order);
  void note(event::kind what, std::uint16_t object, std::uint64_t before, std::uint64_t after,
            std::memory_order order, const place& where, unsigned back = 0);
  std::memory_order filtered(std::memory_order order, const place& where, unsigned part) {
    return filter_ != nullptr ? filter_->apply(order, where, part) : order;
  }

  chooser* chooser_ = nullptr;
  order_filter* filter_ = nullptr;
  void (*body_)() = nullptr;
  static inline bool running_ = false;  // asked before there is an instance
  unsigned current_ = 0;
  unsigned thread_count_ = 0;
  std::uint64_t number_ = 0;  // of executions so far
  unsigned steps_ = 0;
  unsigned max_steps_ = 0;
  // The body has no other thread yet, or has joined them all: nothing that it does is in a race.
  bool alone_ = true;
  unsigned steps_alone_ = 0;  // since another thread ran
  unsigned vain_rounds_ = 0;
  std::uint64_t stores_ = 0;
  std::vector<std::unique_ptr<thread>> threads_;  // kept for the next execution
  memory_model memory_;
  race_detector races_;
  std::vector<event> trace_;
  outcome outcome_;
  fiber outside_{fiber::from_thread{}};
};

bool is_acquire(std::memory_order order) noexcept;
bool is_release(std::memory_order order) noexcept;

}  // namespace model
