// expect: the lock of a goroutine is awaited: auto held = co_await m.guard()
// SPDX-License-Identifier: MIT
//
// It would call lock(), which takes nothing until it is awaited, and unlock what another holds.
#include <burrow/burrow.hpp>

burrow::task<> body(burrow::mutex& m) {
#ifdef CONTROL
  auto held = co_await m.guard();
#else
  std::lock_guard held(m);
  co_return;
#endif
}
