// expect-clang: no matching member function for call to 'lock'
// expect-gcc: no matching function for call to
// SPDX-License-Identifier: MIT
//
// {} is no Context.
#include <burrow/burrow.hpp>

burrow::task<> body() {
  burrow::mutex mu;
#ifdef CONTROL
  co_await mu.lock(burrow::background());
#else
  co_await mu.lock({});
#endif
}
