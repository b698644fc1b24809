// SPDX-License-Identifier: MIT
// Readiness as the epoll driver tells it: which events may come when, step by step.
#include <burrow/detail/descriptor.hpp>
#include <burrow/detail/worker.hpp>

#include <doctest/doctest.h>

#include <array>
#include <unistd.h>

using namespace burrow::detail;

namespace {

/// A pipe whose reading end is a descriptor.
struct watched_pipe {
  watched_pipe() {
    REQUIRE(::pipe(ends.data()) == 0);
    d = descriptor_ref(adopt_descriptor(ends[0]));
  }
  watched_pipe(const watched_pipe&) = delete;
  watched_pipe& operator=(const watched_pipe&) = delete;
  ~watched_pipe() { ::close(ends[1]); }
  void write() const { REQUIRE(::write(ends[1], "x", 1) == 1); }

  std::array<int, 2> ends{};
  descriptor_ref d;
};

/// Collects what has come. Nobody waits, so nobody is woken.
void collect(driver& in) {
  wake_list nobody;
  in.poll(nobody);
  CHECK(nobody.empty());
}

bool is_ready(descriptor& d, driver_group& group) {
  const readiness_operation op(d, io_side::read, group);
  return op.ready();
}

}  // namespace

TEST_CASE("an event between a call that would have blocked and the wait is not lost") {
  driver_group group;
  const auto in = make_epoll_driver(group);
  const watched_pipe p;
  REQUIRE(in->watch(*p.d, io_side::read) == 0);
  collect(*in);
  CHECK_FALSE(is_ready(*p.d, group));
  p.write();
  collect(*in);  // as another worker does it meanwhile
  REQUIRE(in->watch(*p.d, io_side::read) == 0);
  CHECK(is_ready(*p.d, group));
}

TEST_CASE("who sees that a descriptor is ready takes the event; a close stays seen") {
  driver_group group;
  const auto in = make_epoll_driver(group);
  const watched_pipe p;
  REQUIRE(in->watch(*p.d, io_side::read) == 0);
  p.write();
  collect(*in);
  readiness_operation op(*p.d, io_side::read, group);
  goroutine* woken = nullptr;
  CHECK(op.attempt(woken));
  CHECK_FALSE(op.attempt(woken));
  CHECK(close_descriptor(*p.d));
  CHECK(op.attempt(woken));
  CHECK(op.attempt(woken));
}

TEST_CASE("a number that is used again for what was never closed is watched anew") {
  driver_group group;
  const auto in = make_epoll_driver(group);
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const int number = ::dup(ends[0]);
  {
    const descriptor_ref first(adopt_descriptor(number));
    REQUIRE(in->watch(*first, io_side::read) == 0);
  }
  REQUIRE(::dup(ends[0]) == number);
  const descriptor_ref second(adopt_descriptor(number));
  REQUIRE(in->watch(*second, io_side::read) == 0);
  REQUIRE(::write(ends[1], "x", 1) == 1);
  collect(*in);
  CHECK(is_ready(*second, group));
  ::close(ends[0]);
  ::close(ends[1]);
}
