// SPDX-License-Identifier: MIT
#include <burrow/detail/context_node.hpp>
#include <burrow/detail/io_core.hpp>
#include <burrow/detail/timer_core.hpp>

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace burrow {

void detail::throw_error_of_result(std::error_code error) { throw std::system_error(error); }

namespace detail {

namespace {

/// A call on this descriptor may not block its worker. The flag belongs to what is open, not to the
/// number, so it is set only on what burrow has opened or been given for good; the calls on what
/// was lent look first whether they would wait.
void never_block(descriptor& d) noexcept {
  if (d.is_lent || d.never_blocks.exchange(true, relaxed)) return;
  const int flags = ::fcntl(d.fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(d.fd, F_SETFL, flags | O_NONBLOCK);
}

bool would_block(int result) noexcept { return result == -EAGAIN || result == -EWOULDBLOCK; }

int attempt(io_request& r) noexcept {
  int result = 0;
  do {
    result = r.type->attempt(r);
  } while (result == -EINTR);
  return result;
}

io_outcome outcome_of(int result, const descriptor& d, io_side side) noexcept {
  if (result >= 0) return {result, {}};
  if (const std::error_code error = refusal_of(d, side)) return {0, error};
  return {0, system_error_code(-result)};
}

/// Until an event has come since `seen` were counted: zero. Else why none will.
task<std::error_code> wait_for_event(descriptor& d, io_side side, std::uint32_t seen) {
  goroutine& g = co_await io_entry();
  driver& in = g.home->io();
  if (const int error = in.watch(d, side); error != 0) co_return system_error_code(error);
  cancellable_node* const watched = watched_by(g);
  readiness_operation ready(d, side, seen, in.group);
  if (!co_await io_wait(ready)) co_return error_of(*watched);
  co_return refusal_of(d, side);
}

/// By readiness: the call, again and again until it has not blocked.
task<io_outcome> perform_when_ready(descriptor& d, io_request& r) {
  never_block(d);
  r.on = &d;
  for (;;) {
    if (const std::error_code error = refusal_of(d, r.type->side)) co_return {0, error};
    // acquire: pairs with the release in note_ready()
    const std::uint32_t seen = d.side(r.type->side).events.load(acquire);
    const int result = attempt(r);
    if (!would_block(result)) co_return outcome_of(result, d, r.type->side);
    const std::error_code error = co_await wait_for_event(d, r.type->side, seen);
    if (error) co_return {0, error};
  }
}

}  // namespace

std::error_code refusal_of(const descriptor& d, io_side side) noexcept {
  if (d.closing.load(acquire)) return errc::not_open;
  const auto& state = side == io_side::read ? d.reading : d.writing;
  if (state.expired.load(relaxed)) return errc::io_timeout;
  return {};
}

task<io_outcome> perform(descriptor_ref d, io_request& r, io_course course,
                         void (*undo)(int) noexcept) {
  goroutine& g = co_await io_entry();
  cancellable_node* const watched = watched_by(g);
  if (watched != nullptr && watched->has_ended()) co_return {0, error_of(*watched)};
  const descriptor_use user(d);
  if (!user) co_return {0, errc::not_open};
  const io_side side = r.type->side;
  if (course == io_course::when_ready || !g.home->io().takes_requests()) {
    co_return co_await perform_when_ready(*d, r);
  }

  r.on = d.get();
  if (course == io_course::try_first) {
    if (const std::error_code error = refusal_of(*d, side)) co_return {0, error};
    const int result = attempt(r);
    if (!would_block(result)) co_return outcome_of(result, *d, side);
  }
  for (;;) {
    driver& in = g.home->io();
    if (!begin_request(*d, r, in)) {
      if (const std::error_code error = refusal_of(*d, side)) co_return {0, error};
      continue;  // the deadline has been moved since
    }
    in.submit(r);
    bool has_ended = false;
    bool is_abandoned = false;
    completion_operation<false> completion(r);
    try {
      has_ended = !co_await io_wait(completion);
    } catch (const goroutine_exit&) {
      is_abandoned = true;
    }
    if (has_ended || is_abandoned) {
      in.cancel(r);
      co_await completion_operation<true>(r);
    }
    if (is_abandoned) {
      if (r.result >= 0 && undo != nullptr) undo(r.result);
      throw goroutine_exit{};
    }
    if (r.result >= 0) co_return {r.result, {}};
    if (has_ended) co_return {0, error_of(*watched)};
    // The descriptor was given to burrow in a state in which the kernel does not wait.
    const bool waits_here = would_block(r.result) && d->fd >= 0;
    if (waits_here) co_return co_await perform_when_ready(*d, r);
    const io_outcome outcome = outcome_of(r.result, *d, side);
    // By a deadline that has been moved since, as if it had not passed. A thread of the kernel that
    // is told of it says that it was interrupted.
    const bool is_called_off =
        outcome.error == std::errc::operation_canceled || outcome.error == std::errc::interrupted;
    if (!is_called_off) co_return outcome;
    r.begin_again();
  }
}

task<result<void>> wait_until_ready(descriptor_ref d, io_side side) {
  const goroutine& g = co_await io_entry();
  cancellable_node* const watched = watched_by(g);
  if (watched != nullptr && watched->has_ended()) co_return error_of(*watched);
  const descriptor_use user(d);
  if (!user) co_return errc::not_open;
  for (;;) {
    if (const std::error_code error = refusal_of(*d, side)) co_return error;
    const std::uint32_t seen = d->side(side).events.load(acquire);  // as above
    pollfd now{d->fd, static_cast<short>(side == io_side::read ? POLLIN : POLLOUT), 0};
    if (::poll(&now, 1, 0) > 0) co_return {};
    if (const std::error_code error = co_await wait_for_event(*d, side, seen)) co_return error;
  }
}

result<void> set_deadline(descriptor& d, io_side side, std::chrono::steady_clock::duration at) {
  if (d.closing.load(acquire)) return errc::not_open;
  const bool is_none = at == std::chrono::steady_clock::duration::max();
  timer_set* const set = current_worker() != nullptr || is_none ? nullptr : &timer_core::set_here();
  detail::set_deadline(d, side, is_none ? never : at.count(), set);
  return {};
}

descriptor_ref own_descriptor(int fd) {
  try {
    return descriptor_ref(adopt_descriptor(fd));
  } catch (...) {
    ::close(fd);
    throw;
  }
}

}  // namespace detail

}  // namespace burrow
