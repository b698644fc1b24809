// SPDX-License-Identifier: MIT
#include <burrow/chan.hpp>

#include <stdexcept>

namespace burrow::detail {

void throw_send_on_closed() { throw closed_channel("send on closed channel"); }
void throw_close_of_closed() { throw closed_channel("close of closed channel"); }
void throw_close_of_nil() { throw nil_channel("close of nil channel"); }

namespace {

bool attempt_now(chan_core& core, chan_waiter& w, const operation_type& type) noexcept {
  goroutine* woken = nullptr;
  core.lock.lock();
  const bool done = type.attempt(w, woken);
  core.lock.unlock();
  if (woken != nullptr) wake(woken);
  return done;
}

void refuse_in_goroutine(const char* sentence) {
  if (current_goroutine() != nullptr) throw std::logic_error(sentence);
}

/// A nil channel: forever.
[[noreturn]] void park_forever() {
  parked_thread self;
  for (;;) self.wait_until_woken();
}

void complete_or_park(chan_core* core, chan_waiter& w, const operation_type& type,
                      wait_reason reason) {
  if (core == nullptr) park_forever();
  parked_thread self;
  w.who = &self;
  goroutine* woken = nullptr;
  core->lock.lock();
  const bool done = type.attempt(w, woken);
  if (!done) {
    self.begin_firm_wait(reason);
    type.enlist(w);
  }
  core->lock.unlock();
  if (woken != nullptr) wake(woken);
  if (!done) self.wait_until_woken();
}

}  // namespace

bool try_send_now(chan_core* core, chan_waiter& w, const operation_type& type) noexcept {
  // Not ready at that instant: the attempt may fail. A look that says ready may be stale.
  if (core == nullptr || !core->may_send()) return false;
  return attempt_now(*core, w, type);
}

bool try_receive_now(chan_core* core, chan_waiter& w, const operation_type& type) noexcept {
  if (core == nullptr) return false;
  // The looks at buffer, senders and closed are three: only under one version do they make a
  // verdict.
  const std::uint32_t version = core->lock.version();
  if (!wait_lock::is_held(version) && !core->may_receive() && core->lock.version() == version) {
    return false;
  }
  return attempt_now(*core, w, type);
}

void send_or_park(chan_core* core, chan_waiter& w, const operation_type& type) {
  refuse_in_goroutine("send_blocking is for plain threads: a goroutine writes co_await c.send(x)");
  complete_or_park(core, w, type, wait_reason::chan_send);
}

void receive_or_park(chan_core* core, chan_waiter& w, const operation_type& type) {
  refuse_in_goroutine("recv_blocking is for plain threads: a goroutine writes co_await c.recv(v)");
  complete_or_park(core, w, type, wait_reason::chan_receive);
}

void close_channel(chan_core* core) {
  if (core == nullptr) throw_close_of_nil();
  if (!core->close()) throw_close_of_closed();
}

}  // namespace burrow::detail
