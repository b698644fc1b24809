// SPDX-License-Identifier: MIT
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/scheduler.hpp>

#include <algorithm>
#include <sys/prctl.h>
#include <utility>

namespace burrow::detail {

namespace {

#ifdef BURROW_MODEL
model::per_thread<worker*> this_worker;  // the threads of a model share one of the system
#else
thread_local worker* this_worker = nullptr;
#endif

}  // namespace

BURROW_NOINLINE worker* current_worker() noexcept {
  asm volatile("");  // keeps callers from merging two calls around a suspension
  return this_worker;
}

worker::worker(scheduler& owner, std::uint32_t index)
    : owner_(owner),
      bubble_(owner.its_bubble()),
      random_(0x9e3779b97f4a7c15u * (index + 1) ^
              static_cast<std::uint64_t>(bubble_ != nullptr ? bubble_->random() : steady_now())),
      index_(index),
      timers_(timer_set::obtain(owner.bubble_number())) {
  if (bubble_ != nullptr) turns_to_slow_ = 1;
}

worker::~worker() { timers_.retire(); }

// --- making goroutines runnable ------------------------------------------------------------------

void worker::ready_behind(goroutine* g) noexcept {
  // acq_rel: as ready(); a thief may have emptied the slot meanwhile.
  goroutine* before = lifo_.exchange(g, acq_rel);
  if (before == nullptr) return;
  push_behind(before);
  offer();
}

/// Something more waits here: wakes a worker that sleeps, unless such wake-ups have been in vain
/// lately.
void worker::offer() noexcept {
  if (unoffered_ != 0 && queue_.size() < always_offered) {
    --unoffered_;
    return;
  }
  unoffered_ = vain_wakes_.load(relaxed);
  owner_.notify();
}

void worker::push_behind(goroutine* g) noexcept {
  if (!queue_.push(g)) overflow(g);
}

BURROW_NOINLINE void worker::overflow(goroutine* g) noexcept {
  goroutine_list list = queue_.take_half();
  list.add(g);
  owner_.global_.push(list);
}

void worker::ready_all(wake_list& wakes) noexcept {
  if (wakes.empty()) return;
  const std::size_t fits = run_queue::capacity / 2;
  for (std::size_t i = 0; i < fits && !wakes.empty(); ++i) push_behind(wakes.pop());
  if (wakes.empty()) return offer();
  while (!wakes.empty()) {
    goroutine_list list;
    while (list.length < goroutine_list::most && !wakes.empty()) list.add(wakes.pop());
    owner_.global_.push(list);
  }
  owner_.notify();
}

void worker::yield(goroutine* g) noexcept {
  // The number of runnable goroutines does not grow, so nobody is woken.
  if (queue_.size() == 0 && owner_.global_.size() != 0) {  // it would be its own successor
    owner_.global_.push({g, g, 1});
    return;
  }
  if (!queue_.push_quietly(g)) overflow(g);
}

/// The thread may go on, and its stand-in be gone, as soon as the store is seen; the address alone
/// is used after that, as futexes allow.
void parked_thread::signal() noexcept {
  woken.store(1, release);  // release: pairs with wait_until_woken()
  woken.notify_one();
}

void wake(goroutine* g) noexcept {
  if (g->home == nullptr) {
    static_cast<parked_thread*>(g)->signal();
    return;
  }
  worker* w = current_worker();
  scheduler& target = g->home->owner();
  if (w != nullptr && &w->owner() == &target) {
    w->ready(g);
  } else {
    target.inject(g);
  }
}

void wake_all(wake_list& wakes) noexcept {
  worker* w = current_worker();
  wake_list own;
  while (goroutine* g = wakes.pop()) {
    if (g->home == nullptr) {
      static_cast<parked_thread*>(g)->signal();
    } else if (w != nullptr && &w->owner() == &g->home->owner()) {
      own.add(g);
    } else {
      g->home->owner().inject(g);
    }
  }
  if (w != nullptr) w->ready_all(own);
}

// --- choosing what runs next ---------------------------------------------------------------------

goroutine* worker::take_lifo() noexcept {
  if (lifo_.load(relaxed) == nullptr) return nullptr;
  return lifo_.exchange(nullptr, acquire);  // acquire: pairs with the release in ready()
}

/// From the LIFO slot or the ring. Null: both are empty, or another source is due first.
goroutine* worker::next_local() noexcept {
  goroutine* g = nullptr;
  if (hops_ < max_hops || queue_.size() == 0) [[likely]] {
    g = take_lifo();
    if (g != nullptr) [[likely]] {
      ++hops_;
      return g;
    }
  }
  hops_ = 0;
  g = queue_.pop();
  return g != nullptr ? g : take_lifo();
}

/// Of a goroutine that has waited long: its frame is not in the cache.
static void prefetch_frame(std::coroutine_handle<> leaf) noexcept {
  constexpr std::size_t line = 64;
  const auto* frame = static_cast<const std::byte*>(leaf.address());
  for (std::size_t at = 0; at < 4 * line; at += line) __builtin_prefetch(frame + at);
}

goroutine* worker::take_global(bool only_one) noexcept {
  goroutine* const first = owner_.global_.pop(only_one);
  if (first == nullptr || first->next == nullptr) return first;
  for (goroutine* g = first->next; g != nullptr;) {
    goroutine* const following = g->next;
    __builtin_prefetch(g->next_list, 1);  // see goroutine_list::stride
    if (g->leaf) prefetch_frame(g->leaf);
    push_behind(g);
    g = following;
  }
  owner_.notify();
  return first;
}

void worker::look_at_timers() noexcept {
  if (!timers_.wants_look()) return;
  current_.store(nullptr, relaxed);  // what a timer does is no goroutine's doing
  wake_list wakes;
  timers_.poll(steady_now(), wakes);
  ready_all(wakes);
}

void worker::look_at_io() noexcept {
  if (!driver_->has_io()) return;
  current_.store(nullptr, relaxed);  // as in look_at_timers()
  wake_list wakes;
  driver_->poll(wakes);
  wake_all(wakes);  // some may be another runtime's, which shares the descriptor
}

void worker::serve_stuck_workers() noexcept {
  if (owner_.stuck_workers_.load(relaxed) == 0) return;
  current_.store(nullptr, relaxed);  // as in look_at_timers()
  for (auto& other : owner_.workers_) {
    if (other.get() == this || !other->stuck.load(relaxed)) continue;
    wake_list wakes;
    if (other->timers_.next_look() <= steady_now()) other->timers_.poll_for_owner(wakes);
    if (other->driver_->has_io()) other->driver_->poll(wakes);
    wake_all(wakes);  // as in look_at_io()
  }
}

/// Fewer than usual where turns are long: neither a timer nor I/O is to wait much longer than
/// `longest_wait`.
std::uint32_t worker::turns_until_slow() noexcept {
  if (!timers_.wants_look() && !driver_->has_io()) return slow_turn;
  const nanoseconds_t now = steady_now();
  const nanoseconds_t taken = std::max<nanoseconds_t>(now - looked_at_, 1);
  looked_at_ = now;
  const nanoseconds_t wanted = slow_interval_ * longest_wait / taken;
  slow_interval_ = static_cast<std::uint32_t>(std::clamp<nanoseconds_t>(wanted, 1, slow_turn));
  return slow_interval_;
}

goroutine* worker::next() noexcept {
  if (--turns_to_slow_ == 0) {
    if (bubble_ != nullptr) return next_in_bubble();
    turns_to_slow_ = turns_until_slow();
    look_at_timers();
    look_at_io();
    serve_stuck_workers();
    // All that were queued together, where there is room: a goroutine that yields in a loop fills
    // the ring again and again, and must not hold up the others.
    if (goroutine* g = take_global(queue_.size() > run_queue::capacity / 2)) return g;
  }
  if (goroutine* g = next_local()) return g;
  if (goroutine* g = take_global(false)) return g;
  look_at_timers();
  if (goroutine* g = next_local()) return g;
  return search();
}

/// Takes from the others. The last searcher that finds something wakes the next.
goroutine* worker::search() noexcept {
  const std::size_t count = owner_.workers_.size();
  if (!searching) {
    if (count == 1 || !owner_.idle_.try_search(count)) return nullptr;
    searching = true;
  }
  serve_stuck_workers();
  goroutine* found = next_local();
  const std::size_t begin = random() % count;
  for (std::size_t i = 0; i < count && found == nullptr; ++i) {
    worker& victim = *owner_.workers_[(begin + i) % count];
    if (&victim != this) found = steal_from(victim);
  }
  if (found == nullptr) found = take_global(false);
  if (found != nullptr) look_at_io();  // what was asked of the kernel goes there first
  return found;
}

/// Half of what waits there, if it waits long enough to be worth it: a goroutine that is stolen
/// takes the cache lines of its channels along, which costs several turns of a fine-grained
/// exchange. So the thief watches for `watch_time` how many turns the victim makes, and leaves what
/// that victim itself will have run within about two thirds of that time.
goroutine* worker::steal_from(worker& victim) noexcept {
  goroutine* found = nullptr;
  left_alone_[victim.index()] = false;
  if (victim.stuck.load(relaxed)) {
    found = victim.queue_.steal_into(queue_);
    // Its LIFO slot is its own, unless it is stuck in one turn.
    if (found == nullptr) found = victim.take_lifo();
  } else if (victim.has_work()) {
    const std::uint64_t turns = victim.turns();
    const nanoseconds_t begin = steady_now();
    do {
      for (int i = 0; i < 16; ++i) cpu_relax();
      if (!owner_.global_.empty()) return nullptr;
    } while (steady_now() - begin < watch_time);
    const std::uint64_t made = victim.turns() - turns;
    if (victim.queue_.size() * std::uint64_t{3} < made * 2) {
      const std::uint32_t vain = victim.vain_wakes_.load(relaxed);
      victim.vain_wakes_.store(vain < most_vain_wakes ? 2 * vain + 64 : vain, relaxed);
      left_alone_[victim.index()] = true;
      return nullptr;
    }
    found = victim.queue_.steal_into(queue_);
    if (found != nullptr) victim.vain_wakes_.store(0, relaxed);
  }
  if (found != nullptr && victim.clock() > clock()) clock_.store(victim.clock(), relaxed);
  return found;
}

// --- running -------------------------------------------------------------------------------------

/// Makes `g` the running goroutine; returns what to resume.
std::coroutine_handle<> worker::begin(goroutine* g) noexcept {
  current_.store(g, relaxed);
  if (g->home != this) {
    // Ids grow along every chain of spawns, see next_id().
    const std::uint64_t other = g->home->clock();
    if (other > clock()) clock_.store(other, relaxed);
    g->home = this;
  }
  g->budget = budget_;
  if (g->word.is_abandoned()) [[unlikely]] {
    g->exiting = g->exiting || owner_.exiting.load(relaxed);
    if (g->exiting) g->budget = 0;
  }
  turns_.store(turns_.load(relaxed) + 1, relaxed);
  if (g->leaf) return g->leaf;
  // What a plain thread has started counts for the ids of all that follows it, see next_id().
  const std::uint64_t outside = owner_.outside_clock_.load(relaxed);
  if (outside > clock()) clock_.store(outside, relaxed);
  g->reason.store(wait_reason::none, relaxed);
  g->leaf = g->type->start(*g);
  if (g->leaf) return g->leaf;
  ended_ = g;
  return std::noop_coroutine();
}

std::coroutine_handle<> worker::switch_away() noexcept {
#if BURROW_TAIL_CALLS
  if (turns_to_slow_ > 1) {
    if (goroutine* g = next_local()) {
      --turns_to_slow_;
      return begin(g);
    }
  }
#endif
  return std::noop_coroutine();
}

void worker::execute(goroutine* g) noexcept {
  std::coroutine_handle<> h = begin(g);
  h.resume();
#if !BURROW_TAIL_CALLS
  while (resume_next_) std::exchange(resume_next_, nullptr).resume();
#endif
  if (ended_ != nullptr) finish_ended();
}

void worker::finish_ended() noexcept {
  goroutine* g = std::exchange(ended_, nullptr);
  g->type->finish(*g);
  current_.store(nullptr, relaxed);
  free_goroutine(g);
  finished.store(finished.load(relaxed) + 1, release);
  if (auto* told = owner_.on_end.load(acquire)) told(owner_);
}

void worker::run() {
  this_worker = this;
  set_thread_cache(&blocks_);
  // Sleeps end within microseconds, not 50 of them. Worker 0 is a thread of the program's.
  const int slack = ::prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  while (!owner_.stopping_.load(acquire)) {
    if (in_forked_child()) fatal_in_forked_child();
    goroutine* g = next();
    if (g == nullptr) {
      current_.store(nullptr, relaxed);
      bubble_ != nullptr ? park_in_bubble() : park();
      continue;
    }
    if (searching) {
      searching = false;
      if (owner_.idle_.stop_searching()) owner_.notify();
    }
    execute(g);
  }
  if (slack > 0) ::prctl(PR_SET_TIMERSLACK, slack, 0, 0, 0);
  current_.store(nullptr, relaxed);
  set_thread_cache(nullptr);
  this_worker = nullptr;
}

// --- goroutines ----------------------------------------------------------------------------------

/// Ids are unique, and greater than those of all goroutines that this one descends from: each
/// worker counts up a clock of its own and takes over that of a worker from which a goroutine came.
/// The first id of each tick is that of a goroutine started from outside; main is the first of
/// these, and has the id 1.
std::uint64_t worker::next_id() noexcept {
  const std::uint64_t tick = clock_.load(relaxed) + 1;
  clock_.store(tick, relaxed);
  return (tick - 1) * (owner_.workers_.size() + 1) + index_ + 2;
}

goroutine* worker::new_goroutine() {
  if (free_slots_ == nullptr) free_slots_ = owner_.slab_.take_batch(free_slot_count_);
  goroutine* g = free_slots_;
  free_slots_ = g->next;
  --free_slot_count_;
  g->home = this;
  g->id.store(next_id(), release);  // release: a dump that sees the id sees a sound slot
  started.store(started.load(relaxed) + 1, relaxed);
  return g;
}

void worker::discard(goroutine* g) noexcept {
  if (current_worker() == this) {
    finished.store(finished.load(relaxed) + 1, release);
    free_goroutine(g);
    return;
  }
  const outside_call hold(owner_);  // this may have been the last
  g->id.store(0, release);
  g->word.reset();
  g->next = nullptr;
  owner_.slab_.give_batch(g, 1);
  owner_.outside_started_.fetch_sub(1, release);
  if (auto* told = owner_.on_end.load(acquire)) told(owner_);
}

void worker::free_goroutine(goroutine* g) noexcept {
  g->id.store(0, release);
  g->leaf = nullptr;
  g->word.reset();
  g->shielded = false;
  g->exiting = false;
  if (g->name.load(relaxed) != nullptr) owner_.slab_.rename(*g, nullptr);
  g->next = free_slots_;
  free_slots_ = g;
  if (++free_slot_count_ < 2 * slab::batch_size) return;
  goroutine* first = free_slots_;
  goroutine* last = first;
  for (std::size_t i = 1; i < slab::batch_size; ++i) last = last->next;
  free_slots_ = last->next;
  last->next = nullptr;
  free_slot_count_ -= slab::batch_size;
  owner_.slab_.give_batch(first, slab::batch_size);
}

}  // namespace burrow::detail
