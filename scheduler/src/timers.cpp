// SPDX-License-Identifier: MIT
#include <burrow/detail/scheduler.hpp>
#include <burrow/detail/timers.hpp>
#include <burrow/detail/worker.hpp>

#include <utility>

namespace burrow::detail {

// --- timer_list ----------------------------------------------------------------------------------

void timer_list::push_back(timer_node& t) noexcept {
  t.next = nullptr;
  t.previous = tail_;
  (tail_ != nullptr ? tail_->next : head_) = &t;
  tail_ = &t;
}

void timer_list::insert_sorted(timer_node& t) noexcept {
  timer_node* before = tail_;  // most come in order
  while (before != nullptr && before->due > t.due) before = before->previous;
  timer_node* after = before != nullptr ? before->next : head_;
  t.previous = before;
  t.next = after;
  (before != nullptr ? before->next : head_) = &t;
  (after != nullptr ? after->previous : tail_) = &t;
}

void timer_list::remove(timer_node& t) noexcept {
  (t.previous != nullptr ? t.previous->next : head_) = t.next;
  (t.next != nullptr ? t.next->previous : tail_) = t.previous;
}

timer_node* timer_list::take_all() noexcept {
  timer_node* first = head_;
  head_ = nullptr;
  tail_ = nullptr;
  return first;
}

namespace {

timer_node* merge(timer_node* a, timer_node* b) noexcept {
  timer_node* first = nullptr;
  timer_node** end = &first;
  while (a != nullptr && b != nullptr) {
    timer_node*& smaller = b->due < a->due ? b : a;
    *end = smaller;
    end = &smaller->next;
    smaller = smaller->next;
  }
  *end = a != nullptr ? a : b;
  return first;
}

/// Merge sort, bottom up; only `next` is kept. `runs[i]` holds a sorted run of 2^i timers.
timer_node* sort_by_due(timer_node* list) noexcept {
  std::array<timer_node*, 48> runs{};
  while (list != nullptr) {
    timer_node* run = list;
    list = list->next;
    run->next = nullptr;
    std::size_t i = 0;
    for (; runs[i] != nullptr; ++i) {
      run = merge(runs[i], run);
      runs[i] = nullptr;
    }
    runs[i] = run;
  }
  timer_node* all = nullptr;
  for (timer_node* run : runs) all = merge(run, all);
  return all;
}

}  // namespace

void timer_list::merge_sorted(timer_node* list) noexcept {
  head_ = merge(head_, list);
  timer_node* last = nullptr;
  for (timer_node* t = head_; t != nullptr; t = t->next) {
    t->previous = last;
    last = t;
  }
  tail_ = last;
}

// --- life ----------------------------------------------------------------------------------------

timer_set::retired_sets& timer_set::retired() noexcept {
  // Never destroyed: timers may outlive main().
  alignas(retired_sets) static std::byte storage[sizeof(retired_sets)];
  static retired_sets* sets = new (storage) retired_sets;
  return *sets;
}

timer_set& timer_set::obtain(std::uint16_t bubble) {
  timer_set* set = nullptr;
  {
    retired_sets& sets = retired();
    const locked hold(sets.lock);
    set = sets.first;
    if (set != nullptr) sets.first = std::exchange(set->next_retired_, nullptr);
  }
  if (set == nullptr) set = new timer_set;
  const locked hold(set->lock);
  set->bubble_ = bubble;
  set->is_retired_ = false;
  return *set;
}

void timer_set::retire() noexcept {
  timer_node* told = nullptr;
  const nanoseconds_t now = steady_now();
  {
    wake_list nobody;  // all goroutines have ended
    locked hold(lock);
    is_retired_ = true;
    stamp_fresh(now);  // those that rest keep their time
    const auto disarm_all = [&](timer_list& list) {
      for (timer_node* t = list.take_all(); t != nullptr;) {
        timer_node* following = t->next;
        t->where = timer_node::place::none;
        if (t->type->retired != nullptr) {
          t->type->expire(*t, now, nobody);
          t->next = told;
          told = t;
        }
        t = following;
      }
    };
    disarm_all(late_);
    disarm_all(due_);
    for (auto& level : wheel_) {
      for (timer_list& slot : level) disarm_all(slot);
    }
    occupied_ = {};
    elapsed_ = 0;  // the next worker's clock may be another one
    armed_.store(0, relaxed);
    next_look_.store(never, relaxed);
  }
  while (told != nullptr) {
    timer_node* following = told->next;
    told->type->retired(*told);
    told = following;
  }
  retired_sets& sets = retired();
  const locked hold(sets.lock);
  next_retired_ = sets.first;
  sets.first = this;
}

// --- arming --------------------------------------------------------------------------------------

void timer_set::arm_after(timer_node& t, nanoseconds_t duration) noexcept {
  t.due = duration;
  t.resting = false;
  t.where = timer_node::place::fresh;
  fresh_.push_back(t);
  count(armed_, 1);
  next_look_.store(0, relaxed);
}

void timer_set::arm_at(timer_node& t, nanoseconds_t due) noexcept {
  t.due = due;
  t.resting = false;
  place(t);
  count(armed_, 1);
  if (due < next_look_.load(relaxed)) next_look_.store(due, relaxed);
}

bool timer_set::disarm(timer_node& t) noexcept {
  if (!t.armed()) return false;
  unlink(t);
  count(armed_, std::size_t{0} - 1);
  return true;
}

void timer_set::rest_after(timer_node& t, nanoseconds_t duration) noexcept {
  t.due = duration;
  t.resting = true;
  t.where = timer_node::place::fresh;
  fresh_.push_back(t);
  count(resting_, 1);
  next_look_.store(0, relaxed);
}

void timer_set::stamp(timer_node& t, nanoseconds_t now) noexcept {
  drop(t);
  t.due = later(now, t.due);
}

void timer_set::drop(timer_node& t) noexcept {
  if (disarm(t) || !t.rests_fresh()) return;
  unlink(t);
  t.resting = false;
  count(resting_, std::size_t{0} - 1);
}

void timer_set::tell_owner() noexcept {
  worker* here = current_worker();
  if (here != nullptr && &here->timers() == this) return;
  const auto tell = [this](scheduler& s) {
    for (std::size_t i = 0; i < s.worker_count(); ++i) {
      worker& w = s.worker_at(i);
      if (&w.timers() == this) {
        w.unpark();
        return true;
      }
    }
    return false;
  };
  if (here != nullptr && tell(here->owner())) return;
  // Its runtime may be about to end, or have ended: the lock of the list keeps it for the moment.
  scheduler::for_each(tell);
}

void timer_set::place(timer_node& t) noexcept {
  const auto due = static_cast<std::uint64_t>(t.due < 0 ? 0 : t.due);
  const std::uint64_t when = due >> unit_bits;
  if (when <= elapsed_) {
    t.where = timer_node::place::late;
    late_.push_back(t);
    return;
  }
  const auto highest = static_cast<unsigned>(std::bit_width(when ^ elapsed_)) - 1;
  const unsigned level = highest / slot_bits;
  const unsigned slot = static_cast<unsigned>(when >> (level * slot_bits)) % slots;
  t.where = timer_node::place::slot;
  t.slot = static_cast<std::uint16_t>(level * slots + slot);
  wheel_[level][slot].push_back(t);
  occupied_[level].add(slot);
}

void timer_set::unlink(timer_node& t) noexcept {
  switch (t.where) {
    case timer_node::place::fresh: fresh_.remove(t); break;
    case timer_node::place::late: late_.remove(t); break;
    case timer_node::place::due: due_.remove(t); break;
    case timer_node::place::slot: {
      const unsigned level = t.slot / slots;
      const unsigned slot = t.slot % slots;
      wheel_[level][slot].remove(t);
      if (wheel_[level][slot].empty()) occupied_[level].remove(slot);
      break;
    }
    case timer_node::place::none: break;
  }
  t.where = timer_node::place::none;
}

// --- polling -------------------------------------------------------------------------------------

void timer_set::stamp_fresh(nanoseconds_t now) noexcept {
  timer_node* t = fresh_.take_all();
  while (t != nullptr) {
    timer_node* following = t->next;
    t->due = later(now, t->due);
    if (t->resting) {
      t->where = timer_node::place::none;
      t->resting = false;
    } else {
      place(*t);
    }
    t = following;
  }
  resting_.store(0, relaxed);
}

/// Moves the timers of `late_` to `due_`. A few are put into their places one by one; where many
/// have come at once, that would be quadratic.
void timer_set::sort_late() noexcept {
  constexpr int few = 8;
  int n = 0;
  for (timer_node* t = late_.front(); t != nullptr && n <= few; t = t->next) ++n;
  timer_node* list = late_.take_all();
  if (n > few) {
    list = sort_by_due(list);
    for (timer_node* t = list; t != nullptr; t = t->next) t->where = timer_node::place::due;
    due_.merge_sorted(list);
    return;
  }
  while (list != nullptr) {
    timer_node* following = list->next;
    list->where = timer_node::place::due;
    due_.insert_sorted(*list);
    list = following;
  }
}

/// The unit in which a slot begins that has timers: all timers of a level lie in the present turn
/// of it, behind the present slot.
std::uint64_t timer_set::begin_of(unsigned level, unsigned slot) const noexcept {
  const unsigned shift = level * slot_bits;
  const std::uint64_t turn =
      shift + slot_bits >= 64 ? 0 : elapsed_ >> (shift + slot_bits) << (shift + slot_bits);
  return turn + (std::uint64_t{slot} << shift);
}

/// Moves the timers of a slot that has begun to where they belong now. From both ends: each step
/// waits for the memory of a timer that was not touched for long, and two such waits overlap.
void timer_set::spread(timer_list& slot) noexcept {
  timer_node* front = slot.front();
  timer_node* back = slot.back();
  slot.take_all();
  for (;;) {
    timer_node* const next = front->next;
    timer_node* const previous = back->previous;
    const bool is_last = front == back;
    const bool is_last_pair = next == back;
    place(*front);
    if (is_last) return;
    place(*back);
    if (is_last_pair) return;
    front = next;
    back = previous;
    __builtin_prefetch(front);
    __builtin_prefetch(back);
  }
}

/// Moves on to the next slot that has begun by `now_units`. False: there is none.
bool timer_set::advance(std::uint64_t now_units) noexcept {
  for (unsigned level = 0; level < levels; ++level) {
    const unsigned slot = occupied_[level].first();
    if (slot == slots) continue;
    const std::uint64_t begin = begin_of(level, slot);
    if (begin > now_units) return false;
    elapsed_ = begin;
    occupied_[level].remove(slot);
    spread(wheel_[level][slot]);
    return true;
  }
  return false;
}

nanoseconds_t timer_set::compute_next_look() const noexcept {
  if (!late_.empty()) return 0;
  if (!due_.empty()) return due_.front()->due;
  for (unsigned level = 0; level < levels; ++level) {
    const unsigned slot = occupied_[level].first();
    if (slot == slots) continue;
    const std::uint64_t begin = begin_of(level, slot);
    if (begin > static_cast<std::uint64_t>(never) >> unit_bits) return never;
    return static_cast<nanoseconds_t>(begin << unit_bits);
  }
  return never;
}

/// Under the lock: fires what is due, up to the first timer that has to run something.
timer_node* timer_set::expire_due(nanoseconds_t now, wake_list& wakes) noexcept {
  const std::uint64_t now_units = static_cast<std::uint64_t>(now) >> unit_bits;
  for (;;) {
    if (!late_.empty()) sort_late();
    if (timer_node* t = due_.front(); t != nullptr && t->due <= now) {
      unlink(*t);
      count(armed_, std::size_t{0} - 1);
      if (t->type->expire(*t, now, wakes)) return t;
    } else if (!advance(now_units)) {
      break;
    }
  }
  if (now_units > elapsed_ && due_.empty()) elapsed_ = now_units;
  return nullptr;
}

nanoseconds_t timer_set::poll(nanoseconds_t now, wake_list& wakes) noexcept {
  return poll_by([now] { return now; }, wakes);
}

nanoseconds_t timer_set::poll_for_owner(wake_list& wakes) noexcept {
  return poll_by([] { return steady_now(); }, wakes);
}

template <class ReadClock>
nanoseconds_t timer_set::poll_by(ReadClock read_clock, wake_list& wakes) noexcept {
  for (;;) {
    nanoseconds_t next = never;
    timer_node* to_run = nullptr;
    {
      locked hold(lock);
      const nanoseconds_t now = read_clock();
      stamp_fresh(now);
      to_run = expire_due(now, wakes);
      next = compute_next_look();
      next_look_.store(next, relaxed);
    }
    if (to_run == nullptr) return next;
    to_run->type->run(*to_run);
  }
}

}  // namespace burrow::detail
