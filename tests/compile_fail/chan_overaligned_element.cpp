// expect: a channel's element must not be aligned beyond 16 bytes: hold it by pointer
// SPDX-License-Identifier: MIT
//
// An element that frames and buffers could not align.
#include <burrow/burrow.hpp>

struct alignas(32) vector_of_floats {
  float lanes[8];
};

burrow::task<> body() {
#ifdef CONTROL
  static_cast<void>(burrow::make_chan<vector_of_floats*>());
#else
  static_cast<void>(burrow::make_chan<vector_of_floats>());
#endif
  co_return;
}
