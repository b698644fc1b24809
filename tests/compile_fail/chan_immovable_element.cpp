// expect: a channel's element is an object type that can be moved and destroyed
// SPDX-License-Identifier: MIT
//
// What cannot be moved cannot travel.
#include <burrow/burrow.hpp>

struct immovable {
  immovable() = default;
  immovable(immovable&&) = delete;
};

burrow::task<> body() {
#ifdef CONTROL
  static_cast<void>(burrow::make_chan<immovable*>());
#else
  static_cast<void>(burrow::make_chan<immovable>());
#endif
  co_return;
}
