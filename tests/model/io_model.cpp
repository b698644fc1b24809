// SPDX-License-Identifier: MIT
// A request is complete once, whoever gives up on it, and its number is closed when nobody uses it
// any more; an event that tells of readiness is never lost. The goroutine does what perform() does
// (runtime/src/io_core.cpp); a thread of the model is the kernel, and the driver in front of it.
#include "checker.hpp"
#include "stand_in.hpp"

#include <burrow/detail/io_core.hpp>

#include <fcntl.h>
#include <unistd.h>

using namespace burrow;
using namespace burrow::detail;
using model::stand_in;
using model::stand_ins;

namespace {

constexpr int success = 5;

constexpr io_type read_type = {io_side::read, nullptr, nullptr};

/// Takes one request, which the model's kernel completes.
class one_request_driver final : public driver {
 public:
  explicit one_request_driver(driver_group& g) noexcept : driver(g) {}
  void wait(nanoseconds_t) override {}
  void poll(wake_list&) noexcept override {}
  void wake() noexcept override {}
  const char* name() const noexcept override { return "model"; }
  bool takes_requests() const noexcept override { return true; }
  void submit(io_request& r) noexcept override { submitted_.store(&r, release); }
  void cancel(io_request&) noexcept override { cancel_asked_.store(1, release); }
  int watch(descriptor&, io_side) noexcept override { return 0; }

  /// Nothing will be submitted.
  void expect_nothing() noexcept { submitted_.store(&nothing_, release); }

  /// The kernel has done it, or lets go of it when it is asked to.
  void complete_it(bool when_cancelled) {
    while (submitted_.load(acquire) == nullptr) {
      model::wait_while(&submitted_, sizeof(submitted_), 0);
    }
    if (submitted_.load(relaxed) == &nothing_) return;
    while (when_cancelled && cancel_asked_.load(acquire) == 0) {
      model::wait_while(&cancel_asked_, sizeof(cancel_asked_), 0);
    }
    wake_list wakes;
    complete(*submitted_.load(relaxed), when_cancelled ? -ECANCELED : success, true, wakes);
    wake_all(wakes);
  }

 private:
  io_request nothing_{read_type};
  atomic<io_request*> submitted_{nullptr};
  atomic<std::uint32_t> cancel_asked_{0};
};

/// A number that is open, and the descriptor of it.
struct open_number {
  int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  descriptor_ref on{adopt_descriptor(fd)};

  open_number() = default;
  open_number(const open_number&) = delete;
  open_number& operator=(const open_number&) = delete;
  /// The memory of descriptors is kept to be used again; a model leaves nothing behind.
  ~open_number() {
    on = descriptor_ref();
    delete &adopt_descriptor(-1);
  }
  bool is_open() const { return ::fcntl(fd, F_GETFD) >= 0; }
};

/// What perform() makes of one request: its result; 0: it was refused.
int perform_one(stand_in& g, open_number& n, one_request_driver& in, bool& is_abandoned) {
  const descriptor_use user(n.on);
  io_request r(read_type);
  if (!user || !begin_request(*n.on, r, in)) {
    in.expect_nothing();
    return 0;
  }
  in.submit(r);
  bool has_ended = false;
  completion_operation<false> completion(r);
  try {
    has_ended = !g.await(io_wait(completion).bind(g));
  } catch (const goroutine_exit&) {
    is_abandoned = true;
  }
  if (has_ended || is_abandoned) {
    in.cancel(r);
    g.await(completion_operation<true>(r));
  }
  model::check(n.is_open(), "a user's number is open");
  const int result = r.result;
  r.type = nullptr;  // a race with whoever still has it
  r.result = 0;
  r.next = nullptr;
  return result;
}

}  // namespace

/// The Context ends while the kernel may complete it at any moment.
MODEL(io_request_cancelled, {.executions = 10'000, .random_runs = 1'000}) {
  stand_ins g(1);
  driver_group group;
  one_request_driver in(group);
  open_number n;
  auto [ctx, cancel] = with_cancel(background());
  carry(g[0], node_of(ctx));
  const bool when_cancelled = model::choose(2) == 1;
  int result = 0;
  bool is_abandoned = false;
  model::thread("performs", [&] { result = perform_one(g[0], n, in, is_abandoned); });
  model::thread("kernel", [&] {
    in.complete_it(when_cancelled);
    g.deliver();
  });
  model::thread("cancels", [&] {
    cancel();
    g.deliver();
  });
  model::join();
  model::check(result == (when_cancelled ? -ECANCELED : success), "what the kernel has said");
  model::check(n.on->requests == nullptr, "nothing is listed any more");
}

/// Abandoned: the kernel is waited for all the same.
MODEL(io_request_abandoned, {.executions = 10'000, .random_runs = 1'000}) {
  stand_ins g(1);
  driver_group group;
  one_request_driver in(group);
  open_number n;
  int result = 0;
  bool is_abandoned = false;
  const bool when_cancelled = model::choose(2) == 1;
  model::thread("performs", [&] { result = perform_one(g[0], n, in, is_abandoned); });
  model::thread("kernel", [&] {
    in.complete_it(when_cancelled);
    g.deliver();
  });
  model::thread("abandons", [&] { g.abandon(0); });
  // An abandoned one that had not yet begun to wait may never cancel.
  if (when_cancelled) model::thread("closes", [&] { close_descriptor(*n.on); });
  model::join();
  model::check(when_cancelled || result == success, "what the kernel has said");
  model::check(n.on->requests == nullptr, "nothing is listed any more");
}

/// Closed: the request ends, and the number is given back by the last of all.
MODEL(io_request_closed, {.executions = 10'000, .random_runs = 1'000}) {
  stand_ins g(1);
  driver_group group;
  one_request_driver in(group);
  open_number n;
  int result = 0;
  bool is_abandoned = false;
  const bool when_cancelled = model::choose(2) == 1;
  model::thread("performs", [&] { result = perform_one(g[0], n, in, is_abandoned); });
  model::thread("closes", [&] {
    close_descriptor(*n.on);
    model::check(!close_descriptor(*n.on), "it is closed once");
  });
  model::thread("kernel", [&] {
    in.complete_it(when_cancelled);
    g.deliver();
  });
  model::join();
  model::check(!n.is_open(), "its number is given back");
  model::check(n.on->requests == nullptr, "nothing is listed any more");
}

/// Its deadline passes: the request is refused, or ends; then it is moved, and closed.
MODEL(io_request_deadline, {.executions = 10'000, .random_runs = 1'000}) {
  stand_ins g(1);
  driver_group group;
  one_request_driver in(group);
  open_number n;
  int result = 0;
  bool is_abandoned = false;
  const bool when_cancelled = model::choose(2) == 1;
  model::thread("performs", [&] { result = perform_one(g[0], n, in, is_abandoned); });
  model::thread("deadline", [&] {
    set_deadline(*n.on, io_side::read, 1, &g.its_scheduler().outside_timers());
  });
  model::thread("kernel", [&] {
    in.complete_it(when_cancelled);
    g.deliver();
  });
  model::join();
  model::check(result == 0 || result == (when_cancelled ? -ECANCELED : success), "as the kernel");
  model::check(n.on->reading.expired.load(relaxed), "it has passed");
  set_deadline(*n.on, io_side::read, never, nullptr);
  model::check(begin_use(*n.on), "it is open all the same");
  end_use(*n.on);
  close_descriptor(*n.on);
  model::check(g.its_scheduler().outside_timers().armed() == 0, "nothing is armed");
  model::check(!n.is_open(), "its number is given back");
}

// --- readiness -----------------------------------------------------------------------------------

namespace {

/// Data that makes a call go through, and who waits for it as perform_when_ready() does.
struct stream_of_data {
  driver_group group;
  one_request_driver in{group};
  open_number n;
  atomic<std::uint32_t> there{0};

  /// Takes one. False: it was closed before.
  bool take(stand_in& g) {
    const descriptor_use user(n.on);
    for (;;) {
      if (!user || n.on->closing.load(acquire)) return false;
      const std::uint32_t seen = n.on->reading.events.load(acquire);
      // The call, which would block where there is nothing.
      std::uint32_t count = there.load(acquire);
      while (count != 0 && !there.compare_exchange_weak(count, count - 1, acq_rel, acquire)) {
      }
      if (count != 0) return true;
      readiness_operation ready(*n.on, io_side::read, seen, group);
      static_cast<void>(g.await(io_wait(ready).bind(g)));
    }
  }
  /// As whoever has collected the kernel's event.
  void arrive(stand_ins& g, std::uint32_t count) {
    there.fetch_add(count, acq_rel);
    wake_list wakes;
    note_event(*n.on, n.on->generation, true, false, wakes);
    wake_all(wakes);
    g.deliver();
  }
};

}  // namespace

/// One event tells of data for two, both of which may be anywhere between the call and the wait.
MODEL(io_readiness_for_two, {.executions = 10'000, .random_runs = 2'000}) {
  stand_ins g(2);
  stream_of_data s;
  bool first = false;
  bool second = false;
  model::thread("first", [&] { first = s.take(g[0]); });
  model::thread("second", [&] { second = s.take(g[1]); });
  model::thread("kernel", [&] { s.arrive(g, 2); });
  model::join();
  model::check(first && second, "both have got theirs");
  model::check(s.group.waiting.load(relaxed) == 0, "nobody waits any more");
}

/// A close in the midst of it ends the wait, and the number goes with the last user.
MODEL(io_readiness_closed, {.executions = 10'000, .random_runs = 2'000}) {
  stand_ins g(1);
  stream_of_data s;
  bool got = false;
  model::thread("takes", [&] { got = s.take(g[0]); });
  model::thread("closes", [&] {
    close_descriptor(*s.n.on);
    g.deliver();
  });
  model::thread("kernel", [&] { s.arrive(g, 1); });
  model::join();
  model::check(got == (s.there.load(relaxed) == 0), "what is taken is taken once");
  model::check(!s.n.is_open(), "its number is given back");
  model::check(s.group.waiting.load(relaxed) == 0, "nobody waits any more");
}
