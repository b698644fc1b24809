// SPDX-License-Identifier: MIT
// What tests of channels and select share: goroutines that note what they got.
#pragma once

#include <burrow/burrow.hpp>

#include <memory>
#include <optional>
#include <vector>

using numbers = std::vector<int>;
using notes = std::shared_ptr<numbers>;

inline notes new_notes() { return std::make_shared<numbers>(); }

/// Sends `value`, and notes how that ended: the value, or -1 if it was refused.
inline burrow::task<> send_and_note(burrow::send_chan<int> c, int value, notes log) {
  try {
    co_await c.send(value);
    log->push_back(value);
  } catch (const burrow::closed_channel&) {
    log->push_back(-1);
  }
}

/// Receives, and notes the value, or -1 if the channel was closed.
inline burrow::task<> receive_and_note(burrow::recv_chan<int> c, notes log) {
  std::optional<int> got = co_await c.recv();
  log->push_back(got.value_or(-1));
}

/// Waits for a value from `a` (notes it) or from `b` (notes it + 100); closed: -1 or 99.
inline burrow::task<> select_and_note(burrow::chan<int> a, burrow::chan<int> b, notes log) {
  int v = 0;
  bool ok = false;
  const int chosen = co_await burrow::select(a.recv(v, ok), b.recv(v, ok));
  log->push_back(chosen * 100 + (ok ? v : -1));
}

/// All that can be received at once.
inline numbers drain(const burrow::chan<int>& c) {
  numbers all;
  int v = 0;
  while (c.try_recv(v) == burrow::recv_status::received) all.push_back(v);
  return all;
}
