// SPDX-License-Identifier: MIT
#include "execution.hpp"

#include <utility>

namespace model {

bool is_acquire(std::memory_order order) noexcept {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

bool is_release(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

execution& execution::instance() {
  static execution the_execution;
  return the_execution;
}

// --- the course of an execution ------------------------------------------------------------------

execution::outcome execution::run(void (*body)(), chooser& chooser, order_filter* filter,
                                  unsigned max_steps) {
  chooser_ = &chooser;
  filter_ = filter;
  body_ = body;
  max_steps_ = max_steps;
  ++number_;
  steps_ = 0;
  steps_alone_ = 0;
  alone_ = true;
  stores_ = 0;
  vain_rounds_ = 0;
  thread_count_ = 0;
  outcome_ = {};
  trace_.clear();
  memory_.begin();
  races_.begin();
  current_ = 0;
  start_thread("body", nullptr);
  running_ = true;
  fiber::switch_to(outside_, self().stack);
  running_ = false;
  checker_scope::is_inside = false;
  reset_arena();  // of an execution that failed, nothing is destroyed
  return std::move(outcome_);
}

void execution::thread_main() {
  execution& e = instance();
  checker_scope::is_inside = false;
  if (thread_body* const body = e.self().body) {
    body->run();
    delete body;
  } else {
    e.body_();
  }
  checker_scope::is_inside = true;
  e.schedule(true);  // what others do before the end is part of the interleaving
  thread& t = e.self();
  e.note(event::kind::ended, 0, 0, 0, std::memory_order_relaxed, {});
  t.waits = state::ended;
  ++e.stores_;
  if (e.current_ == 0) {
    for (unsigned i = 1; i < e.thread_count_; ++i) {
      if (e.threads_[i]->waits != state::ended) e.fail("the body has not joined its threads", {});
    }
    if (live_blocks_in_arena() != 0) e.fail("a leak: not all that was allocated was freed", {});
    fiber::switch_to(t.stack, e.outside_);
  }
  e.schedule(false);
  __builtin_unreachable();
}

void execution::start_thread(const char* name, thread_body* body) {
  const checker_scope guard;
  if (thread_count_ == max_threads) fail("too many threads", {});
  if (thread_count_ == threads_.size()) threads_.push_back(std::make_unique<thread>());
  thread& t = *threads_[thread_count_];
  t.name = name;
  t.body = body;
  t.waits = state::ready;
  t.stack.start(&execution::thread_main);
  t.now = {};
  if (thread_count_ != 0) {
    t.now.copy(self().now, memory_.count());
    ++self().now.clock[current_];
    alone_ = false;
    note(event::kind::started, 0, thread_count_, 0, std::memory_order_relaxed, {});
  }
  t.now.clock[thread_count_] = 1;
  ++thread_count_;
}

void execution::join() {
  const checker_scope guard;
  block(state::joining, 0, 0);
  for (unsigned i = 1; i < thread_count_; ++i) {
    self().now.join(threads_[i]->now, memory_.count());
  }
  alone_ = true;
  note(event::kind::joined, 0, 0, 0, std::memory_order_relaxed, {});
}

void execution::fail(std::string reason, const place& where) {
  const checker_scope guard;
  outcome_.failed = true;
  outcome_.reason = std::move(reason);
  outcome_.where = where;
  running_ = false;
  fiber::switch_to(self().stack, outside_);
  __builtin_unreachable();
}

// --- who goes on ---------------------------------------------------------------------------------

bool execution::can_run(const thread& t) const noexcept {
  switch (t.waits) {
    case state::ready: return true;
    case state::value: {
      const location& l = memory_[t.object];
      return l.stores[l.count - 1u].value != t.mark;
    }
    case state::notified: return memory_[t.object].notified != t.mark;
    case state::paused: return stores_ != t.mark;
    case state::joining:
      for (unsigned i = 1; i < thread_count_; ++i) {
        if (threads_[i]->waits != state::ended) return false;
      }
      return true;
    case state::ended: return false;
  }
  return false;
}

/// A thread that goes on and on while others could has to let them: the real scheduler is fair, and
/// there are loops that look until another thread has come further.
bool execution::is_impatient() noexcept {
  constexpr unsigned most_steps_alone = 250;
  if (++steps_alone_ <= most_steps_alone) return false;
  self().waits = state::paused;
  self().mark = stores_;
  chooser_->paused(current_);
  return true;
}

void execution::schedule(bool can_stay) {
  if (can_stay && is_impatient()) can_stay = false;
  std::array<unsigned, max_threads> who;
  unsigned count = 0;
  for (;;) {
    if (can_stay || can_run(self())) who[count++] = current_;
    for (unsigned i = 0; i < thread_count_; ++i) {
      if (i != current_ && can_run(*threads_[i])) who[count++] = i;
    }
    if (count != 0) break;
    revive_paused();
  }
  unsigned chosen = 0;
  if (count > 1) chosen = chooser_->choose_thread(who.data(), count, can_stay);
  go_to(who[chosen]);
}

/// Nobody can go on. Those that paused may have seen something stale, so they look again; but if
/// that goes on for long, nothing will come of it.
void execution::revive_paused() {
  constexpr unsigned most_rounds = 40;
  bool some = false;
  for (unsigned i = 0; i < thread_count_; ++i) {
    thread& t = *threads_[i];
    if (t.waits != state::paused) continue;
    some = true;
    t.waits = state::ready;
  }
  if (!some) fail("deadlock: every thread waits", {});
  if (++vain_rounds_ > most_rounds) fail("livelock: all look again and again, in vain", {});
}

void execution::go_to(unsigned next) {
  threads_[next]->waits = state::ready;
  if (next == current_) return;
  steps_alone_ = 0;
  const unsigned from = std::exchange(current_, next);
  fiber::switch_to(threads_[from]->stack, threads_[next]->stack);
}

void execution::block(state why, std::uint16_t object, std::uint64_t mark) {
  thread& t = self();
  t.waits = why;
  t.object = object;
  t.mark = mark;
  schedule(false);
}

void execution::pause() {
  const checker_scope guard;
  note(event::kind::paused, 0, 0, 0, std::memory_order_relaxed, {});
  chooser_->paused(current_);
  if (++steps_ > max_steps_) fail("livelock: too many steps", {});
  block(state::paused, 0, stores_);
}

void execution::wait_while(const void* at, unsigned size, std::uint64_t value) {
  const checker_scope guard;
  const auto object = static_cast<std::uint16_t>(memory_.find(at, size));
  note(event::kind::blocked, object, value, 0, std::memory_order_relaxed, {});
  block(state::value, object, value);
}

// --- operations ----------------------------------------------------------------------------------

std::uint16_t execution::enter(const void* at, unsigned size, const place& where) {
  schedule(true);
  if (++steps_ > max_steps_) fail("livelock: too many steps", where);
  const race r = races_.access(current_, self().now, at, size, false, nullptr);
  if (r.found) {
    outcome_.other_by = r.other_by;
    fail(r.after_free ? "an atomic operation on memory that was freed"
                      : "data race: an atomic operation, and the construction or destruction of "
                        "the object by thread " +
                            threads_[r.other]->name,
         where);
  }
  const unsigned object = memory_.find(at, size);
  if (object == max_locations) fail("the model has too many atomics", where);
  return static_cast<std::uint16_t>(object);
}

void execution::note(event::kind what, std::uint16_t object, std::uint64_t before,
                     std::uint64_t after, std::memory_order order, const place& where,
                     unsigned back) {
  trace_.push_back({what, static_cast<std::uint8_t>(current_), static_cast<std::uint8_t>(back),
                    order, object, before, after, where});
}

void execution::acquire_from(const store_record& s, std::memory_order order) {
  if (s.carries && is_acquire(order)) self().now.join(s.carried, s.locations);
}

void execution::publish(std::uint16_t object, std::uint64_t value, std::memory_order order,
                        bool is_rmw) {
  location& l = memory_[object];
  thread& t = self();
  const unsigned before = l.count - 1u;
  store_record& s = l.add();
  t.now.seen[object] = static_cast<std::uint16_t>(l.count - 1);
  const unsigned locations = memory_.count();
  s.value = value;
  if (is_release(order)) {
    s.carries = true;
    s.locations = static_cast<std::uint16_t>(locations);
    s.carried.copy(t.now, locations);
    ++t.now.clock[current_];
  }
  if (is_rmw && l.stores[before].carries) {
    const store_record& previous = l.stores[before];
    if (s.carries) {
      s.carried.join(previous.carried, previous.locations);
    } else {
      s.carries = true;
      s.locations = previous.locations;
      s.carried.copy(previous.carried, previous.locations);
    }
  }
  if (order == std::memory_order_seq_cst) l.floor_of_seq_cst = t.now.seen[object];
  ++stores_;
  vain_rounds_ = 0;
  memory_model::set_raw(const_cast<void*>(l.at), l.size, value);
}

std::uint64_t execution::load(const void* at, unsigned size, std::memory_order order,
                              const place& where) {
  constexpr unsigned most_choices = 8;
  if (!running_) return memory_model::raw(at, size);
  const checker_scope guard;
  const std::uint16_t object = enter(at, size, where);
  order = filtered(order, where, 0);
  location& l = memory_[object];
  thread& t = self();
  unsigned floor = t.now.seen[object];
  const bool total = order == std::memory_order_seq_cst;
  if (total) floor = std::max<unsigned>(floor, l.floor_of_seq_cst);
  const unsigned newest = l.count - 1u;
  unsigned back = 0;
  if (newest > floor) back = chooser_->choose_store(std::min(newest - floor + 1, most_choices));
  const unsigned read = newest - back;
  const store_record& s = l.stores[read];
  t.now.seen[object] = static_cast<std::uint16_t>(std::max<unsigned>(t.now.seen[object], read));
  if (total) l.floor_of_seq_cst = static_cast<std::uint16_t>(read);
  acquire_from(s, order);
  note(event::kind::load, object, s.value, 0, order, where, back);
  return s.value;
}

void execution::store(void* at, unsigned size, std::uint64_t value, std::memory_order order,
                      const place& where) {
  if (!running_) return memory_model::set_raw(at, size, value);
  const checker_scope guard;
  const std::uint16_t object = enter(at, size, where);
  order = filtered(order, where, 0);
  note(event::kind::store, object, 0, value, order, where);
  publish(object, value, order, false);
}

template <class Next>
bool execution::modify(void* at, unsigned size, std::uint64_t& seen, Next next,
                       std::memory_order order, std::memory_order if_refused, const place& where) {
  const checker_scope guard;
  const std::uint16_t object = enter(at, size, where);
  order = filtered(order, where, 0);
  location& l = memory_[object];
  seen = l.newest().value;
  thread& t = self();
  t.now.seen[object] = static_cast<std::uint16_t>(l.count - 1);
  std::uint64_t value = seen;
  if (!next(value)) {
    if_refused = filtered(if_refused, where, 1);
    acquire_from(l.newest(), if_refused);
    if (if_refused == std::memory_order_seq_cst) l.floor_of_seq_cst = t.now.seen[object];
    note(event::kind::compare_failed, object, seen, 0, if_refused, where);
    return false;
  }
  if (size < sizeof(value)) value &= (std::uint64_t{1} << size * 8) - 1;
  acquire_from(l.newest(), order);
  note(event::kind::modify, object, seen, value, order, where);
  publish(object, value, order, true);
  return true;
}

void execution::wait(const void* at, unsigned size, std::uint64_t old, std::memory_order order,
                     const place& where) {
  const checker_scope guard;
  while (load(at, size, order, where) == old) {
    location& l = memory_[memory_.find(at, size)];
    if (l.newest().value != old) continue;  // the kernel would see it
    const auto object = static_cast<std::uint16_t>(memory_.find(at, size));
    note(event::kind::wait, object, old, 0, order, where);
    block(state::notified, object, l.notified);
  }
}

void execution::notify(const void* at, const place& where) {
  if (!running_) return;
  const checker_scope guard;
  schedule(true);
  // The object may be gone by now: the address alone is used.
  const unsigned object = memory_.find(at, 1);
  if (object == max_locations) return;
  ++memory_[object].notified;
  ++stores_;
  note(event::kind::notify, static_cast<std::uint16_t>(object), 0, 0, std::memory_order_relaxed,
       where);
}

void execution::destroyed(const void* at, unsigned size) noexcept {
  if (!running_) return;
  plain_access(at, size, true, __builtin_return_address(0));
  const checker_scope guard;
  memory_.forget(at);
}

void execution::plain_access(const void* at, unsigned size, bool is_write,
                             const void* by) noexcept {
  if (!running_ || alone_ || checker_scope::is_inside) return;
  const checker_scope guard;
  const race r = races_.access(current_, self().now, at, size, is_write, by);
  if (!r.found) return;
  outcome_.by = by;
  outcome_.other_by = r.other_by;
  if (r.after_free) fail("an access to memory that was freed", {});
  fail(std::string("data race: ") + (is_write ? "a write, and a " : "a read, and a ") +
           (r.other_wrote ? "write" : "read") + " by thread " + threads_[r.other]->name,
       {});
}

// --- what the sources call -----------------------------------------------------------------------

std::uint64_t load(const void* at, unsigned size, std::memory_order order, const place& where) {
  return execution::instance().load(at, size, order, where);
}

void store(void* at, unsigned size, std::uint64_t value, std::memory_order order,
           const place& where) {
  execution::instance().store(at, size, value, order, where);
}

namespace {

std::uint64_t changed(change how, std::uint64_t value, std::uint64_t operand) noexcept {
  switch (how) {
    case change::exchange: return operand;
    case change::add: return value + operand;
    case change::subtract: return value - operand;
    case change::bit_or: return value | operand;
    case change::bit_and: return value & operand;
  }
  return value;
}

}  // namespace

std::uint64_t modify(void* at, unsigned size, change how, std::uint64_t operand,
                     std::memory_order order, const place& where) {
  execution& e = execution::instance();
  if (!e.is_running()) {
    const std::uint64_t seen = memory_model::raw(at, size);
    memory_model::set_raw(at, size, changed(how, seen, operand));
    return seen;
  }
  std::uint64_t seen = 0;
  const auto next = [=](std::uint64_t& value) {
    value = changed(how, value, operand);
    return true;
  };
  e.modify(at, size, seen, next, order, order, where);
  return seen;
}

bool compare_exchange(void* at, unsigned size, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, const place& where) {
  execution& e = execution::instance();
  if (!e.is_running()) {
    const std::uint64_t seen = memory_model::raw(at, size);
    if (seen == expected) memory_model::set_raw(at, size, desired);
    return std::exchange(expected, seen) == seen;
  }
  const std::uint64_t wanted = expected;
  const auto next = [=](std::uint64_t& value) {
    if (value != wanted) return false;
    value = desired;
    return true;
  };
  return e.modify(at, size, expected, next, success, failure, where);
}

void wait(const void* at, unsigned size, std::uint64_t old, std::memory_order order,
          const place& where) {
  execution::instance().wait(at, size, old, order, where);
}

void notify(const void* at, const place& where) { execution::instance().notify(at, where); }

void destroyed(const void* at, unsigned size) noexcept {
  execution::instance().destroyed(at, size);
}

// --- what the models call ------------------------------------------------------------------------

void start_thread(const char* name, thread_body* body) {
  execution::instance().start_thread(name, body);
}

void join() { execution::instance().join(); }

void check(bool holds, const char* sentence, const std::source_location& where) {
  if (!holds) fail(sentence, where);
}

void fail(const char* sentence, const std::source_location& where) {
  const checker_scope guard;
  execution::instance().fail(sentence, where);
}

unsigned choose(unsigned n) { return execution::instance().choose(n); }
void pause() { execution::instance().pause(); }
void wait_while(const void* atomic, unsigned size, std::uint64_t value) {
  execution::instance().wait_while(atomic, size, value);
}
unsigned current_thread() noexcept { return execution::instance().current(); }
std::uint64_t current_execution() noexcept { return execution::instance().number(); }
bool is_running() noexcept { return execution::is_running(); }

}  // namespace model
