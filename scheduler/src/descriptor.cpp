// SPDX-License-Identifier: MIT
#include <burrow/detail/descriptor.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <liburing.h>
#include <mutex>
#include <new>
#include <poll.h>
#include <unistd.h>

namespace burrow::detail {

namespace {

/// Descriptors to be used again; their memory is never given back.
struct free_descriptors {
  std::mutex mutex;
  descriptor* first = nullptr;  // under the mutex
};

free_descriptors& unused() noexcept {
  // Never destroyed: descriptors may be let go of by what outlives main().
  alignas(free_descriptors) static std::byte storage[sizeof(free_descriptors)];
  static auto* all = new (storage) free_descriptors;
  return *all;
}

descriptor* take_unused() noexcept {
  std::lock_guard hold(unused().mutex);
  descriptor* const d = unused().first;
  if (d != nullptr) unused().first = d->next_free;
  return d;
}

/// The last reference has gone, and so there is neither a handle nor a user.
void recycle(descriptor& d) noexcept {
  std::lock_guard hold(unused().mutex);
  d.next_free = unused().first;
  unused().first = &d;
}

/// Under the lock.
void unlist(descriptor& d, io_request& r) noexcept {
  (r.previous != nullptr ? r.previous->next : d.requests) = r.next;
  if (r.next != nullptr) r.next->previous = r.previous;
}

/// Under the lock: whoever waits for readiness goes on, and who is about to wait will see it.
void note_ready(descriptor::side_state& side, wake_list& wakes) noexcept {
  // release: the call of whoever has read this count finds what the event was about; pairs with the
  // acquire before that call.
  side.events.store(side.events.load(relaxed) + 1, release);
  side.waiters.claim_all(wakes);
}

constexpr unsigned events_of(io_side side) noexcept {
  return side == io_side::read ? POLLIN | POLLRDHUP : POLLOUT;
}

void prepare_poll(io_request& r, io_uring_sqe& sqe) noexcept {
  ::io_uring_prep_poll_add(&sqe, r.on->fd, events_of(r.type->side));
}

int poll_now(io_request& r) noexcept {
  pollfd p{r.on->fd, static_cast<short>(events_of(r.type->side)), 0};
  const int n = ::poll(&p, 1, 0);
  return n < 0 ? -errno : n == 0 ? -EAGAIN : p.revents;
}

void end_poll(io_request& r, int, bool, wake_list& wakes) noexcept {
  descriptor::side_state& side = r.on->side(r.type->side);
  side.is_polled = false;
  note_ready(side, wakes);
}

constexpr io_type poll_type[] = {
    {io_side::read, &prepare_poll, &poll_now, &end_poll},
    {io_side::write, &prepare_poll, &poll_now, &end_poll},
};

}  // namespace

poll_request::poll_request(io_side s) noexcept
    : io_request(poll_type[static_cast<std::size_t>(s)]) {}

std::uint64_t driver_group::next_number() noexcept {
  static atomic<std::uint64_t> count{0};
  return count.fetch_add(1, relaxed) + 1;
}

// --- deadlines -----------------------------------------------------------------------------------

namespace {

/// Its deadline may have passed: cancels the requests of one side, and wakes who waits for it.
void expire(descriptor& d, io_side side) noexcept {
  wake_list wakes;
  {
    locked hold(d.lock);
    descriptor::side_state& state = d.side(side);
    if (state.deadline > steady_now()) return;  // it was moved while this was on its way
    state.expired.store(true, relaxed);
    for (io_request* r = d.requests; r != nullptr; r = r->next) {
      if (r->type->side == side && r->type->complete == nullptr) r->in->cancel(*r);
    }
    state.waiters.claim_all(wakes);
  }
  wake_all(wakes);
}

constexpr timer_type deadline_type = {
    [](timer_node&, nanoseconds_t, wake_list&) noexcept { return true; },
    [](timer_node& t) noexcept {
      auto& timer = static_cast<deadline_timer&>(t);
      descriptor& d = *timer.on;
      expire(d, timer.side);
      drop_memory(d);
    },
    [](timer_node& t) noexcept { drop_memory(*static_cast<deadline_timer&>(t).on); }};

/// Who sets the deadline of the same descriptor waits; others seldom do.
std::mutex& deadline_mutex(const descriptor& d) noexcept {
  static std::array<std::mutex, 64> mutexes;
  return mutexes[reinterpret_cast<std::uintptr_t>(&d) / sizeof(descriptor) % mutexes.size()];
}

/// Under the deadline mutex. True: the caller has its reference now.
bool disarm(deadline_timer& timer) noexcept {
  if (timer.set == nullptr) return false;
  locked hold(timer.set->lock);
  return timer.set->disarm(timer);
}

/// By whoever has a reference.
void disarm_deadlines(descriptor& d) noexcept {
  int disarmed = 0;
  {
    std::lock_guard hold(deadline_mutex(d));
    for (descriptor::side_state* side : {&d.reading, &d.writing}) {
      if (disarm(side->timer)) ++disarmed;
    }
  }
  for (; disarmed != 0; --disarmed) drop_memory(d);
}

}  // namespace

void set_deadline(descriptor& d, io_side s, nanoseconds_t at, timer_set* set) noexcept {
  descriptor::side_state& side = d.side(s);
  const bool is_own_set = set == nullptr;
  if (is_own_set && at != never) set = &current_worker()->timers();
  bool was_armed = false;
  {
    std::lock_guard hold(deadline_mutex(d));
    was_armed = disarm(side.timer);
    bool arms = at != never;
    {
      locked held(d.lock);
      side.deadline = at;
      side.expired.store(false, relaxed);
      arms = arms && !d.closing.load(relaxed);
    }
    if (arms) {
      retain_memory(d);
      locked held(set->lock);
      side.timer.set = set;
      set->arm_at(side.timer, at);
    }
  }
  if (!is_own_set && set != nullptr) set->tell_owner();
  if (was_armed) drop_memory(d);
  if (at <= steady_now()) expire(d, s);
}

// --- life ----------------------------------------------------------------------------------------

descriptor& adopt_descriptor(int fd) {
  descriptor* d = take_unused();
  if (d == nullptr) {
    d = new descriptor;
    // For good: who runs a timer that has fired reads these while it may be armed anew.
    for (descriptor::side_state* side : {&d->reading, &d->writing}) {
      side->timer.type = &deadline_type;
      side->timer.on = d;
    }
  }
  locked hold(d->lock);
  d->fd = fd;
  d->handles.store(1, relaxed);
  d->references.store(1, relaxed);
  d->closing.store(false, relaxed);
  d->never_blocks.store(false, relaxed);
  d->is_lent = false;
  d->keeps_number = false;
  ++d->generation;
  d->watched_by = 0;
  for (descriptor::side_state* side : {&d->reading, &d->writing}) {
    side->expired.store(false, relaxed);
    side->deadline = never;
  }
  return *d;
}

void retain_handle(descriptor& d) noexcept {
  d.handles.fetch_add(1, relaxed);  // relaxed: the caller has one already
}

void drop_handle(descriptor& d) noexcept {
  // acq_rel: the last one sees what the others did before they gave theirs back.
  if (d.handles.fetch_sub(1, acq_rel) != 1) return;
  close_descriptor(d);
  drop_memory(d);
}

void retain_memory(descriptor& d) noexcept {
  d.references.fetch_add(1, relaxed);  // relaxed: the caller has a handle, or a reference
}

void drop_memory(descriptor& d) noexcept {
  // acq_rel: as drop_handle().
  if (d.references.fetch_sub(1, acq_rel) == 1) recycle(d);
}

bool begin_use(descriptor& d) noexcept {
  locked hold(d.lock);
  if (d.closing.load(relaxed)) return false;
  ++d.users;
  return true;
}

void end_use(descriptor& d) noexcept {
  int fd = -1;
  {
    locked hold(d.lock);
    if (--d.users == 0 && d.closing.load(relaxed)) fd = std::exchange(d.fd, -1);
    if (d.keeps_number) fd = -1;
  }
  if (fd >= 0) ::close(fd);
}

bool close_descriptor(descriptor& d) noexcept {
  wake_list wakes;
  {
    locked hold(d.lock);
    if (d.closing.load(relaxed)) return false;
    d.closing.store(true, release);
    ++d.users;  // this call
    for (io_request* r = d.requests; r != nullptr; r = r->next) r->in->cancel(*r);
    d.reading.waiters.claim_all(wakes);
    d.writing.waiters.claim_all(wakes);
  }
  wake_all(wakes);
  disarm_deadlines(d);
  end_use(d);
  return true;
}

// --- requests and events -------------------------------------------------------------------------

void list_request(descriptor& d, io_request& r, driver& in) noexcept {
  r.on = &d;
  r.in = &in;
  r.previous = nullptr;
  r.next = d.requests;
  if (r.next != nullptr) r.next->previous = &r;
  d.requests = &r;
}

bool begin_request(descriptor& d, io_request& r, driver& in) noexcept {
  locked hold(d.lock);
  if (d.closing.load(relaxed) || d.side(r.type->side).expired.load(relaxed)) return false;
  list_request(d, r, in);
  return true;
}

void complete(io_request& r, int result, bool is_last, wake_list& wakes) noexcept {
  descriptor& d = *r.on;
  const bool is_of_goroutine = r.type->complete == nullptr;
  {
    locked hold(d.lock);
    if (is_last) unlist(d, r);
    if (is_of_goroutine) {
      r.result = result;
      r.done.store(true, relaxed);  // the lock publishes the result
      if (waiter* const w = std::exchange(r.waiting, nullptr)) {
        w->linked = false;
        if (w->claim()) wakes.add(w->who);
      }
      return;  // its frame may be gone once the lock is
    }
    r.type->complete(r, result, is_last, wakes);
  }
  if (!is_last) return;
  end_use(d);  // what stands is a user, and has a reference
  drop_memory(d);
}

void note_event(descriptor& d, std::uint16_t generation, bool readable, bool writable,
                wake_list& wakes) noexcept {
  locked hold(d.lock);
  if (d.generation != generation) return;
  if (readable) note_ready(d.reading, wakes);
  if (writable) note_ready(d.writing, wakes);
}

}  // namespace burrow::detail
