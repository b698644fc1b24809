// SPDX-License-Identifier: MIT
// Channels of capacity 0 and 1, by the public face that plain threads use: what is sent is received
// once or destroyed once, and nobody waits for ever.
#include "checker.hpp"

#include <burrow/chan.hpp>

#include <array>
#include <optional>

using namespace burrow;

namespace {

/// An element that is moved and destroyed by calls. Who has it reads what its maker wrote.
class parcel {
 public:
  explicit parcel(int number) : number_(number) {}
  parcel(parcel&& other) noexcept : number_(std::exchange(other.number_, 0)) {}
  parcel& operator=(parcel&& other) noexcept {
    number_ = std::exchange(other.number_, 0);
    return *this;
  }
  int number() const noexcept { return number_; }

 private:
  int number_;
};

struct received {
  int sum = 0;
  int count = 0;
  bool take(const std::optional<parcel>& p) {
    if (!p) return false;
    model::check(p->number() != 0, "what arrives is what was sent");
    sum += p->number();
    ++count;
    return true;
  }
};

/// False: the channel was closed.
bool send(const chan<parcel>& c, int number) {
  try {
    c.send_blocking(parcel(number));
    return true;
  } catch (const closed_channel&) {
    return false;
  }
}

}  // namespace

MODEL(chan_unbuffered, {.executions = 20'000}) {
  auto c = make_chan<parcel>(0);
  received got;
  model::thread("sender", [&] { send(c, 1); });
  model::thread("receiver", [&] { got.take(c.recv_blocking()); });
  model::join();
  model::check(got.sum == 1, "it has arrived");
}

MODEL(chan_unbuffered_close, {.executions = 20'000}) {
  auto c = make_chan<parcel>(0);
  received got;
  int sent = 0;
  model::thread("sender", [&] { sent = send(c, 1) ? 1 : 0; });
  model::thread("receiver", [&] { got.take(c.recv_blocking()); });
  model::thread("closer", [&] { c.close(); });
  model::join();
  model::check(got.sum == sent, "received if sent");
}

MODEL(chan_buffered_two_senders, {.executions = 20'000}) {
  auto c = make_chan<parcel>(1);
  received got;
  model::thread("sender 1", [&] { send(c, 1); });
  model::thread("sender 2", [&] { send(c, 2); });
  model::thread("receiver", [&] {
    got.take(c.recv_blocking());
    got.take(c.recv_blocking());
  });
  model::join();
  model::check(got.sum == 3, "both have arrived");
}

/// The room that a receive leaves is a waiting sender's, though nobody receives again.
MODEL(chan_buffered_makes_room, {.executions = 20'000}) {
  auto c = make_chan<parcel>(1);
  received got;
  model::thread("sender", [&] {
    send(c, 1);
    send(c, 2);
  });
  model::thread("receiver", [&] { got.take(c.recv_blocking()); });
  model::join();
  model::check(got.sum == 1, "the first has arrived");
  model::check(c.size() == 1, "the second is in the buffer");
}

MODEL(chan_buffered_close, {.executions = 20'000}) {
  auto c = make_chan<parcel>(1);
  received got;
  int sent = 0;
  model::thread("sender", [&] {
    sent += send(c, 1) ? 1 : 0;
    sent += send(c, 2) ? 2 : 0;
  });
  model::thread("receiver", [&] {
    while (got.take(c.recv_blocking())) {
    }
  });
  model::thread("closer", [&] { c.close(); });
  model::join();
  received rest;
  while (rest.take(c.recv_blocking())) {
  }
  model::check(rest.count == 0, "the receiver has taken all before it saw the end");
  model::check(got.sum == sent, "what was sent has arrived");
}

/// Two receivers take cells out of the buffer, and give them back, while a sender takes one.
MODEL(chan_buffered_two_receivers, {.executions = 20'000}) {
  auto c = make_chan<parcel>(1);
  std::array<received, 2> got;
  model::thread("sender", [&] {
    send(c, 1);
    send(c, 2);
  });
  model::thread("receiver 1", [&] { got[0].take(c.recv_blocking()); });
  model::thread("receiver 2", [&] { got[1].take(c.recv_blocking()); });
  model::join();
  model::check(got[0].sum + got[1].sum == 3, "both have arrived");
  model::check(got[0].count == 1 && got[1].count == 1, "one each");
}

/// The channel holds one element at each instant: who looks must not find it empty.
MODEL(chan_never_empty, {.executions = 20'000}) {
  auto c = make_chan<int>(2);
  c.try_send(1);
  model::thread("peer", [&] {
    c.try_send(2);
    int v = 0;
    c.try_recv(v);
  });
  model::thread("looker", [&] {
    int v = 0;
    model::check(c.try_recv(v) == recv_status::received, "it was never empty");
  });
  model::join();
}

/// It is closed before it is drained, so at each instant a receive is over at once.
MODEL(chan_closed_then_drained, {.preemptions = 1, .stale_reads = 3}) {
  auto c = make_chan<int>(1);
  c.try_send(1);
  model::thread("peer", [&] {
    c.close();
    int v = 0;
    c.try_recv(v);
  });
  model::thread("looker", [&] {
    int v = 0;
    model::check(c.try_recv(v) != recv_status::empty, "it was never open and empty");
  });
  model::join();
}

/// The last handle goes on another thread than the one that used the channel last.
MODEL(chan_last_handle, {.executions = 20'000}) {
  auto c = make_chan<parcel>(1);
  auto copy = c;
  model::thread("sender", [c = std::move(c)]() mutable {
    c.try_send(parcel(1));
    c = {};
  });
  model::thread("receiver", [c = std::move(copy)]() mutable {
    std::optional<parcel> p;
    if (c.try_recv(p) == recv_status::received) model::check(p->number() == 1, "as it was sent");
    c = {};
  });
  model::join();
}
