// exit: 2
// stderr: fatal error: sync: unlock of unlocked mutex
// ids: CO1
// SPDX-License-Identifier: MIT
//
// CO1: to wait without the mutex is to unlock what is not locked.
#include <burrow/burrow.hpp>

int main() {
  return burrow::run([]() -> burrow::task<> {
    burrow::mutex mu;
    burrow::cond cv(mu);
    co_await cv.wait();
  });
}
