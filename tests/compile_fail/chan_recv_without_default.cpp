// expect: recv(v) sets v to T{} when the channel is closed
// expect: receive into a std::optional<T>
// SPDX-License-Identifier: MIT
//
// A closed channel has no value for a T without a default.
#include <burrow/burrow.hpp>

struct number {
  explicit number(int n) : value(n) {}
  int value;
};

burrow::task<> body() {
#ifdef CONTROL
  std::optional<number> v;
  co_await burrow::make_chan<number>().recv(v);
#else
  number v(1);
  co_await burrow::make_chan<number>().recv(v);
#endif
  co_return;
}
