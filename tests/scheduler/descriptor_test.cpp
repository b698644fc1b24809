// SPDX-License-Identifier: MIT
// What a descriptor knows of an event that comes between a call that would have blocked and the
// wait. Only epoll's events can be lost there: io_uring is asked anew for each wait.
#include <burrow/detail/descriptor.hpp>
#include <burrow/detail/worker.hpp>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace burrow::detail;

namespace {

/// Whether a wait that begins now would end at once; a select looks before it attempts.
bool is_ready(readiness_operation& op, descriptor& d) {
  goroutine* woken = nullptr;
  locked hold(d.lock);
  const bool seems = op.ready();
  CHECK(op.attempt(woken) == seems);
  return seems;
}

}  // namespace

TEST_CASE("an event between a call that would have blocked and the wait is not lost") {
  driver_group group;
  const auto in = make_epoll_driver(group);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  const descriptor_ref d(adopt_descriptor(ends[0]));
  REQUIRE(in->watch(*d, io_side::read) == 0);
  const std::uint32_t seen = d->reading.events.load();
  // Here the call would have blocked.
  wake_list wakes;
  note_event(*d, d->generation, true, false, wakes);
  REQUIRE(in->watch(*d, io_side::read) == 0);
  readiness_operation op(*d, io_side::read, seen, group);
  CHECK(is_ready(op, *d));
  // It stays so for another one that is about to wait, and not for one that knows of it.
  CHECK(is_ready(op, *d));
  readiness_operation later(*d, io_side::read, d->reading.events.load(), group);
  CHECK_FALSE(is_ready(later, *d));
  readiness_operation writer(*d, io_side::write, d->writing.events.load(), group);
  CHECK_FALSE(is_ready(writer, *d));
  // Nor is a close, after which there is no event.
  close_descriptor(*d);
  CHECK(is_ready(later, *d));
  CHECK(is_ready(writer, *d));
  ::close(ends[1]);
}

TEST_CASE("a number that is used again for what was never closed is watched anew") {
  driver_group group;
  const auto in = make_epoll_driver(group);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int number = ::dup(ends[0]);
  {
    const descriptor_ref first(adopt_descriptor(number));
    REQUIRE(in->watch(*first, io_side::read) == 0);
  }
  REQUIRE(::dup(ends[0]) == number);
  const descriptor_ref second(adopt_descriptor(number));
  const std::uint32_t seen = second->reading.events.load();
  REQUIRE(in->watch(*second, io_side::read) == 0);
  REQUIRE(::write(ends[1], "x", 1) == 1);
  wake_list nobody;
  in->poll(nobody);
  readiness_operation op(*second, io_side::read, seen, group);
  CHECK(is_ready(op, *second));
  ::close(ends[0]);
  ::close(ends[1]);
}
